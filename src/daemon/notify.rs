//! Telling systemd how it goes (sd_notify(3)). Without it nobody listens, which is no failure.

use sd_notify::NotifyState;

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("systemd could not be told: {error}");
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
