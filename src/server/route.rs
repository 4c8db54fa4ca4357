//! Which address means what.
//!
//! A router's patterns do not fit these: names of branches and files hold slashes, and git puts its
//! own words behind them. So the path is taken apart here, once, into a [`Route`].

use percent_encoding::percent_decode_str;

use super::error::Error;
use super::limits::MAX_URL;
use super::subclusters;
use crate::protocol::Service;

/// The parts of an address.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `/livez`: the process answers.
    Live,
    /// `/readyz`: it can serve.
    Ready,
    /// `/` and `/config`: one level higher than this there is nothing to see.
    ToList,
    /// `/config/`: the subclusters.
    List,
    /// `/subclusters…`: what is asked of subclusters as such, and not of their files.
    Subclusters(subclusters::Route),
    /// `/nodes?subcluster=NAME`: what the nodes have, of this subcluster or of all.
    Nodes(Option<String>),
    /// `/members`: the servers of the cluster.
    Members,
    /// `/members/NAME`: one of them.
    Member(String),
    /// Something of one subcluster.
    Subcluster { name: String, what: What },
}

/// Something of one subcluster.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    /// `NAME/info/refs?service=…`
    InfoRefs(Service),
    /// `NAME/git-upload-pack` or `NAME/git-receive-pack`
    Rpc(Service),
    /// `NAME/`, `NAME/BRANCH/PATH`: what follows the name, and whether it ended in a slash.
    Tree { path: String, slash: bool, revision: Option<String> },
}

impl Route {
    /// Reads an address as it came: percent-encoded, from anybody.
    pub(super) fn parse(path: &str, query: Option<&str>) -> Result<Self, Error> {
        if path.len() + query.map_or(0, str::len) > MAX_URL {
            return Err(Error::BadUrl);
        }
        match path {
            "/livez" => return Ok(Self::Live),
            "/readyz" => return Ok(Self::Ready),
            "/" | "/config" => return Ok(Self::ToList),
            "/config/" => return Ok(Self::List),
            "/members" => return Ok(Self::Members),
            "/nodes" => return parameter(query, "subcluster").map(Self::Nodes),
            _ => {}
        }
        if let Some(name) = path.strip_prefix("/members/") {
            return decode(name).map(Self::Member);
        }
        if let Some(below) = path.strip_prefix("/subclusters") {
            return subclusters::Route::parse(&decode(below)?, query).map(Self::Subclusters);
        }
        let rest = decode(path.strip_prefix("/config/").ok_or(Error::NoRoute)?)?;
        let (name, below) = match rest.split_once('/') {
            Some((name, below)) => (name, Some(below)),
            None => (rest.as_str(), None),
        };
        let name = name.strip_suffix(".git").unwrap_or(name).to_owned();
        let what = What::parse(below, query)?;
        Ok(Self::Subcluster { name, what })
    }
}

impl What {
    fn parse(below: Option<&str>, query: Option<&str>) -> Result<Self, Error> {
        let below_text = below.unwrap_or_default();
        if let Some(service) = Service::from_name(below_text) {
            return Ok(Self::Rpc(service));
        }
        if let ("info/refs", Some(name)) = (below_text, parameter(query, "service")?) {
            let unknown = || Error::BadRequest("there is no such service".into());
            return Service::from_name(&name).map(Self::InfoRefs).ok_or_else(unknown);
        }
        let slash = below.is_some_and(|below| below.is_empty() || below.ends_with('/'));
        let path = below_text.strip_suffix('/').unwrap_or(below_text).to_owned();
        let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        if !path.is_empty() && !path.split('/').all(is_plain) {
            return Err(Error::BadUrl);
        }
        Ok(Self::Tree { path, slash, revision: parameter(query, "r")? })
    }
}

/// Decodes once; what is not UTF-8 or has control characters is nobody's file.
fn decode(encoded: &str) -> Result<String, Error> {
    let decoded = percent_decode_str(encoded).decode_utf8().map_err(|_| Error::BadUrl)?;
    match decoded.chars().any(char::is_control) {
        true => Err(Error::BadUrl),
        false => Ok(decoded.into_owned()),
    }
}

/// The first value of a parameter.
pub(super) fn parameter(query: Option<&str>, key: &str) -> Result<Option<String>, Error> {
    parameters(query, key).next().transpose()
}

/// All values of a parameter.
pub(super) fn parameters(
    query: Option<&str>,
    key: &str,
) -> impl Iterator<Item = Result<String, Error>> {
    let pairs = query.into_iter().flat_map(|query| query.split('&'));
    pairs.filter_map(move |pair| pair.strip_prefix(key)?.strip_prefix('=').map(decode))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn subcluster(name: &str, what: What) -> Route {
        Route::Subcluster { name: name.into(), what }
    }

    fn tree(path: &str, slash: bool) -> What {
        What::Tree { path: path.into(), slash, revision: None }
    }

    #[test]
    fn every_address_of_the_manual_is_understood() {
        let cases = [
            ("/livez", None, Route::Live),
            ("/config/", None, Route::List),
            ("/config/default", None, subcluster("default", tree("", false))),
            ("/config/default/", None, subcluster("default", tree("", true))),
            ("/config/west/boot", None, subcluster("west", tree("boot", false))),
            (
                "/config/west/boot/a%20b/c.conf",
                None,
                subcluster("west", tree("boot/a b/c.conf", false)),
            ),
            (
                "/config/west.git/info/refs",
                Some("service=git-upload-pack"),
                subcluster("west", What::InfoRefs(Service::UploadPack)),
            ),
            (
                "/config/west/git-receive-pack",
                None,
                subcluster("west", What::Rpc(Service::ReceivePack)),
            ),
            ("/config/west/info/refs", None, subcluster("west", tree("info/refs", false))),
        ];
        for (path, query, route) in cases {
            assert_eq!(Route::parse(path, query).unwrap(), route, "{path}");
        }
    }

    #[test]
    fn a_revision_can_be_asked_for() {
        let route = Route::parse("/config/west/boot/x", Some("a=b&r=12")).unwrap();
        let Route::Subcluster { what: What::Tree { revision, .. }, .. } = route else {
            panic!("not a file")
        };
        assert_eq!(revision.as_deref(), Some("12"));
    }

    #[test]
    fn hostile_addresses_are_refused() {
        for path in [
            "/config/default/boot/../../../etc/passwd",
            "/config/default/boot/%2e%2e/x",
            "/config/default/boot/%2E%2E%2Fx",
            "/config/default/boot//x",
            "/config/default/boot/./x",
            "/config/default/boot/a%00b",
            "/config/default/boot/a%0Ab",
            "/config/default/boot/%ff%fe",
            "/config/default/boot/%c0%ae%c0%ae/x",
        ] {
            assert!(matches!(Route::parse(path, None), Err(Error::BadUrl)), "{path}");
        }
        let long = format!("/config/default/boot/{}", "a".repeat(MAX_URL));
        assert!(matches!(Route::parse(&long, None), Err(Error::BadUrl)));
        assert!(matches!(Route::parse("/etc/passwd", None), Err(Error::NoRoute)));
    }

    proptest! {
        #[test]
        fn no_address_leads_outside(path in "/config/[a-z./%0-9A-F]{0,40}") {
            if let Ok(Route::Subcluster { what: What::Tree { path, .. }, .. }) = Route::parse(&path, None) {
                prop_assert!(path.split('/').all(|part| part != ".." && part != "."));
            }
        }
    }
}
