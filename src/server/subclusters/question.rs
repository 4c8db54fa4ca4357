//! `GET /subclusters`: is there anything new? Every node asks all the time, so it is answered from
//! memory, and mostly with 304. A node that says something of itself asks with POST: whatever GET
//! does, any page can have a browser do.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use headers::{HeaderMapExt, IfNoneMatch};
use hyper::header::{HeaderValue, IF_NONE_MATCH};
use hyper::{HeaderMap, Method, Request, Response};

use super::events;
use super::list::tell;
use super::wait::wait;
use crate::accounts::Account;
use crate::server::app::App;
use crate::server::cross_site::is_no_browser;
use crate::server::error::Error;
use crate::server::limits::{MAX_NAMES, MAX_WAIT};
use crate::server::nodes::Word;
use crate::server::request_body::RequestBody;
use crate::server::response::{Body, JSON};
use crate::server::route::{parameter, parameters};

/// What is asked.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::server) struct Question {
    /// Of these subclusters, or of all if none is named.
    pub(super) names: Vec<String>,
    /// How long the answer may take if there is nothing new.
    wait: Duration,
    /// What a node says of itself.
    word: Option<Word>,
}

impl Question {
    pub(super) fn parse(query: Option<&str>) -> Result<Self, Error> {
        let names: Vec<String> = parameters(query, "name").collect::<Result<_, _>>()?;
        let wait = parameter(query, "wait")?.map_or(Ok(Duration::ZERO), |text| seconds(&text))?;
        let word = Word::parse(query, &names)?;
        Ok(Self { names: distinct(names)?, wait, word })
    }

    /// Refuses the word of a node where a page that a browser shows could have said it. An eccfg that
    /// is older than the question by POST asks with GET.
    pub(super) fn check<B>(&self, request: &Request<B>) -> Result<(), Error> {
        match *request.method() {
            Method::GET if self.word.is_some() && !is_no_browser(request.headers()) => Err(
                Error::Forbidden("what a node says of itself comes by POST, and from no browser"),
            ),
            Method::GET | Method::HEAD | Method::POST => Ok(()),
            _ => Err(Error::BadMethod("GET, HEAD, POST")),
        }
    }

    pub(super) async fn answer(
        self,
        app: &Arc<App>,
        account: Account,
        client: IpAddr,
        request: Request<RequestBody>,
    ) -> Result<Response<Body>, Error> {
        let (names, headers) = (self.names, request.headers());
        let told = tell(app, &names)?;
        let is_head = *request.method() == Method::HEAD;
        if let Some(word) = self.word.filter(|_| !is_head && account.role.is_of_nodes()) {
            app.nodes.hear(word, client);
        }
        if *request.method() == Method::GET && events::are_wanted(headers) {
            let share = app.waits.take(client, 1)?;
            return Ok(events::respond(app, names, account.name, share, headers));
        }
        if is_head || self.wait.is_zero() {
            return Ok(told.respond(headers, JSON));
        }
        // Whoever knows nothing yet has nothing to wait for.
        let condition = condition(headers);
        let known: Option<IfNoneMatch> = condition.typed_get();
        let Some(known) = known.filter(|known| told.is_known(known)) else {
            return Ok(told.respond(headers, JSON));
        };
        let _share = app.waits.take(client, 1)?;
        // With it goes the buffer that it came in, and what there is of a body that nobody reads.
        drop(request);
        // Boxed, as every connection would have room for it otherwise.
        let told = Box::pin(wait(app, &names, &known, self.wait)).await?;
        Ok(told.respond(&condition, JSON))
    }
}

/// Each of them once.
fn distinct(mut names: Vec<String>) -> Result<Vec<String>, Error> {
    names.sort_unstable();
    names.dedup();
    match names.len() > MAX_NAMES {
        true => Err(Error::BadRequest(format!(
            "a question may name {MAX_NAMES} subclusters at the most; without name= it is about all of them"
        ))),
        false => Ok(names),
    }
}

/// A copy of what makes a question conditional.
fn condition(headers: &HeaderMap) -> HeaderMap {
    let values = headers.get_all(IF_NONE_MATCH).iter();
    let copied = values.filter_map(|value| HeaderValue::from_bytes(value.as_bytes()).ok());
    copied.map(|value| (IF_NONE_MATCH, value)).collect()
}

fn seconds(text: &str) -> Result<Duration, Error> {
    let seconds: Option<u32> = text.parse().ok();
    let seconds = seconds.ok_or_else(|| {
        Error::BadRequest("wait= takes a number of seconds, such as wait=60".into())
    })?;
    Ok(Duration::from_secs(seconds.into()).min(MAX_WAIT))
}
