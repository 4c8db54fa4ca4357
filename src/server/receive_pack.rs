//! `POST NAME/git-receive-pack`: push.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::{Request, Response};
use tokio::sync::oneshot::Sender;

use super::app::App;
use super::body::Upload;
use super::error::Error;
use super::git;
use super::held::Done;
use super::info_refs::may_push;
use super::limits::MAX_PUSH_BODY;
use super::push::Push;
use super::request_body::RequestBody;
use super::response::{Body, full};
use crate::accounts::Account;
use crate::protocol::Service;
use crate::repository::Subcluster;

pub(super) async fn post(
    app: &Arc<App>,
    subcluster: Arc<Subcluster>,
    account: Account,
    client: IpAddr,
    request: Request<RequestBody>,
) -> Result<Response<Body>, Error> {
    may_push(account.role)?;
    let (head, body) = request.into_parts();
    git::check_content_type(&head.headers, Service::ReceivePack)?;
    let asker = (account.role, client);
    let received = Upload::receive_what_fits(&head.headers, body, MAX_PUSH_BODY, app, asker);
    let (upload, loss) = received.await?;
    let worker = app.clone();
    let role = account.role;
    let work = move |answer: Sender<_>| {
        let push = Push { app: &worker, subcluster: &subcluster, account: &account, client };
        let mut emptied = None;
        let report = match loss {
            None => push.run(&upload, &|| !answer.is_closed(), &mut emptied),
            Some(loss) => push.fail(&upload, loss.into()),
        };
        // A client that has gone away meanwhile needs no report.
        let _ = answer.send(report);
        // Removing directories takes the disk as long as much of the push itself.
        drop(emptied);
    };
    let report = app.pushes.run_on(role, work).await??;
    let mut response = git::service_answer(Service::ReceivePack, "result", full(report));
    response.extensions_mut().insert(Done);
    Ok(response)
}
