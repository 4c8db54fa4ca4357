//! One kept connection: requests go out one after the other, and a connection that has ended is
//! made again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HOST, HeaderValue, IF_NONE_MATCH, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::Error;
use super::answer::Answer;
use super::ask::{Ask, Failed, Trouble};
use super::dial::dial_any;
use super::kept::Kept;
use super::limits::{BUSY_PAUSE, BUSY_TIMES};
use super::outgoing::Outgoing;
use crate::momentum::Address;
use crate::protocol::AGENT;

/// With one server.
pub(super) struct Conversation {
    /// Always there, but while this is dropped.
    runtime: Option<Runtime>,
    tls: Arc<ClientConfig>,
    pub(super) address: Address,
    pub(super) certificate: CertificateDer<'static>,
    authorization: Option<HeaderValue>,
    pub(super) account: Option<String>,
    kept: Option<Kept>,
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
        let kept = Some(runtime.block_on(Kept::begin(&address, dialled))?);
        let runtime = Some(runtime);
        let (authorization, account) = (None, None);
        Ok(Self { runtime, tls, address, certificate, authorization, account, kept })
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
                    self.kept = None;
                    let may_repeat = match &trouble {
                        Trouble::NotSent(_) => true,
                        Trouble::Lost(_) => ask.is_repeatable,
                        Trouble::Silent => false,
                    };
                    if is_second || !may_repeat {
                        return Err(trouble.explain(&self.address, ask.patience));
                    }
                    tracing::debug!("the connection has ended: trying again on another");
                    is_second = true;
                }
            }
        }
    }

    /// Makes sure that there is a connection, as far as can be known.
    fn connect(&mut self) -> Result<(), Error> {
        let kept = self.kept.take();
        let runtime = self.runtime();
        let kept = runtime.block_on(async {
            if let Some(kept) = kept
                && let Some(kept) = kept.if_open().await
            {
                return Ok(kept);
            }
            let addresses = std::slice::from_ref(&self.address);
            let (address, dialled) = dial_any(addresses, &self.tls).await?;
            Kept::begin(address, dialled).await
        })?;
        self.kept = Some(kept);
        Ok(())
    }

    fn send(
        &mut self,
        ask: &Ask,
        tell: &mut dyn FnMut(u64),
    ) -> Result<Response<Incoming>, Trouble> {
        let request = self.request(ask);
        let mut kept = self.kept.take().expect("connect has been called");
        let answer = self.runtime().block_on(kept.send(request, ask.patience, tell))?;
        self.kept = Some(kept);
        Ok(answer)
    }

    fn request(&self, ask: &Ask) -> Request<Outgoing> {
        let mut request = Request::new(ask.content.send());
        *request.method_mut() = ask.method.clone();
        *request.uri_mut() = ask.path.parse().expect("paths are encoded where they are made");
        let headers = request.headers_mut();
        let host = HeaderValue::from_str(&self.address.to_string());
        headers.insert(HOST, host.expect("addresses are ASCII"));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        for &(name, value) in ask.headers {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Some(tag) = ask.if_none_match.as_ref().and_then(|tag| tag.parse().ok()) {
            headers.insert(IF_NONE_MATCH, tag);
        }
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        request
    }
}

impl Drop for Conversation {
    /// A name that is still being looked up must not keep the program from ending.
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        if let Some(kept) = self.kept.take() {
            runtime.block_on(kept.end());
        }
        runtime.shutdown_background();
    }
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
