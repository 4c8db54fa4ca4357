//! Nodes that fetch the same at once.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Response;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use ecconfigd::protocol::{Id, ask_for_pack};

use crate::clock::{micros, sorted};
use crate::peer::{Connection, Failure, Peer};

/// Bytes at the beginning of an answer in which the head of its pack must be.
const BEGINNING: usize = 16 << 10;

/// What one node got.
struct Fetched {
    done: Instant,
    bytes: usize,
    objects: u32,
}

/// All of them have connected and logged in before the first one fetches.
pub async fn at_once(
    peer: &Peer,
    want: &str,
    have: Option<&str>,
    count: usize,
) -> Result<Value, Failure> {
    let id = |hex: &str| Id::from_hex(hex.as_bytes()).ok_or("this is no commit");
    let haves: Vec<Id> = have.map(id).transpose()?.into_iter().collect();
    let body = Bytes::from(ask_for_pack(&[id(want)?], &haves));
    let start = Arc::new(Barrier::new(count + 1));
    let mut nodes = JoinSet::new();
    for _ in 0..count {
        let connection = log_in(peer).await?;
        nodes.spawn(node(connection, body.clone(), start.clone()));
    }
    start.wait().await;
    let began = Instant::now();
    let mut all = Vec::with_capacity(count);
    while let Some(fetched) = nodes.join_next().await {
        all.push(fetched??);
    }
    let first = all.first().ok_or("nobody fetched")?;
    let (bytes, objects) = (first.bytes, first.objects);
    let times = all.iter().map(|fetched| micros(began, fetched.done)).collect();
    Ok(json!({ "bytes": bytes, "objects": objects, "micros": sorted(times) }))
}

async fn log_in(peer: &Peer) -> Result<Connection, Failure> {
    let mut connection = peer.connect().await?;
    let refs = connection.path("info/refs?service=git-upload-pack");
    let request = connection.request(&refs).header("git-protocol", "version=2");
    let request = request.body(Full::default())?;
    connection.ask(request).await?;
    Ok(connection)
}

async fn node(
    mut connection: Connection,
    body: Bytes,
    start: Arc<Barrier>,
) -> Result<Fetched, Failure> {
    let request = connection
        .request(&connection.path("git-upload-pack"))
        .method("POST")
        .header("git-protocol", "version=2")
        .header(CONTENT_TYPE, "application/x-git-upload-pack-request")
        .body(Full::new(body))?;
    start.wait().await;
    take_in(connection.send(request).await?).await
}

/// Keeps the beginning and the end, to see that it is a pack and all of it.
async fn take_in(answer: Response<Incoming>) -> Result<Fetched, Failure> {
    let status = answer.status();
    let mut body = answer.into_body();
    let (mut beginning, mut end, mut bytes) = (Vec::new(), Bytes::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let room = BEGINNING.saturating_sub(beginning.len()).min(data.len());
        beginning.extend_from_slice(&data[..room]);
        bytes += data.len();
        end = data;
    }
    let done = Instant::now();
    let objects = objects(&beginning).filter(|_| end.ends_with(b"0000"));
    match objects {
        Some(objects) => Ok(Fetched { done, bytes, objects }),
        None => Err(format!("{status}: {}", String::from_utf8_lossy(&beginning)).into()),
    }
}

/// The number of objects that the head of the pack tells.
fn objects(beginning: &[u8]) -> Option<u32> {
    let head = beginning.windows(12).find(|window| window.starts_with(b"PACK\0\0\0\x02"))?;
    head.last_chunk().map(|count| u32::from_be_bytes(*count))
}
