//! Work that begins before anybody waits for it.

use std::task::{Context, Poll, Waker};

/// Does at once what can be done without waiting, and returns the rest.
///
/// With HTTP/1, hyper asks for an answer only after it has looked whether the client is still there,
/// and takes a new buffer for that as long as the request holds the one that its head came in. Most
/// requests are answered from memory, and gone by then.
pub(super) fn begun<F: Future>(work: F) -> impl Future<Output = F::Output> + use<F> {
    let mut work = Box::pin(work);
    // Whoever waits for the rest polls it again, and is woken from then on.
    let state = match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => Err(work),
    };
    async move {
        match state {
            Ok(output) => output,
            Err(work) => work.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;
    use tokio::task::yield_now;

    use super::*;

    #[test]
    fn what_need_not_wait_is_done_before_it_is_asked_for() {
        let mut is_done = false;
        drop(begun(async { is_done = true }));
        assert!(is_done);
    }

    #[tokio::test]
    async fn whoever_asks_for_the_rest_is_woken() {
        let (sender, receiver) = oneshot::channel();
        let rest = begun(receiver);
        let asking = tokio::spawn(rest);
        yield_now().await;
        sender.send("said").unwrap();
        assert_eq!(asking.await.unwrap(), Ok("said"));
    }
}
