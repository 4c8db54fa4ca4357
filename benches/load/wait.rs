//! Nodes that wait for something new.

use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::{ETAG, IF_NONE_MATCH};
use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;

use crate::peer::{Connection, Failure, Peer};

/// Seconds that a node is willing to wait: as many as the server lets it.
const PATIENCE: u64 = 300;
/// A server that knows no waiting answers well within this time.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Printed where the server does not keep nodes waiting.
pub const NOT_THERE: &str = "not there";

/// One node and what it knows.
pub struct Node {
    connection: Connection,
    question: String,
    known: String,
}

impl Node {
    /// Connects and asks where the subcluster stands.
    pub async fn new(peer: &Peer) -> Result<Self, Failure> {
        let name = peer.path.rsplit('/').next().unwrap_or_default();
        let question = format!("/subclusters?name={name}");
        let mut connection = peer.connect().await?;
        let request = connection.request(&question).body(Full::default())?;
        let known = etag(&connection.ask(request).await?)?;
        Ok(Self { connection, question, known })
    }

    /// Asks for what is newer, and gets an answer when there is something.
    pub async fn wait(&mut self) -> Result<Instant, Failure> {
        let question = format!("{}&wait={PATIENCE}", self.question);
        let request = self.connection.request(&question).header(IF_NONE_MATCH, &self.known);
        let answer = self.connection.ask(request.body(Full::default())?).await?;
        let told = Instant::now();
        if answer.status() == 304 {
            return Err(NOT_THERE.into());
        }
        self.known = etag(&answer)?;
        Ok(told)
    }

    /// Waits again and again, and says when it was told.
    pub async fn keep_waiting(mut self, told: Sender<Result<Instant, Failure>>) {
        loop {
            let answer = self.wait().await;
            let is_over = answer.is_err();
            if told.send(answer).await.is_err() || is_over {
                return;
            }
        }
    }
}

fn etag(answer: &Response<Bytes>) -> Result<String, Failure> {
    let etag = answer.headers().get(ETAG).ok_or("the answer has no ETag")?;
    Ok(etag.to_str()?.to_owned())
}

/// Whether the server keeps a node waiting.
pub async fn is_there(peer: &Peer) -> Result<bool, Failure> {
    let mut node = Node::new(peer).await?;
    Ok(tokio::time::timeout(AT_ONCE, node.wait()).await.is_err())
}

/// Lets `count` nodes wait until the standard input ends.
pub async fn until_told_to_stop(peer: Peer, count: usize) -> Result<Value, Failure> {
    if !is_there(&peer).await? {
        return Ok(json!(NOT_THERE));
    }
    let (sender, mut told) = tokio::sync::mpsc::channel(count);
    for _ in 0..count {
        tokio::spawn(Node::new(&peer).await?.keep_waiting(sender.clone()));
    }
    // The last ones' questions are on their way.
    tokio::time::sleep(AT_ONCE).await;
    println!("{}", json!("waiting"));
    tokio::task::spawn_blocking(|| io::read_to_string(io::stdin())).await??;
    match told.try_recv() {
        Ok(Err(failure)) => Err(failure),
        Ok(Ok(_)) => Err("a node was told of a change that nobody made".into()),
        Err(_) => Ok(json!(count)),
    }
}
