//! Telling systemd how it goes (sd_notify(3)). Without it nobody listens, which is no failure.

use std::sync::LazyLock;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use sd_notify::NotifyState;

/// Messages that may wait for a systemd that does not read.
const MAX_WAITING: usize = 64;

/// How long the end waits for the last of them to be told.
const LAST_WORD_TIME: Duration = Duration::from_secs(1);

enum Word {
    Tell(String),
    /// Nothing that came before is waiting any more.
    Over(SyncSender<()>),
}

/// The thread that tells systemd. Its socket takes few messages and then blocks until they are read,
/// which no thread that serves requests may do.
static TELLER: LazyLock<SyncSender<Word>> = LazyLock::new(|| {
    let (sender, messages) = sync_channel(MAX_WAITING);
    let told = thread::Builder::new().name("notify".into()).spawn(move || {
        for word in messages {
            match word {
                Word::Tell(message) => tell(&message),
                // Whoever waits may have given up.
                Word::Over(done) => _ = done.send(()),
            }
        }
    });
    if let Err(error) = told {
        tracing::error!("systemd is told nothing, for a thread could not be started: {error}");
    }
    sender
});

fn tell(message: &str) {
    if let Err(error) = sd_notify::notify(&[NotifyState::Custom(message)]) {
        tracing::warn!("systemd could not be told: {error}");
    }
}

fn send(states: &[NotifyState<'_>]) {
    let lines: Vec<String> = states.iter().map(ToString::to_string).collect();
    if TELLER.try_send(Word::Tell(lines.join("\n"))).is_err() {
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

/// Lets what was said be told before the process ends. Blocks, but not for long.
pub(super) fn finish() {
    let (done, told) = sync_channel(1);
    if TELLER.try_send(Word::Over(done)).is_ok() {
        let _ = told.recv_timeout(LAST_WORD_TIME);
    }
}
