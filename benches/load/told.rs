//! How long after the acknowledgment of a commit those who wait are told.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::{sleep, timeout};

use crate::clock::{micros, sorted};
use crate::commit::Committer;
use crate::etcd;
use crate::peer::{Failure, Peer};
use crate::wait::{self, NOT_THERE, Node};

/// After this time all wait again.
const REST: Duration = Duration::from_secs(1);
/// Nobody is told later than this.
const PATIENCE: Duration = Duration::from_secs(30);

type Told = Receiver<Result<Instant, Failure>>;

/// Nodes that wait at ecconfigd for commits.
pub async fn by_server(
    peer: Peer,
    clone: &Path,
    count: usize,
    changes: usize,
) -> Result<Value, Failure> {
    if !wait::is_there(&peer).await? {
        return Ok(json!(NOT_THERE));
    }
    let (sender, mut told) = channel(count);
    for _ in 0..count {
        tokio::spawn(Node::new(&peer).await?.keep_waiting(sender.clone()));
    }
    let mut committer = Committer::new(&peer, clone).await?;
    let mut times = Vec::new();
    for _ in 0..changes {
        sleep(REST).await;
        let acknowledged = committer.commit().await?.acknowledged;
        all(&mut told, count, acknowledged, &mut times).await?;
    }
    Ok(sorted(times))
}

/// Watchers of a key of etcd, and puts.
pub async fn by_etcd(peer: Peer, count: usize, changes: usize) -> Result<Value, Failure> {
    let (sender, mut told) = channel(count);
    for _ in 0..count {
        let watcher = etcd::Watcher::new(&peer).await?;
        tokio::spawn(watcher.keep_watching(sender.clone()));
    }
    let connection = peer.connect_http2().await?;
    let mut times = Vec::new();
    for number in 0..changes {
        sleep(REST).await;
        etcd::put(&peer, &connection, number).await?;
        all(&mut told, count, Instant::now(), &mut times).await?;
    }
    Ok(sorted(times))
}

async fn all(
    told: &mut Told,
    count: usize,
    acknowledged: Instant,
    times: &mut Vec<i64>,
) -> Result<(), Failure> {
    for _ in 0..count {
        let one = timeout(PATIENCE, told.recv()).await?.ok_or("nobody waits any more")?;
        times.push(micros(acknowledged, one?));
    }
    Ok(())
}
