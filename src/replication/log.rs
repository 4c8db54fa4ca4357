//! The one way to change anything.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::admissions::Admitted;
use super::cluster::Cluster;
use super::joining::Introduction;
use super::members;
use super::standing::MemberNow;
use super::start::Setting;
use crate::accounts::OfCluster;
use crate::momentum::is_same_node;
use crate::repository::{Applied, Entry, Error, Quarantine, SmallPack};
use crate::tls::KeyId;

/// Whoever has repositories compared waits for so long.
const MEND_TIME: Duration = Duration::from_secs(10);

/// The log of this server.
pub struct Log {
    setting: Setting,
    name: String,
    cluster: ArcSwapOption<Cluster>,
    /// Held while a cluster begins: what changes meanwhile would be in no log.
    beginning: RwLock<()>,
    begins: Notify,
}

impl Log {
    /// Starts the member that this server is; one that stands alone has nothing to start. `name` is
    /// its host name for the others.
    pub fn start(setting: Setting, name: String) -> io::Result<Self> {
        let cluster = match setting.is_member() {
            true => Some(setting.start(&name)?),
            false => None,
        };
        if let Some(cluster) = &cluster {
            setting.runtime.block_on(cluster.mend_before_serving());
            run(&setting, cluster);
        }
        let cluster = ArcSwapOption::new(cluster);
        Ok(Self { setting, name, cluster, beginning: RwLock::default(), begins: Notify::new() })
    }

    /// Whether this server is one of several.
    pub fn is_member(&self) -> bool {
        self.cluster.load().is_some()
    }

    /// Whether the log keeps what is in this quarantine by itself: it need not be on this disk so
    /// soon.
    pub fn keeps(&self, quarantine: &Quarantine) -> bool {
        self.is_member() && SmallPack::fits(quarantine)
    }

    /// Proposes a change and returns when it is durable and visible, or refused. There is no other
    /// way to change a repository that is being served. Blocks.
    pub fn propose(
        &self,
        entry: &Entry,
        quarantine: Option<&Quarantine>,
    ) -> Result<Applied, Error> {
        let _not_now = self.beginning.read().unwrap_or_else(PoisonError::into_inner);
        match &*self.cluster.load() {
            None => self.setting.store.apply(entry, quarantine),
            Some(cluster) => cluster.propose(entry, quarantine),
        }
    }

    /// Lets the server of this name and key become a member. The first time a cluster begins. Blocks.
    pub fn let_in(&self, name: &str, key: KeyId) -> Result<Introduction, Error> {
        let cluster = self.begun()?;
        let let_in = cluster.let_in(name.to_ascii_lowercase(), key.to_string());
        self.setting.runtime.block_on(cluster.unless_it_stops(let_in))
    }

    /// Lets the server of this name in no more, and returns when it is no member either. Blocks.
    ///
    /// # Errors
    /// [`Error::NotFound`] if nobody has let it in, [`Error::Unreplicated`] if the others do not answer.
    pub fn put_out(&self, name: &str) -> Result<(), Error> {
        match self.cluster.load_full() {
            Some(cluster) => {
                let put_out = cluster.put_out(name);
                self.setting.runtime.block_on(cluster.unless_it_stops(put_out))
            }
            None => Err(Error::NotFound("this server stands alone".into())),
        }
    }

    /// Those who have been let in and are no members.
    pub fn admitted(&self) -> Vec<Admitted> {
        self.cluster.load().as_ref().map(|cluster| cluster.admitted()).unwrap_or_default()
    }

    fn begun(&self) -> Result<Arc<Cluster>, Error> {
        let _alone = self.beginning.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(cluster) = self.cluster.load_full() {
            return Ok(cluster);
        }
        let cluster = self.setting.start(&self.name)?;
        self.setting.runtime.block_on(cluster.found())?;
        run(&self.setting, &cluster);
        self.cluster.store(Some(cluster.clone()));
        self.begins.notify_waiters();
        Ok(cluster)
    }

    /// The repositories on disk may have been changed by hand. What takes longer to mend is mended
    /// while others go on. Blocks.
    pub fn mend_repositories(&self) {
        if let Some(cluster) = self.cluster.load_full() {
            cluster.kept.try_again.notify_one();
            let worker = cluster.clone();
            let mending = self.setting.runtime.spawn(async move { worker.mend_all().await });
            let mended = async {
                let _ = timeout(MEND_TIME, mending).await;
                Ok(())
            };
            // When the server starts again, it compares them again.
            let _ = self.setting.runtime.block_on(cluster.unless_it_stops(mended));
        }
    }

    /// The accounts that the cluster has, and what has been changed here since; none while this server
    /// stands alone, or has nothing of the cluster yet. Blocks.
    pub fn accounts(&self) -> Option<OfCluster> {
        self.cluster.load().as_ref()?.accounts()
    }

    /// Tells when the cluster has other accounts, once there is a cluster.
    pub async fn accounts_moved(&self) -> watch::Receiver<()> {
        loop {
            let begins = self.begins.notified();
            if let Some(cluster) = self.cluster.load_full() {
                return cluster.kept.accounts_moved();
            }
            begins.await;
        }
    }

    /// The accounts on disk may have been changed here.
    pub fn accounts_changed(&self) {
        if let Some(cluster) = &*self.cluster.load() {
            cluster.accounts_changed.notify_one();
        }
    }

    /// TLS for members; none while this server stands alone.
    pub fn tls(&self) -> Option<Arc<ServerConfig>> {
        Some(self.cluster.load().as_ref()?.tls.clone())
    }

    /// Answers the member with this key, which has come from there, to the end of its connection.
    pub async fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        key: KeyId,
        from: IpAddr,
    ) {
        if let Some(cluster) = self.cluster.load_full() {
            cluster.serve(stream, key, from).await;
        }
    }

    /// How this server stands among the others, in a few words.
    pub fn standing(&self) -> String {
        let standing = match &*self.cluster.load() {
            Some(cluster) => cluster.standing(),
            None => "stands alone".into(),
        };
        match self.only_votes() {
            true => format!("{standing}, serves nobody"),
            false => standing,
        }
    }

    /// Returns when that is something else.
    pub async fn standing_changed(&self) {
        let before = self.standing();
        loop {
            match self.cluster.load_full() {
                Some(cluster) => cluster.standing_changed().await,
                None => self.begins.notified().await,
            }
            if self.standing() != before {
                return;
            }
        }
    }

    /// Whether this server keeps everything and votes, and serves nobody.
    pub fn only_votes(&self) -> bool {
        self.setting.only_votes
    }

    /// Whether this server has been let into a cluster and has nothing of it yet.
    pub fn is_joining(&self) -> bool {
        self.cluster.load().as_ref().is_some_and(|cluster| cluster.kept.now().applied.is_none())
    }

    /// The members with their roles. One that does not answer at once counts as away.
    pub async fn members_now(&self) -> Vec<MemberNow> {
        match self.cluster.load_full() {
            Some(cluster) => cluster.members_now().await,
            None => Vec::new(),
        }
    }

    /// Has this member lead, if it can.
    pub async fn lead(&self, name: &str) {
        if let Some(cluster) = self.cluster.load_full() {
            cluster.have_lead(name).await;
        }
    }

    /// The host names of the servers that make up the cluster.
    pub fn members(&self) -> Vec<String> {
        match &*self.cluster.load() {
            None => members::all(),
            Some(cluster) => cluster.members().into_values().map(|(m, _)| m.name).collect(),
        }
    }

    /// The member that a host name means, in its short form or in full.
    pub fn member(&self, name: &str) -> Option<String> {
        members::find(self.members(), name)
    }

    /// The member that has been elected MASTER; this one, while there is none.
    pub fn master(&self) -> String {
        let cluster = self.cluster.load();
        let leader = cluster.as_ref().and_then(|cluster| cluster.leader());
        leader.map_or_else(members::this_host, |(_, member)| member.name)
    }

    /// The members other than `master` that can be reached, and how many entries of the log each
    /// lacks.
    pub async fn slaves(&self, master: &str) -> Vec<(String, u64)> {
        let members = self.members_now().await;
        let last = members.iter().filter_map(MemberNow::log).max().unwrap_or_default();
        let slaves = members.iter().filter(|member| !is_same_node(member.name(), master));
        let reached = slaves.filter_map(|member| Some((member.name().to_owned(), member.made()?)));
        reached.map(|(name, made)| (name, last.saturating_sub(made))).collect()
    }

    /// Has every member compare its repository of a subcluster with the log, and mend what differs.
    /// Fails with what could not be mended, and where. Blocks.
    pub fn compare(&self, subcluster: &str) -> Result<(), Error> {
        match self.cluster.load_full() {
            Some(cluster) => {
                let compared = cluster.compare(subcluster);
                self.setting.runtime.block_on(cluster.unless_it_stops(compared))
            }
            None => self.setting.store.get(subcluster)?.check(),
        }
    }

    /// Waits until readers here see all that has been acknowledged anywhere. Fails if there is no
    /// majority to ask.
    pub async fn catch_up(&self) -> Result<(), Error> {
        let Some(cluster) = self.cluster.load_full() else { return Ok(()) };
        cluster.unless_it_stops(cluster.catch_up()).await
    }

    /// The server is about to stop: another member leads, if this one does, and whoever waits for the
    /// others does not wait much longer.
    pub async fn leave_to_others(&self) {
        if let Some(cluster) = self.cluster.load_full() {
            cluster.leave_to_others().await;
        }
    }

    /// Returns why the log cannot go on by itself, when it cannot: a start looks through all of it.
    pub async fn failed(&self) -> String {
        loop {
            let begins = self.begins.notified();
            match self.cluster.load_full() {
                Some(cluster) => return cluster.failed().await,
                None => begins.await,
            }
        }
    }

    /// Closes the log.
    pub async fn stop(&self) {
        if let Some(cluster) = self.cluster.load_full() {
            cluster.stop().await;
        }
    }
}

fn run(setting: &Setting, cluster: &Arc<Cluster>) {
    setting.store.suspects().are_mended();
    setting.runtime.spawn(cluster.clone().keep_membership());
    setting.runtime.spawn(cluster.clone().keep_whole());
    setting.runtime.spawn(cluster.clone().look_at_suspects());
    setting.runtime.spawn(cluster.clone().step_aside_when_stuck());
    setting.runtime.spawn(cluster.clone().leave_the_lead_to_those_who_serve());
    setting.runtime.spawn(cluster.clone().make_sure_of_the_log());
    setting.runtime.spawn(cluster.clone().keep_introduction());
    setting.runtime.spawn(cluster.clone().come());
    setting.runtime.spawn(cluster.clone().ask_about_strangers());
    setting.runtime.spawn(cluster.clone().notice_when_put_out());
    setting.runtime.spawn(cluster.known.clone().keep_telling());
    setting.runtime.spawn(cluster.clone().share_accounts());
}
