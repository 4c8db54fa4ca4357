//! The node's question in full: is there anything newer than this, and if not now, then soon?

use std::io::Read;
use std::time::Duration;

use hyper::header::{CONNECTION, ETAG};
use hyper::{Method, StatusCode};

use super::answer::{Answer, QUICK, cut_off};
use super::ask::Ask;
use super::heads::encode;
use super::limits::MAX_JSON;
use super::outgoing::Content;
use super::refusal::no_ecconfigd;
use super::{Error, Head, Remote};

/// What is asked.
pub struct Question<'a> {
    /// Subclusters.
    pub names: &'a [&'a str],
    /// The tag of the answer that is known, if one is.
    pub known: Option<&'a str>,
    /// How long the server may take if nothing is newer. Without it the answer comes at once.
    pub wait: Duration,
    /// What the node says of itself, as further parameters.
    pub word: &'a str,
}

/// What is answered.
#[derive(Debug)]
pub enum News {
    /// Nothing is newer. The server ends the connection, as it stops, or does not.
    Nothing {
        /// Whether it does.
        is_last: bool,
    },
    /// This.
    Heads {
        /// Where the subclusters stand.
        heads: Vec<Head>,
        /// What tells this answer from others, if the server says so.
        tag: Option<String>,
    },
}

impl Remote {
    /// Asks. A question that waits is sent once: its asker has to find out who answers now.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such subcluster; [`Error`] says what else.
    pub fn question(&mut self, question: &Question<'_>) -> Result<News, Error> {
        if !question.word.is_empty() && !self.takes_words_by_get {
            let answer = self.conversation.ask(&question.ask(Method::POST), &mut |_| {})?;
            if answer.status() != StatusCode::METHOD_NOT_ALLOWED {
                return news(answer);
            }
            // It is older than the question by POST.
            self.takes_words_by_get = true;
        }
        news(self.conversation.ask(&question.ask(Method::GET), &mut |_| {})?)
    }
}

fn news(answer: Answer<'_>) -> Result<News, Error> {
    if answer.status() == StatusCode::NOT_MODIFIED {
        let is_last = answer.header(CONNECTION).is_some_and(|it| it.contains("close"));
        return Ok(News::Nothing { is_last });
    }
    let (address, tag) = (answer.address(), answer.header(ETAG).map(str::to_owned));
    let mut body = Vec::new();
    let reader = answer.of_type("application/json")?;
    let read = reader.take(MAX_JSON).read_to_end(&mut body);
    read.map_err(|error| cut_off(address, error.kind()))?;
    let heads = serde_json::from_slice(&body).map_err(|_| no_ecconfigd(address))?;
    Ok(News::Heads { heads, tag })
}

impl Question<'_> {
    fn ask(&self, method: Method) -> Ask {
        Ask {
            method,
            path: self.path(),
            headers: &[],
            if_none_match: self.known.map(str::to_owned),
            content: Content::nothing(),
            patience: self.wait + QUICK,
            is_repeatable: self.wait.is_zero(),
        }
    }

    fn path(&self) -> String {
        let mut words: Vec<String> =
            self.names.iter().map(|name| format!("name={}", encode(name))).collect();
        if !self.wait.is_zero() {
            words.push(format!("wait={}", self.wait.as_secs()));
        }
        if !self.word.is_empty() {
            words.push(self.word.to_owned());
        }
        format!("/subclusters?{}", words.join("&"))
    }
}
