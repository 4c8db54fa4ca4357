//! The first answer to a client: what the server can do and, before version 2, which references
//! there are.

use super::{AGENT, Id, Version, pkt};

/// The two services of git's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `git-upload-pack`: clone and fetch.
    UploadPack,
    /// `git-receive-pack`: push.
    ReceivePack,
}

impl Service {
    /// The name as it stands in URLs and content types.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }

    /// The service of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::UploadPack, Self::ReceivePack].into_iter().find(|service| service.name() == name)
    }

    const fn capabilities(self) -> &'static str {
        match self {
            Self::UploadPack => {
                "multi_ack thin-pack side-band side-band-64k ofs-delta shallow deepen-since \
                 deepen-not deepen-relative no-progress include-tag multi_ack_detailed \
                 allow-tip-sha1-in-want allow-reachable-sha1-in-want no-done filter"
            }
            Self::ReceivePack => {
                "report-status report-status-v2 delete-refs side-band-64k quiet atomic ofs-delta"
            }
        }
    }
}

/// A reference as it is shown to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertised<'a> {
    /// The full name, such as `refs/heads/boot`.
    pub name: &'a str,
    /// The object it names.
    pub target: Id,
    /// What an annotated tag finally points to.
    pub peeled: Option<Id>,
}

/// The body of `info/refs?service=…` in version 0 and 1. `head` is the branch that HEAD names; it
/// is told to fetching clients only, as git does.
pub fn advertise<'a>(
    service: Service,
    version: Version,
    head: &str,
    refs: impl Iterator<Item = Advertised<'a>> + Clone,
) -> Vec<u8> {
    let mut out = Vec::new();
    pkt::line(&mut out, format_args!("# service={}", service.name()));
    pkt::flush(&mut out);
    if version == Version::V1 {
        pkt::line(&mut out, "version 1");
    }
    let fetching = service == Service::UploadPack;
    let head_value = refs.clone().find(|r| fetching && r.name == head);
    let mut capabilities = service.capabilities().to_owned();
    if head_value.is_some() {
        capabilities += &format!(" symref=HEAD:{head}");
    }
    capabilities += &format!(" object-format=sha1 agent={AGENT}");

    let head_line = head_value.map(|value| Advertised { name: "HEAD", ..value });
    let mut capabilities = Some(capabilities);
    for reference in head_line.into_iter().chain(refs) {
        ref_line(&mut out, reference.target, reference.name, capabilities.take());
        if let (true, Some(peeled)) = (fetching, reference.peeled) {
            ref_line(&mut out, peeled, &format!("{}^{{}}", reference.name), None);
        }
    }
    if capabilities.is_some() {
        ref_line(&mut out, Id::ZERO, "capabilities^{}", capabilities);
    }
    pkt::flush(&mut out);
    out
}

fn ref_line(out: &mut Vec<u8>, id: Id, name: &str, capabilities: Option<String>) {
    match capabilities {
        Some(capabilities) => pkt::line(out, format_args!("{id} {name}\0{capabilities}")),
        None => pkt::line(out, format_args!("{id} {name}")),
    }
}

/// The body of `info/refs?service=git-upload-pack` in version 2: what can be asked, no references.
pub fn advertise_v2() -> Vec<u8> {
    let mut out = Vec::new();
    pkt::line(&mut out, "version 2");
    pkt::line(&mut out, format_args!("agent={AGENT}"));
    pkt::line(&mut out, "ls-refs=unborn");
    pkt::line(&mut out, "fetch=shallow wait-for-done filter");
    pkt::line(&mut out, "object-format=sha1");
    pkt::flush(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn an_empty_repository_still_tells_its_capabilities() {
        let body = advertise(Service::ReceivePack, Version::V0, "refs/heads/boot", [].into_iter());
        assert!(text(&body).contains(&format!("{} capabilities^{{}}\0report-status", Id::ZERO)));
    }

    #[test]
    fn a_fetching_client_is_told_where_head_points_and_what_tags_peel_to() {
        let (commit, tag) = (Id::from_bytes([1; 20]), Id::from_bytes([2; 20]));
        let refs = [
            Advertised { name: "refs/heads/boot", target: commit, peeled: None },
            Advertised { name: "refs/tags/v1", target: tag, peeled: Some(commit) },
        ];
        let body = advertise(Service::UploadPack, Version::V1, "refs/heads/boot", refs.into_iter());
        let body = text(&body);
        assert!(body.starts_with("001e# service=git-upload-pack\n0000000eversion 1\n"));
        assert!(body.contains(&format!("{commit} HEAD\0")));
        assert!(body.contains("symref=HEAD:refs/heads/boot"));
        assert!(body.contains(&format!("{commit} refs/tags/v1^{{}}\n")));
    }
}
