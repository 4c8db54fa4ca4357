//! Noticing that accounts or certificate have been changed by another program.

use std::ffi::OsStr;
use std::io;
use std::sync::Arc;
use std::thread;

use inotify::{Inotify, WatchMask};

use super::reload::Reload;
use crate::layout::Layout;

/// What has been changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changed {
    Accounts,
    Certificate,
}

impl Changed {
    fn by_name(name: &OsStr) -> Option<Self> {
        match name.to_str()? {
            "accounts" | "accounts.changes" | "svn-auth.htdigest" => Some(Self::Accounts),
            "server.key" | "server.crt" => Some(Self::Certificate),
            _ => None,
        }
    }
}

/// Watches in a thread of its own, which ends with the process. Without it `systemctl reload` still
/// does the same.
pub(super) fn start(layout: &Layout, reload: Arc<Reload>) {
    let started = watches(layout).and_then(|inotify| {
        thread::Builder::new().name("watch".into()).spawn(move || run(inotify, &reload))
    });
    if let Err(error) = started {
        tracing::warn!(
            "changes of accounts and certificate are not noticed by themselves ({error}): run `systemctl reload ecconfigd` after each",
        );
    }
}

fn watches(layout: &Layout) -> io::Result<Inotify> {
    let inotify = Inotify::init()?;
    let mask = WatchMask::CLOSE_WRITE | WatchMask::MOVED_TO | WatchMask::DELETE;
    for dir in [layout.state(), layout.repositories(), layout.certificates()] {
        inotify.watches().add(dir, mask)?;
    }
    Ok(inotify)
}

fn run(mut inotify: Inotify, reload: &Reload) {
    let mut buffer = [0; 4096];
    loop {
        let events = match inotify.read_events_blocking(&mut buffer) {
            Ok(events) => events,
            Err(error) => {
                return tracing::warn!(
                    "changes of accounts and certificate are not noticed any more: {error}"
                );
            }
        };
        let mut changes: Vec<Changed> =
            events.filter_map(|event| event.name.and_then(Changed::by_name)).collect();
        changes.dedup();
        changes.into_iter().for_each(|change| reload.changed(change));
    }
}
