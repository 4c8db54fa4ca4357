//! Telling systemd how it goes (sd_notify(3)). Without it nobody listens, which is no failure.

use std::sync::LazyLock;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use sd_notify::NotifyState;

/// Messages that may wait for a systemd that does not read.
const MAX_WAITING: usize = 64;

/// The thread that tells systemd. Its socket takes few messages and then blocks until they are read,
/// which no thread that serves requests may do.
static TELLER: LazyLock<SyncSender<String>> = LazyLock::new(|| {
    let (sender, messages) = sync_channel::<String>(MAX_WAITING);
    let told = thread::Builder::new().name("notify".into()).spawn(move || {
        for message in messages {
            if let Err(error) = sd_notify::notify(&[NotifyState::Custom(&message)]) {
                tracing::warn!("systemd could not be told: {error}");
            }
        }
    });
    if let Err(error) = told {
        tracing::error!("systemd is told nothing, for a thread could not be started: {error}");
    }
    sender
});

fn send(states: &[NotifyState<'_>]) {
    let lines: Vec<String> = states.iter().map(ToString::to_string).collect();
    if TELLER.try_send(lines.join("\n")).is_err() {
        tracing::debug!("systemd was not told {}: it does not read", lines.join(" "));
    }
}

/// The server serves.
pub(super) fn ready(status: &str) {
    send(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The line for `systemctl status` has changed.
pub(super) fn status(status: &str) {
    send(&[NotifyState::Status(status)]);
}

/// The server reloads; [`ready`] follows.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => send(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!("the clock could not be read: {error}"),
    }
}

/// The server stops.
pub(super) fn stopping() {
    send(&[NotifyState::Stopping, NotifyState::Status("Finishing what is in flight")]);
}

/// The server is well.
pub(super) fn watchdog() {
    send(&[NotifyState::Watchdog]);
}
