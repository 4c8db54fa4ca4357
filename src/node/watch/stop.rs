//! The end, when the system or a person asks for it.

use std::process::exit;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

use crate::node::Error;

/// SIGTERM and SIGINT end the process with success, at once or when what is being done to the
/// working copy is done.
pub struct Stop(Arc<Mutex<()>>);

impl Stop {
    /// From now on. Starts a thread.
    pub fn listen() -> Result<Self, Error> {
        let failed = |error| Error::Refused(format!("cannot listen for signals: {error}"));
        let busy = Arc::new(Mutex::new(()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let runtime = runtime.map_err(failed)?;
        let entered = runtime.enter();
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        drop(entered);
        let held = busy.clone();
        let wait = move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            });
            let _idle = held.lock().unwrap_or_else(PoisonError::into_inner);
            exit(0);
        };
        thread::Builder::new().name("signals".into()).spawn(wait).map_err(failed)?;
        Ok(Self(busy))
    }

    /// Puts the end off for as long as this is held.
    pub fn hold(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
