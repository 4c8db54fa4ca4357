//! One kept connection: requests go out one after the other, and a connection that has ended is
//! made again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, HOST, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use tokio::runtime::Runtime;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use super::Error;
use super::answer::Answer;
use super::dial::{Dialled, dial_any};
use super::limits::{BUSY_PAUSE, BUSY_TIMES, HANDSHAKE, SILENCE};
use super::outgoing::{Content, Outgoing};
use crate::momentum::Address;
use crate::protocol::AGENT;

/// Names in lower case, and values.
pub(super) type Headers = &'static [(&'static str, &'static str)];

/// A request.
pub(super) struct Ask {
    pub(super) method: Method,
    /// Path and query, encoded.
    pub(super) path: String,
    pub(super) headers: Headers,
    pub(super) content: Content,
    /// How long the first byte of the answer may take.
    pub(super) patience: Duration,
    /// Whether it may be sent again if nobody knows what became of it.
    pub(super) is_repeatable: bool,
}

/// With one server.
pub(super) struct Conversation {
    /// Always there, but while this is dropped.
    runtime: Option<Runtime>,
    tls: Arc<ClientConfig>,
    pub(super) address: Address,
    pub(super) certificate: CertificateDer<'static>,
    authorization: Option<HeaderValue>,
    pub(super) account: Option<String>,
    connection: Option<SendRequest<Outgoing>>,
}

/// A request without an answer that counts.
pub(super) enum Failed {
    /// The server has done nothing.
    NotDone(Error),
    /// The connection has ended: what the server has done is not known.
    Lost(Error),
    /// The server says nothing: it may still be doing it.
    Silent(Error),
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::NotDone(error) | Failed::Lost(error) | Failed::Silent(error) => error,
        }
    }
}

/// Why there is no answer.
enum Trouble {
    /// The request never left.
    NotSent(hyper::Error),
    /// What became of it is unknown.
    Lost(hyper::Error),
    Silent,
}

impl Conversation {
    pub(super) fn begin(addresses: &[Address], tls: ClientConfig) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::io("setting up the connection", &e))?;
        let tls = Arc::new(tls);
        let (address, dialled) = runtime.block_on(dial_any(addresses, &tls))?;
        let address = address.clone();
        let certificate = dialled.certificate.clone();
        let connection = Some(runtime.block_on(speak_http(&address, dialled))?);
        let runtime = Some(runtime);
        let (authorization, account) = (None, None);
        Ok(Self { runtime, tls, address, certificate, authorization, account, connection })
    }

    pub(super) fn log_in(&mut self, account: &str, authorization: HeaderValue) {
        self.account = Some(account.to_owned());
        self.authorization = Some(authorization);
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("the runtime is taken when this is dropped")
    }

    /// Asks, and waits a while for a server that is busy or being restarted. `sent` is told from time
    /// to time how many bytes have gone out.
    pub(super) fn ask(
        &mut self,
        ask: &Ask,
        sent: &mut dyn FnMut(u64),
    ) -> Result<Answer<'_>, Failed> {
        let mut busy = 0;
        let response = loop {
            let response = self.exchange(ask, sent)?;
            match pause(&response) {
                Some(pause) if busy < BUSY_TIMES => {
                    busy += 1;
                    tracing::debug!(?pause, status = %response.status(), "the server is busy");
                    drop(response);
                    self.runtime().block_on(async { sleep(pause).await });
                }
                _ => break response,
            }
        };
        Ok(Answer::new(self.runtime(), &self.address, self.account.as_deref(), response))
    }

    fn exchange(
        &mut self,
        ask: &Ask,
        sent: &mut dyn FnMut(u64),
    ) -> Result<Response<Incoming>, Failed> {
        let mut is_second = false;
        loop {
            self.connect().map_err(Failed::NotDone)?;
            let start = Instant::now();
            match self.send(ask, sent) {
                Ok(response) => {
                    let (method, path, status) = (&ask.method, &ask.path, response.status());
                    tracing::debug!(%method, path, %status, time = ?start.elapsed(), "answered");
                    return Ok(response);
                }
                Err(trouble) => {
                    self.connection = None;
                    let may_repeat = match &trouble {
                        Trouble::NotSent(_) => true,
                        Trouble::Lost(_) => ask.is_repeatable,
                        Trouble::Silent => false,
                    };
                    if is_second || !may_repeat {
                        return Err(self.explain(&trouble, ask.patience));
                    }
                    tracing::debug!("the connection has ended: trying again on another");
                    is_second = true;
                }
            }
        }
    }

    /// Makes sure that there is a connection, as far as can be known.
    fn connect(&mut self) -> Result<(), Error> {
        let kept = self.connection.take();
        let runtime = self.runtime();
        let connection = runtime.block_on(async {
            if let Some(kept) = kept
                && let Some(kept) = still_open(kept).await
            {
                return Ok(kept);
            }
            let addresses = std::slice::from_ref(&self.address);
            let (address, dialled) = dial_any(addresses, &self.tls).await?;
            speak_http(address, dialled).await
        })?;
        self.connection = Some(connection);
        Ok(())
    }

    fn send(
        &mut self,
        ask: &Ask,
        tell: &mut dyn FnMut(u64),
    ) -> Result<Response<Incoming>, Trouble> {
        let outgoing = ask.content.send();
        let (sent, length) = (outgoing.sent(), ask.content.len());
        let request = self.request(ask, outgoing);
        let mut connection = self.connection.take().expect("connect has been called");
        let patience = ask.patience;
        let result = self.runtime().block_on(async {
            let answer = connection.try_send_request(request);
            tokio::pin!(answer);
            let (mut before, mut last) = (0, Instant::now());
            loop {
                match timeout(TICK, &mut answer).await {
                    Ok(Ok(response)) => return Ok(response),
                    Ok(Err(mut error)) => {
                        let was_sent = error.take_message().is_none();
                        let error = error.into_error();
                        return Err(match was_sent {
                            true => Trouble::Lost(error),
                            false => Trouble::NotSent(error),
                        });
                    }
                    Err(_) => {}
                }
                let now = sent.bytes();
                if now != before {
                    (before, last) = (now, Instant::now());
                    tell(now);
                }
                let patience = if now < length { SILENCE } else { patience };
                if last.elapsed() > patience {
                    return Err(Trouble::Silent);
                }
            }
        });
        if result.is_ok() {
            self.connection = Some(connection);
        }
        result
    }

    fn request(&self, ask: &Ask, outgoing: Outgoing) -> Request<Outgoing> {
        let mut request = Request::new(outgoing);
        *request.method_mut() = ask.method.clone();
        *request.uri_mut() = ask.path.parse().expect("paths are encoded where they are made");
        let headers = request.headers_mut();
        let host = HeaderValue::from_str(&self.address.to_string());
        headers.insert(HOST, host.expect("addresses are ASCII"));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        for &(name, value) in ask.headers {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        request
    }

    fn explain(&self, trouble: &Trouble, patience: Duration) -> Failed {
        let error = self.sentence(trouble, patience);
        match trouble {
            Trouble::NotSent(_) => Failed::NotDone(error),
            Trouble::Lost(_) => Failed::Lost(error),
            Trouble::Silent => Failed::Silent(error),
        }
    }

    fn sentence(&self, trouble: &Trouble, patience: Duration) -> Error {
        let address = &self.address;
        match trouble {
            Trouble::Silent => Error::Connection(format!(
                "{address} has not answered within {} seconds: it is overloaded or hangs; try again later, and look at its log",
                patience.as_secs()
            )),
            Trouble::NotSent(why) | Trouble::Lost(why) if why.is_parse() => Error::Connection(
                format!("what answers on {address} is no ecconfigd: it does not speak HTTP"),
            ),
            Trouble::NotSent(_) | Trouble::Lost(_) => Error::Connection(format!(
                "{address} has ended the connection without an answer: it was stopped, or the network failed; try again"
            )),
        }
    }
}

/// How often it is looked at how far a request has come.
const TICK: Duration = Duration::from_millis(100);

impl Drop for Conversation {
    /// A name that is still being looked up must not keep the program from ending.
    fn drop(&mut self) {
        self.connection = None;
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What has come in the meantime, such as the end, is seen only when the connection has its turn.
async fn still_open(mut kept: SendRequest<Outgoing>) -> Option<SendRequest<Outgoing>> {
    yield_now().await;
    yield_now().await;
    match timeout(SILENCE, kept.ready()).await {
        Ok(Ok(())) => Some(kept),
        _ => None,
    }
}

async fn speak_http(address: &Address, dialled: Dialled) -> Result<SendRequest<Outgoing>, Error> {
    let failed =
        || Error::Connection(format!("{address} has ended the connection at once: try again"));
    let greeting = http1::handshake(TokioIo::new(dialled.stream));
    let (sender, connection) =
        timeout(HANDSHAKE, greeting).await.map_err(|_| failed())?.map_err(|_| failed())?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!("the connection has ended: {error}");
        }
    });
    Ok(sender)
}

/// How long a busy server wants to be left alone, if that is short.
fn pause(response: &Response<Incoming>) -> Option<Duration> {
    if !matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
    {
        return None;
    }
    let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let pause = Duration::from_secs(asked?.parse().ok()?);
    (pause <= BUSY_PAUSE).then_some(pause)
}
