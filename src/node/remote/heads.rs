//! The node's question: is there anything new?

use std::io::Read;

use git2::Oid;
use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::answer::{QUICK, cut_off, unreadable};
use super::ask::{Ask, Headers};
use super::limits::{MAX_JSON, MAX_REPORT, WORK};
use super::outgoing::Content;
use super::refusal::no_ecconfigd;
use super::{Error, Remote, UPLOAD_PACK_RESULT, oid, upload_pack};
use crate::protocol::{self, Id};

/// Where a subcluster stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Head {
    /// The subcluster.
    pub name: String,
    /// The newest revision of the live configuration; none in an empty repository.
    pub revision: Option<u64>,
    /// The same, as a commit.
    #[serde(default, deserialize_with = "commit")]
    pub commit: Option<Oid>,
    /// The newest commit of the saved running configurations, if there are any.
    #[serde(default, deserialize_with = "commit")]
    pub running: Option<Oid>,
    /// Whether it is in CONFLICT.
    #[serde(default)]
    pub conflict: bool,
    /// Why nothing else can be told.
    pub error: Option<String>,
}

fn commit<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Oid>, D::Error> {
    Ok(Option::<Id>::deserialize(deserializer)?.map(oid))
}

impl Remote {
    /// Where these subclusters stand, or all if none is named. One request.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such subcluster; [`Error`] says what else.
    pub fn subclusters(&mut self, names: &[&str]) -> Result<Vec<Head>, Error> {
        let names: Vec<String> =
            names.iter().map(|name| format!("name={}", encode(name))).collect();
        let query = if names.is_empty() { String::new() } else { format!("?{}", names.join("&")) };
        let content = self.json(Method::GET, format!("/subclusters{query}"), Content::nothing())?;
        serde_json::from_slice(&content).map_err(|_| no_ecconfigd(self.address()))
    }

    /// The newest commit of a branch such as `running`, if it is there.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such subcluster; [`Error`] says what else.
    pub fn branch(&mut self, subcluster: &str, branch: &str) -> Result<Option<Oid>, Error> {
        self.tip(subcluster, branch).map(|(tip, _)| tip)
    }

    /// The same, and the newest revision of `boot`.
    pub(super) fn tip(
        &mut self,
        subcluster: &str,
        branch: &str,
    ) -> Result<(Option<Oid>, Option<u64>), Error> {
        let name = format!("refs/heads/{branch}");
        let content = Content::Memory(protocol::ask_for_refs(&[&name]).into());
        let ask = upload_pack(subcluster, content, QUICK);
        let answer = self.conversation.ask(&ask, &mut |_| {})?;
        let (address, revision) = (answer.address().clone(), answer.revision());
        let reader = answer.of_type(UPLOAD_PACK_RESULT)?;
        let refs = protocol::read_refs(reader.take(MAX_REPORT))
            .map_err(|error| unreadable(&address, error))?;
        let tip = refs.into_iter().find(|(found, _)| *found == name).map(|(_, id)| oid(id));
        Ok((tip, revision))
    }

    pub(super) fn json(
        &mut self,
        method: Method,
        path: String,
        content: Content,
    ) -> Result<Vec<u8>, Error> {
        let is_repeatable = method.is_idempotent();
        let headers: Headers = match content.len() {
            0 => &[],
            _ => &[("content-type", "application/json")],
        };
        // A change may copy much.
        let patience = if method.is_safe() { QUICK } else { WORK };
        let ask =
            Ask { method, path, headers, if_none_match: None, content, patience, is_repeatable };
        let answer = self.conversation.ask(&ask, &mut |_| {})?;
        if answer.status() == hyper::StatusCode::NO_CONTENT {
            return Ok(b"null".to_vec());
        }
        let address = answer.address();
        let mut body = Vec::new();
        let reader = answer.of_type("application/json")?;
        reader
            .take(MAX_JSON)
            .read_to_end(&mut body)
            .map_err(|error| cut_off(address, error.kind()))?;
        Ok(body)
    }
}

/// The text as part of an address.
pub(in crate::node) fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
