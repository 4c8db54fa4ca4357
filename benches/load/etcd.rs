//! As much of etcd's protocol as it takes to watch a key and to put a value there: gRPC over HTTP/2,
//! as its own clients speak it. Message and field numbers are those of etcd's `rpc.proto`.

use std::time::Instant;

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::channel::Sender as PiecesSender;
use hyper::Request;
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;

use crate::clock::micros;
use crate::peer::{Failure, Peer, Pieces};

const KEY: &[u8] = b"/config/default";
/// `WatchResponse.created` and `WatchResponse.events`.
const CREATED: u64 = 3;
const EVENTS: u64 = 11;

/// A watch of the key on a connection of its own.
pub struct Watcher {
    body: Incoming,
    messages: Messages,
    /// Dropping it would end the watch.
    _asking: PiecesSender<Bytes>,
    _connection: SendRequest<Pieces>,
}

impl Watcher {
    /// Begins to watch. Returns when etcd has said that it does.
    pub async fn new(peer: &Peer) -> Result<Self, Failure> {
        let mut connection = peer.connect_http2().await?;
        let create = field(1, &field(1, KEY));
        let (request, asking) = call(peer, "/etcdserverpb.Watch/Watch", &create).await?;
        let body = connection.send_request(request).await?.into_body();
        let messages = Messages::default();
        let mut watcher = Self { body, messages, _asking: asking, _connection: connection };
        watcher.next(CREATED).await?;
        Ok(watcher)
    }

    /// Says when each event came.
    pub async fn keep_watching(mut self, told: Sender<Result<Instant, Failure>>) {
        loop {
            let event = self.next(EVENTS).await.map(|()| Instant::now());
            let is_over = event.is_err();
            if told.send(event).await.is_err() || is_over {
                return;
            }
        }
    }

    /// Reads on to a message that has this field.
    async fn next(&mut self, wanted: u64) -> Result<(), Failure> {
        loop {
            while let Some(message) = self.messages.next() {
                if has_field(&message, wanted)? {
                    return Ok(());
                }
            }
            let frame = self.body.frame().await.ok_or("etcd has ended the watch")??;
            if let Ok(data) = frame.into_data() {
                self.messages.bytes.extend_from_slice(&data);
            }
        }
    }
}

/// `count` values of this size, each put when the one before has been acknowledged.
pub async fn one_by_one(peer: &Peer, count: usize, bytes: usize) -> Result<Value, Failure> {
    let connection = peer.connect_http2().await?;
    let mut puts = Vec::with_capacity(count);
    for number in 0..count {
        let value = format!("{number:0bytes$x}");
        let sent = Instant::now();
        put_value(peer, &connection, value.as_bytes()).await?;
        puts.push(json!({ "micros": micros(sent, Instant::now()) }));
    }
    Ok(json!(puts))
}

/// Puts a value of the size of a commit's id, and returns when it is durable.
pub async fn put(
    peer: &Peer,
    connection: &SendRequest<Pieces>,
    number: usize,
) -> Result<(), Failure> {
    put_value(peer, connection, format!("{number:040x}").as_bytes()).await
}

async fn put_value(
    peer: &Peer,
    connection: &SendRequest<Pieces>,
    value: &[u8],
) -> Result<(), Failure> {
    let message = [field(1, KEY), field(2, value)].concat();
    let (request, asking) = call(peer, "/etcdserverpb.KV/Put", &message).await?;
    drop(asking);
    let answer = connection.clone().send_request(request).await?;
    let body = answer.into_body().collect().await?;
    let status = body.trailers().and_then(|trailers| trailers.get("grpc-status"));
    match status.is_some_and(|status| status == "0") {
        true => Ok(()),
        false => Err(format!("etcd refused a put: {:?}", body.trailers()).into()),
    }
}

async fn call(
    peer: &Peer,
    path: &str,
    message: &[u8],
) -> Result<(Request<Pieces>, PiecesSender<Bytes>), Failure> {
    let (mut asking, body) = Pieces::new(1);
    let request = peer.request_http2(path).method("POST");
    let request = request.header(CONTENT_TYPE, "application/grpc").header("te", "trailers");
    let mut framed = vec![0];
    framed.extend((message.len() as u32).to_be_bytes());
    framed.extend_from_slice(message);
    asking.send_data(framed.into()).await?;
    Ok((request.body(body)?, asking))
}

/// Messages that come in pieces: a byte, four of length, the content.
#[derive(Default)]
struct Messages {
    bytes: Vec<u8>,
}

impl Messages {
    fn next(&mut self) -> Option<Vec<u8>> {
        let (head, rest) = self.bytes.split_first_chunk::<5>()?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let message = rest.get(..length)?.to_vec();
        self.bytes.drain(..5 + length);
        Some(message)
    }
}

/// A field of bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        field.push(length as u8 | 0x80);
        length >>= 7;
    }
    field.push(length as u8);
    field.extend_from_slice(content);
    field
}

fn has_field(mut message: &[u8], wanted: u64) -> Result<bool, Failure> {
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        match tag & 7 {
            _ if tag >> 3 == wanted => return Ok(true),
            0 => _ = varint(&mut message)?,
            2 => {
                let length = varint(&mut message)? as usize;
                message = message.get(length..).ok_or("a message of etcd is cut off")?;
            }
            kind => return Err(format!("a message of etcd has a field of kind {kind}").into()),
        }
    }
    Ok(false)
}

fn varint(message: &mut &[u8]) -> Result<u64, Failure> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = message.split_first().ok_or("a message of etcd is cut off")?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("a number of etcd's has no end".into())
}
