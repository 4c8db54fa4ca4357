//! What a fetch asks for, in whichever version it was asked.

use super::limits::{MAX_DEEPEN_NOT, MAX_HAVES, MAX_REF_NAME, MAX_SHALLOWS, MAX_WANTS};
use super::{Error, Id, Sideband};

/// One request for a pack.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FetchRequest {
    /// The objects to be sent, with all that they reach.
    pub wants: Vec<Id>,
    /// Objects the client says it has, with all that they reach.
    pub haves: Vec<Id>,
    /// The client wants the pack now, whatever else could be negotiated.
    pub done: bool,
    /// Version 2: the client ends the negotiation itself, with `done`.
    pub wait_for_done: bool,
    /// Commits whose parents the client does not have.
    pub shallow: Vec<Id>,
    /// Where the history is to be cut.
    pub deepen: Option<Deepen>,
    /// Objects that are left out.
    pub filter: Filter,
    /// Annotated tags of sent commits are wanted too.
    pub include_tag: bool,
    /// No progress is wanted.
    pub no_progress: bool,
    /// How the answer is framed.
    pub sideband: Sideband,
    /// Version 0: how acknowledgements are written.
    pub multi_ack: MultiAck,
    /// Version 0: the pack may follow `ready` without `done`.
    pub no_done: bool,
}

/// Where a shallow history ends.
#[derive(Debug, PartialEq, Eq)]
pub enum Deepen {
    /// After so many commits from what is wanted.
    Depth(u32),
    /// So many commits below where the client's history ends now.
    Relative(u32),
    /// By date, by excluded references, or both.
    Limits {
        /// Only commits as new as this, in seconds since 1970.
        since: Option<i64>,
        /// No commit reachable from these references.
        not: Vec<String>,
    },
}

/// git's number for "all of it", sent by `--unshallow` (`INFINITE_DEPTH` in git's shallow.h).
pub(super) const INFINITE_DEPTH: u32 = 0x7fff_ffff;

impl Deepen {
    /// Whether the whole history is asked for.
    pub fn is_infinite(&self) -> bool {
        matches!(self, Self::Depth(depth) | Self::Relative(depth) if *depth >= INFINITE_DEPTH)
    }
}

/// What a partial clone leaves out (`--filter` in git-rev-list(1)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// Nothing.
    #[default]
    None,
    /// All blobs: `blob:none`.
    NoBlobs,
    /// Blobs of this many bytes or more: `blob:limit=N`.
    BlobLimit(u64),
    /// Trees and blobs: `tree:0`.
    NoTrees,
}

/// How a version 0 client wants haves acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MultiAck {
    /// The first common object only.
    #[default]
    Single,
    /// `continue` after each.
    Continue,
    /// `common` after each, `ready` when it is enough.
    Detailed,
}

impl FetchRequest {
    pub(super) fn push_want(&mut self, hex: &[u8], line: &[u8]) -> Result<(), Error> {
        push_id(&mut self.wants, hex, line, "wants", MAX_WANTS)
    }

    pub(super) fn push_have(&mut self, hex: &[u8], line: &[u8]) -> Result<(), Error> {
        push_id(&mut self.haves, hex, line, "haves", MAX_HAVES)
    }

    pub(super) fn push_shallow(&mut self, hex: &[u8], line: &[u8]) -> Result<(), Error> {
        push_id(&mut self.shallow, hex, line, "shallow commits", MAX_SHALLOWS)
    }

    /// Takes a line that begins with `deepen`; false if it is another line.
    pub(super) fn take_deepen(&mut self, line: &[u8]) -> Result<bool, Error> {
        let Some(rest) = line.strip_prefix(b"deepen") else { return Ok(false) };
        let rest = std::str::from_utf8(rest).map_err(|_| Error::unexpected(line))?;
        if let Some(depth) = rest.strip_prefix(' ') {
            let depth = depth.parse().ok().filter(|&depth| depth > 0);
            let depth = depth.ok_or_else(|| Error::unexpected(line))?;
            // `deepen-relative` may come before or after the depth.
            self.deepen = Some(match self.deepen {
                Some(Deepen::Relative(_)) => Deepen::Relative(depth),
                _ => Deepen::Depth(depth),
            });
        } else if rest == "-relative" {
            self.make_relative();
        } else if let Some(since) = rest.strip_prefix("-since ") {
            let time = since.parse().map_err(|_| Error::unexpected(line))?;
            self.limits().0.replace(time);
        } else if let Some(name) = rest.strip_prefix("-not ").filter(|n| n.len() <= MAX_REF_NAME) {
            let not = self.limits().1;
            if not.len() == MAX_DEEPEN_NOT {
                return Err(Error::TooMany { what: "excluded references", limit: MAX_DEEPEN_NOT });
            }
            not.push(name.to_owned());
        } else {
            return Err(Error::unexpected(line));
        }
        Ok(true)
    }

    /// The depth counts from where the client's history ends.
    pub(super) fn make_relative(&mut self) {
        self.deepen = Some(match self.deepen {
            Some(Deepen::Depth(depth) | Deepen::Relative(depth)) => Deepen::Relative(depth),
            _ => Deepen::Relative(0),
        });
    }

    fn limits(&mut self) -> (&mut Option<i64>, &mut Vec<String>) {
        if !matches!(self.deepen, Some(Deepen::Limits { .. })) {
            self.deepen = Some(Deepen::Limits { since: None, not: Vec::new() });
        }
        match &mut self.deepen {
            Some(Deepen::Limits { since, not }) => (since, not),
            _ => unreachable!("set to limits above"),
        }
    }

    /// `deepen-relative` without a depth asks for nothing.
    pub(super) fn finish(mut self) -> Self {
        if self.deepen == Some(Deepen::Relative(0)) {
            self.deepen = None;
        }
        self
    }
}

impl Filter {
    /// Reads a filter specification.
    pub(super) fn parse(spec: &[u8]) -> Result<Self, Error> {
        const SHOWN: usize = 80;
        let shown = spec[..spec.len().min(SHOWN)].escape_ascii();
        let unsupported = || Error::Unsupported(format!("the filter \"{shown}\""));
        match spec {
            b"blob:none" => Ok(Self::NoBlobs),
            b"tree:0" => Ok(Self::NoTrees),
            _ => {
                let limit = spec.strip_prefix(b"blob:limit=").ok_or_else(unsupported)?;
                let limit = std::str::from_utf8(limit).ok().and_then(|n| n.parse().ok());
                limit.map(Self::BlobLimit).ok_or_else(unsupported)
            }
        }
    }
}

fn push_id(
    ids: &mut Vec<Id>,
    hex: &[u8],
    line: &[u8],
    what: &'static str,
    limit: usize,
) -> Result<(), Error> {
    if ids.len() == limit {
        return Err(Error::TooMany { what, limit });
    }
    ids.push(Id::from_hex(hex).ok_or_else(|| Error::unexpected(line))?);
    Ok(())
}
