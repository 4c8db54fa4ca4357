//! What a node says of itself with its question. Hostile until it has been read here.

use serde::{Deserialize, Serialize};

use crate::momentum::is_node_name;
use crate::protocol::Id;
use crate::server::error::Error;
use crate::server::limits::{MAX_NODE_ERROR, MAX_NODE_PARTS};
use crate::server::route::{parameter, parameters};

/// One node's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::server) struct Word {
    /// Its name, in lower case.
    pub(super) node: String,
    /// The subclusters it takes, and the commit of each that it has.
    pub(super) parts: Vec<Part>,
    /// Whether the mail server took the configuration when it was last told to; none if the node
    /// says nothing of that.
    pub(super) reload: Option<Reload>,
    /// What last went wrong, if anything has since all was well.
    pub(super) error: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::server) struct Part {
    pub(super) subcluster: String,
    pub(super) commit: Option<Id>,
}

/// What came of the last reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::server) enum Reload {
    Ok,
    Failed,
}

impl Word {
    /// Reads `node=`, `commit=` (one for each `name=`, in the same order; empty if there is none),
    /// `reload=` and `error=`. A question without `node=` is nobody's.
    pub(in crate::server) fn parse(
        query: Option<&str>,
        names: &[String],
    ) -> Result<Option<Self>, Error> {
        let Some(node) = parameter(query, "node")? else { return Ok(None) };
        let commits: Vec<String> = parameters(query, "commit").collect::<Result<_, _>>()?;
        if commits.len() > names.len() {
            return Err(bad("there are more commit= than name="));
        }
        let parts = names.iter().enumerate().map(|(index, subcluster)| {
            let commit = commits.get(index).map_or(Ok(None), |text| commit(text))?;
            Ok(Part { subcluster: subcluster.clone(), commit })
        });
        let word = Self {
            node: node.to_ascii_lowercase(),
            parts: parts.collect::<Result<_, Error>>()?,
            reload: parameter(query, "reload")?.map(|text| Reload::parse(&text)).transpose()?,
            error: parameter(query, "error")?.filter(|error| !error.is_empty()),
        };
        word.check().map(Some)
    }

    /// Itself, if it is none that could do harm.
    pub(super) fn check(self) -> Result<Self, Error> {
        if !is_node_name(&self.node) {
            return Err(bad("node= takes a host name"));
        }
        if self.parts.len() > MAX_NODE_PARTS {
            return Err(bad("a node has too many subclusters"));
        }
        if self.error.as_ref().is_some_and(|error| error.chars().count() > MAX_NODE_ERROR) {
            return Err(bad("error= is too long"));
        }
        Ok(self)
    }
}

impl Reload {
    fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "ok" => Ok(Self::Ok),
            "failed" => Ok(Self::Failed),
            _ => Err(bad("reload= takes ok or failed")),
        }
    }
}

fn commit(text: &str) -> Result<Option<Id>, Error> {
    match text {
        "" => Ok(None),
        hex => Id::from_hex(hex.as_bytes())
            .map(Some)
            .ok_or_else(|| bad("commit= takes the id of a commit in full")),
    }
}

fn bad(what: &str) -> Error {
    Error::BadRequest(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    fn parse(query: &str) -> Result<Option<Word>, ()> {
        let names = ["west".to_owned(), "global".to_owned()];
        Word::parse(Some(query), &names).map_err(|_| ())
    }

    #[test]
    fn a_word_is_read_in_full() {
        let word = parse(&format!("node=MTA1&commit={ID}&commit=&reload=failed&error=no%20way"));
        let part = |subcluster: &str, commit| Part { subcluster: subcluster.into(), commit };
        let expected = Word {
            node: "mta1".into(),
            parts: vec![part("west", Id::from_hex(ID.as_bytes())), part("global", None)],
            reload: Some(Reload::Failed),
            error: Some("no way".into()),
        };
        assert_eq!(word, Ok(Some(expected)));
        assert_eq!(parse("commit=x&reload=x"), Ok(None), "nobody's");
    }

    #[test]
    fn what_could_do_harm_is_refused() {
        let long = format!("node=a&error={}", "x".repeat(MAX_NODE_ERROR + 1));
        let many = format!("node=a&commit={ID}&commit={ID}&commit={ID}");
        for query in [
            "node=",
            "node=a%20b",
            "node=a%1b[2J",
            "node=..%2Fx",
            "node=a&commit=x",
            "node=a&commit=0123",
            "node=a&reload=maybe",
            "node=a&error=%0a",
            &long,
            &many,
        ] {
            assert_eq!(parse(query), Err(()), "{query}");
        }
    }
}
