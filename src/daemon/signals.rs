//! What the process is told while it runs.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

/// One signal may come twice: timeout(1) sends it to the process and to its group.
const ECHO_TIME: Duration = Duration::from_secs(1);

/// The signals that mean something.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// What they mean.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Finish and end.
    Stop(&'static str),
    /// Read accounts, certificate and repositories again.
    Reload,
}

impl Signals {
    /// Listens from now on.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Told::Stop("SIGINT"),
            _ = self.hangup.recv() => Told::Reload,
        }
    }

    /// Returns when one has come that means to stop, by its name; others are kept for later.
    pub(super) async fn stop(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// Returns when one that means to stop has come again, by its name.
    pub(super) async fn stop_again(&mut self) -> &'static str {
        let first = Instant::now();
        loop {
            match self.next().await {
                Told::Stop(signal) if first.elapsed() > ECHO_TIME => return signal,
                Told::Stop(signal) => tracing::debug!("{signal} again, so soon that it is one"),
                Told::Reload => {}
            }
        }
    }
}
