//! HTTP/1.1 on a connection that is kept.

use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

use super::Error;
use super::ask::Trouble;
use super::dial::Dialled;
use super::limits::{FAREWELL, HANDSHAKE, SILENCE};
use super::outgoing::Outgoing;
use crate::momentum::Address;

/// How often it is looked at how far a request has come.
const TICK: Duration = Duration::from_millis(100);

pub(super) struct Kept {
    sender: SendRequest<Outgoing>,
    task: JoinHandle<()>,
}

impl Kept {
    pub(super) async fn begin(address: &Address, dialled: Dialled) -> Result<Self, Error> {
        let failed =
            || Error::Connection(format!("{address} has ended the connection at once: try again"));
        let greeting = http1::handshake(TokioIo::new(dialled.stream));
        let (sender, connection) =
            timeout(HANDSHAKE, greeting).await.map_err(|_| failed())?.map_err(|_| failed())?;
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("the connection has ended: {error}");
            }
        });
        Ok(Self { sender, task })
    }

    /// What has come in the meantime, such as the end, is seen only when the connection has its
    /// turn.
    pub(super) async fn if_open(mut self) -> Option<Self> {
        yield_now().await;
        yield_now().await;
        match timeout(SILENCE, self.sender.ready()).await {
            Ok(Ok(())) => Some(self),
            _ => None,
        }
    }

    /// Sends a request and waits for the beginning of its answer: so long, counted from when all of
    /// the request is out. `tell` is told from time to time how many bytes are.
    pub(super) async fn send(
        &mut self,
        request: Request<Outgoing>,
        patience: Duration,
        tell: &mut dyn FnMut(u64),
    ) -> Result<Response<Incoming>, Trouble> {
        let (sent, length) = (request.body().sent(), request.body().len());
        let answer = self.sender.try_send_request(request);
        tokio::pin!(answer);
        let (mut before, mut last) = (0, Instant::now());
        loop {
            // When all is out there is nothing more to look at.
            let pause =
                if before < length { TICK } else { patience.saturating_sub(last.elapsed()) };
            if let Ok(answer) = timeout(pause, &mut answer).await {
                return answer.map_err(|mut error| match error.take_message() {
                    Some(_) => Trouble::NotSent(error.into_error()),
                    None => Trouble::Lost(error.into_error()),
                });
            }
            let now = sent.bytes();
            if now != before {
                (before, last) = (now, Instant::now());
                tell(now);
            }
            if last.elapsed() > if now < length { SILENCE } else { patience } {
                return Err(Trouble::Silent);
            }
        }
    }

    /// Tells the server that it is over, if that can be done at once.
    pub(super) async fn end(self) {
        drop(self.sender);
        let _ = timeout(FAREWELL, self.task).await;
    }
}
