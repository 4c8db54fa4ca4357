//! The server, as a node sees it: one kept connection over TLS.
//!
//! Everything here blocks. A request goes `conversation` → `dial`, if there is no connection →
//! `answer`, where a status that is no success becomes a sentence (`refusal`).

mod answer;
mod arrival;
mod ask;
mod change;
mod conversation;
mod dial;
mod error;
mod fetch;
mod handshake;
mod heads;
mod kept;
mod limits;
mod meet;
mod outgoing;
mod pack;
mod progress;
mod push;
mod question;
mod refusal;
mod words;

use std::time::Duration;

use git2::Oid;
use headers::Authorization;
use headers::authorization::Credentials;
use hyper::Method;
use rustls::pki_types::CertificateDer;

pub use error::Error;
pub use heads::Head;
pub(in crate::node) use heads::encode;
pub(in crate::node) use meet::look_at;
pub use progress::Progress;
pub use push::Pushed;
pub use question::{News, Question};
pub(in crate::node) use words::safe;

use super::password::Login;
use super::trust::Trust;
use crate::momentum::Address;
use crate::protocol::Id;
use crate::tls::Fingerprint;
use ask::{Ask, Headers};
use conversation::Conversation;
use outgoing::Content;

const UPLOAD_PACK_RESULT: &str = "application/x-git-upload-pack-result";

/// A server that has been reached and is trusted.
pub struct Remote {
    conversation: Conversation,
    /// It is known to be too old for questions by POST.
    takes_words_by_get: bool,
}

impl Remote {
    /// Tries the addresses in order, each for a few seconds, and keeps the first that can be reached
    /// and trusted. If one of them refuses connections and none can be used, it may be restarting,
    /// and all are tried again for three seconds.
    ///
    /// # Errors
    /// [`Error::Certificate`] if one was reached and is not trusted, else [`Error::Connection`].
    pub fn connect(addresses: &[Address], trust: &Trust) -> Result<Self, Error> {
        let addresses: Vec<Address> = addresses.iter().map(Address::with_default_port).collect();
        let conversation = Conversation::begin(&addresses, trust.config()?)?;
        Ok(Self { conversation, takes_words_by_get: false })
    }

    /// Name and password for what follows.
    pub fn log_in(&mut self, login: &Login) {
        let Authorization(basic) = Authorization::basic(&login.name, login.password());
        self.conversation.log_in(&login.name, basic.encode());
    }

    /// The address that is used.
    pub fn address(&self) -> &Address {
        &self.conversation.address
    }

    /// The certificate that the server has shown.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.conversation.certificate
    }

    /// The fingerprint of [`Remote::certificate`].
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.certificate())
    }

    /// What stands at this address, which must be encoded.
    ///
    /// # Errors
    /// As the server answers; what is not of this form is [`Error::Connection`].
    pub fn get<T: serde::de::DeserializeOwned>(&mut self, path: &str) -> Result<T, Error> {
        let answer = self.json(Method::GET, path.to_owned(), Content::nothing())?;
        serde_json::from_slice(&answer).map_err(|_| refusal::no_ecconfigd(self.address()))
    }

    /// Any other request below `/subclusters`, with JSON in and out. `path` must be encoded.
    ///
    /// # Errors
    /// As the server answers; what is not JSON is [`Error::Connection`].
    pub fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<serde_json::Value, Error> {
        let content = match body {
            None => Content::nothing(),
            Some(value) => Content::Memory(value.to_string().into()),
        };
        let answer = self.json(method, path.to_owned(), content)?;
        serde_json::from_slice(&answer).map_err(|_| refusal::no_ecconfigd(self.address()))
    }
}

/// A request of `git-upload-pack`, version 2.
fn upload_pack(subcluster: &str, content: Content, patience: Duration) -> Ask {
    const HEADERS: Headers =
        &[("content-type", "application/x-git-upload-pack-request"), ("git-protocol", "version=2")];
    let path = format!("/config/{}/git-upload-pack", encode(subcluster));
    Ask {
        method: Method::POST,
        path,
        headers: HEADERS,
        if_none_match: None,
        content,
        patience,
        is_repeatable: true,
    }
}

fn id(oid: Oid) -> Id {
    let bytes = oid.as_bytes().try_into().expect("ids of SHA-1 repositories have 20 bytes");
    Id::from_bytes(bytes)
}

fn oid(id: Id) -> Oid {
    Oid::from_bytes(id.as_bytes()).expect("20 bytes are an id")
}
