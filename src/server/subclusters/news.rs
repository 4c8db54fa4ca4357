//! Being told that subclusters stand elsewhere than they did.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use tokio::sync::futures::OwnedNotified;

use crate::server::app::App;

/// All that can change an answer, from the moment when this was made. Nothing runs while nothing
/// changes.
pub(super) struct News(Vec<Pin<Box<OwnedNotified>>>);

impl News {
    /// News of these subclusters, or of all if none is named.
    pub(super) fn of(app: &App, names: &[String]) -> Self {
        let store = &app.store;
        let mut sources = vec![Box::pin(store.changed())];
        let mut add = |name: &str| {
            // One that cannot be read is news when it can be.
            if let Some(Ok(subcluster)) = store.opened(name) {
                sources.push(Box::pin(subcluster.changed()));
            }
        };
        match names.is_empty() {
            true => store.names().iter().for_each(|name| add(name.as_str())),
            false => names.iter().for_each(|name| add(name)),
        }
        Self(sources)
    }

    /// Returns when there may be some.
    pub(super) async fn come(&mut self) {
        poll_fn(|context| {
            let mut polled = self.0.iter_mut().map(|source| source.as_mut().poll(context));
            if polled.any(|polled| polled.is_ready()) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
