//! `POST NAME/git-upload-pack`: clone and fetch.

use std::io::Read;
use std::net::IpAddr;
use std::sync::Arc;

use hyper::{Request, Response};
use tokio::sync::oneshot::Sender;

use super::app::App;
use super::body::Upload;
use super::error::Error;
use super::limits::MAX_FETCH_BODY;
use super::request_body::RequestBody;
use super::response::{Body, full};
use super::{git, pack_body};
use crate::accounts::Role;
use crate::protocol::{
    self, BatchEnd, Command, FetchRequest, Id, LsRefs, Service, Version, parse_fetch_v0, parse_v2,
    pkt,
};
use crate::repository::{self, BOOT, FetchAnswer, Subcluster};

enum Asked {
    Nothing,
    LsRefs(LsRefs),
    Pack(FetchRequest, Option<BatchEnd>),
}

pub(super) async fn post(
    app: &Arc<App>,
    subcluster: Arc<Subcluster>,
    role: Role,
    client: IpAddr,
    request: Request<RequestBody>,
) -> Result<Response<Body>, Error> {
    let (head, body) = request.into_parts();
    git::check_content_type(&head.headers, Service::UploadPack)?;
    let limit = MAX_FETCH_BODY as u64;
    let upload = Upload::receive(&head.headers, body, limit, app, (role, client)).await?;
    let version = git::version(&head.headers);
    let asked = app.reads.run_for(role, move || parse(&upload, version)).await?;
    let body = match (asked, subcluster.refuse_conflict()) {
        (Ok(Asked::Nothing), _) => full(""),
        (Err(error), _) => refusal(error.into())?,
        (_, Err(conflict)) => refusal(conflict)?,
        (Ok(Asked::LsRefs(ls_refs)), Ok(())) => {
            full(ls_refs.answer(BOOT, subcluster.snapshot().advertised()))
        }
        (Ok(Asked::Pack(request, end)), Ok(())) => {
            // What was asked for is kept until it is answered: the ids in it may be many.
            let ids = request.wants.len() + request.haves.len() + request.shallow.len();
            let bytes = ids * size_of::<Id>();
            let _share = app.bodies.take_for(Some(role), client, bytes)?;
            fetch(app, subcluster, role, request, end).await?
        }
    };
    Ok(git::service_answer(Service::UploadPack, "result", body))
}

fn parse(upload: &Upload, version: Version) -> Result<Asked, protocol::Error> {
    let input = upload.reader().take(MAX_FETCH_BODY as u64);
    Ok(match version {
        Version::V2 => match parse_v2(input)? {
            None => Asked::Nothing,
            Some(Command::LsRefs(ls_refs)) => Asked::LsRefs(ls_refs),
            Some(Command::Fetch(request)) => Asked::Pack(request, None),
        },
        _ => match parse_fetch_v0(input)? {
            None => Asked::Nothing,
            Some((request, end)) => Asked::Pack(request, Some(end)),
        },
    })
}

async fn fetch(
    app: &Arc<App>,
    subcluster: Arc<Subcluster>,
    role: Role,
    request: FetchRequest,
    end: Option<BatchEnd>,
) -> Result<Body, Error> {
    let request = Arc::new(request);
    let answer = loop {
        let (shared, subcluster, request) = (app.clone(), subcluster.clone(), request.clone());
        let work = move |answer: Sender<_>| {
            let is_wanted = || !answer.is_closed();
            let found = subcluster.fetch(&request, end, &shared.spool_dir, &is_wanted);
            // A client that has gone away meanwhile needs none.
            let _ = answer.send(found);
        };
        match app.packs.run_on(role, work).await? {
            // Others' fetches need the place meanwhile.
            Err(repository::Error::InTheMaking(making)) => {
                app.packs.wait(role, making.done()).await?;
            }
            answer => break answer,
        }
    };
    match answer {
        Ok(FetchAnswer { lines, pack: None }) => Ok(full(lines)),
        Ok(FetchAnswer { lines, pack: Some(pack) }) => {
            Ok(pack_body::pack_body(lines, pack, request.sideband))
        }
        Err(error) => refusal(error),
    }
}

/// Well-formed requests that cannot be fulfilled are told so within the protocol, where git shows
/// it to the person; anything else becomes a status.
fn refusal(error: repository::Error) -> Result<Body, Error> {
    use protocol::Error::Unsupported;
    use repository::Error::{InConflict, NotFound, Protocol};
    match error {
        InConflict(_) | NotFound(_) | Protocol(Unsupported(_)) => {
            let mut lines = Vec::new();
            pkt::line(&mut lines, format_args!("ERR {error}"));
            Ok(full(lines))
        }
        error => Err(error.into()),
    }
}
