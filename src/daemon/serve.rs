//! The server's life, step by step.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::{fs, io};

use tokio::runtime;
use tokio::sync::{mpsc, watch as word};
use tokio::task::{self, JoinSet};
use tokio::time::timeout;

use super::args::Args;
use super::certificate::{self, Certificate};
use super::failure::Failure;
use super::reload::Reload;
use super::signals::{Signals, Told};
use super::sockets::{self, Passed};
use super::status::Status;
use super::{first_start, initial, limits, lock, logging, notify, watch, watchdog, welcome};
use crate::accounts;
use crate::backup;
use crate::events;
use crate::layout::Layout;
use crate::libgit2;
use crate::momentum::ClusterBoot;
use crate::replication::{Log, Setting};
use crate::repository::Store;
use crate::server::{Acceptor, App, Drain, Listener, Ping, Room};

/// Serves until told to stop.
pub(super) fn serve(args: &Args) -> Result<(), Failure> {
    // Before anything opens a descriptor or starts a thread.
    let passed = Passed::take()?;
    logging::start(args.level());
    args.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    limits::set_umask();
    limits::return_memory();
    let room = Room::new(limits::raise_descriptors());
    libgit2::configure().map_err(Failure::system)?;

    let layout = args.layout();
    first_start::make_state(&layout)?;
    let _lock = lock::take(&layout)?;
    backup::finish(&layout)?;
    first_start::put_aside(&layout)?;
    first_start::make_directories(&layout)?;
    first_start::empty_spool(&layout)?;
    let certificate = Arc::new(Certificate::start(&layout)?);
    let open = match accounts::File::of(&layout).is_of_member() {
        true => Store::open_of_member,
        false => Store::open,
    };
    let store = open(layout.repositories())
        .map_err(|e| Failure::repositories(&layout.repositories(), e))?;
    let store = Arc::new(store);
    let runtime = runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::system(format!("cannot start threads: {e}")))?;
    initial::make_accounts(&layout)?;
    let setting = Setting {
        layout: layout.clone(),
        store: store.clone(),
        tls: certificate.tls().clone(),
        runtime: runtime.handle().clone(),
        only_votes: args.vote_only,
        port: Arc::default(),
    };
    let port = setting.port.clone();
    let log = Log::start(setting, cluster_name(&layout)).map_err(|e| {
        Failure::system(format!(
            "the cluster's log in {} cannot be used: {e}",
            layout.cluster().display()
        ))
    })?;
    first_start::make_repositories(&store, &log)?;
    if args.vote_only && !log.is_member() {
        tracing::warn!(
            "this server is to vote only (--vote-only), and is no member of a cluster yet: let it in (eccfg join HOST, then systemctl restart ecconfigd)"
        );
    }
    let (stop, drain) = Drain::new();
    let app = Arc::new(App::new(&layout, store.clone(), log, drain.clone())?);

    let listeners = sockets::listen(args, passed)?;
    let addresses = sockets::addresses(&listeners);
    port.store(addresses.first().map_or(0, SocketAddr::port), Ordering::Relaxed);
    let reload = Arc::new(Reload { app: app.clone(), certificate: certificate.clone() });
    watch::start(&layout, reload.clone());
    store
        .start_upkeep(layout.spool())
        .map_err(|e| Failure::system(format!("cannot start threads: {e}")))?;
    let status = Arc::new(Status { addresses, app, certificate });
    let running = Running { layout, status, reload, room, stop, drain };
    let result = runtime.block_on(running.run(listeners));
    // A thread that waits for a disk which does not answer must not keep the process.
    runtime.shutdown_timeout(LAST_WORK_TIME);
    notify::finish();
    tracing::info!("stopped");
    result
}

/// This server's name among others: as cluster.boot has it, or else the host's.
pub(super) fn cluster_name(layout: &Layout) -> String {
    let host = nix::unistd::gethostname().unwrap_or_default();
    let host = host.to_string_lossy().to_ascii_lowercase();
    let boot = fs::read_to_string(layout.cluster_boot()).ok();
    let boot = boot.and_then(|text| ClusterBoot::parse(&text).ok());
    match boot.and_then(|boot| boot.node_name) {
        Some(name) => name,
        None if host.is_empty() => "localhost".into(),
        None => host,
    }
}

/// How long blocking work may go on after the last connection has ended.
const LAST_WORK_TIME: Duration = Duration::from_secs(2);

struct Running {
    layout: Layout,
    status: Arc<Status>,
    reload: Arc<Reload>,
    room: Room,
    stop: word::Sender<bool>,
    drain: Drain,
}

impl Running {
    async fn run(self, listeners: Vec<Listener>) -> Result<(), Failure> {
        let mut signals = Signals::listen()
            .map_err(|e| Failure::system(format!("cannot listen for signals: {e}")))?;
        let mut acceptors = JoinSet::new();
        let mut pings = Vec::new();
        for listener in listeners {
            let (ping, pinged) = mpsc::channel(1);
            pings.push(ping);
            acceptors.spawn(self.acceptor(pinged).run(listener));
        }
        tokio::spawn(certificate::look_after(self.status.certificate.clone()));
        tokio::spawn(self.status.clone().keep());
        tokio::spawn(self.reload.clone().follow_accounts());
        tokio::spawn(self.status.app.clone().keep_nodes());
        tokio::spawn(watchdog::feed(self.status.app.clone(), pings, self.drain.clone()));
        self.started();

        let ended = self.until_told(&mut signals).await;
        notify::stopping();
        self.status.app.log().leave_to_others().await;
        // Acceptors that are gone need not be told.
        let _ = self.stop.send(true);
        finish(acceptors, signals).await;
        self.status.app.log().stop().await;
        let app = self.status.app.clone();
        let written = task::spawn_blocking(move || app.write_nodes());
        let _ = timeout(LAST_WORK_TIME, written).await;
        ended
    }

    /// Reloads whenever it is told to, and waits for no reload when it is told to stop. Fails if the
    /// log does.
    async fn until_told(&self, signals: &mut Signals) -> Result<(), Failure> {
        loop {
            let told = tokio::select! {
                told = self.told(signals) => told,
                cause = self.status.app.log().failed() => return Err(Failure::log(&cause)),
            };
            if let Told::Stop(_) = told {
                return Ok(());
            }
            notify::reloading();
            tokio::select! {
                () = self.reload.everything() => {}
                signal = signals.stop() => {
                    stopping_because_of(signal);
                    return Ok(());
                }
            }
            notify::ready(&self.status.line());
        }
    }

    fn acceptor(&self, pinged: mpsc::Receiver<Ping>) -> Acceptor {
        let tls = self.status.certificate.tls().config();
        let drain = self.drain.clone();
        Acceptor::new(self.status.app.clone(), tls, drain, self.room.clone(), pinged)
    }

    async fn told(&self, signals: &mut Signals) -> Told {
        let told = signals.next().await;
        match told {
            Told::Stop(signal) => stopping_because_of(signal),
            Told::Reload => tracing::info!("reloading because of SIGHUP"),
        }
        told
    }

    fn started(&self) {
        let version = env!("CARGO_PKG_VERSION");
        tracing::info!(
            message_id = events::STARTED,
            "ecconfigd {version} started: {}",
            self.status.line(),
        );
        welcome::say(
            &self.layout,
            &self.status.addresses,
            self.status.certificate.tls().fingerprint(),
        );
        notify::ready(&self.status.line());
    }
}

fn stopping_because_of(signal: &str) {
    tracing::info!(message_id = events::STOPPING, "stopping because of {signal}");
}

/// Waits until the acceptors have finished, or somebody does not want to wait.
async fn finish(mut acceptors: JoinSet<io::Result<()>>, mut signals: Signals) {
    let finished = async { while acceptors.join_next().await.is_some() {} };
    tokio::select! {
        () = finished => {}
        signal = signals.stop_again() => {
            tracing::warn!("what is in flight is cut because of a second {signal}");
        }
    }
}
