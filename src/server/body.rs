//! Taking in a request's body: bounded in size and time, spooled to disk when it is large.

use std::io::{BufReader, Read};
use std::net::IpAddr;
use std::sync::Arc;

use bytes::BytesMut;
use flate2::read::GzDecoder;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use hyper::header::{CONTENT_ENCODING, HeaderMap};
use tokio::time::{Instant, timeout};

use super::app::App;
use super::error::Error;
use super::keep::Keep;
use super::limits::{BODY_PAUSE, BODY_TIME};
use super::request_body::RequestBody;
use super::shares::Share;
use crate::accounts::Role;
use crate::repository::{self, Spool};

/// Bytes gathered before they are written to a file.
const CHUNK: usize = 256 << 10;

/// A body that has come as a whole.
pub(super) struct Upload {
    spool: Spool,
    is_gzip: bool,
    /// Of the memory for bodies.
    _share: Share,
}

impl Upload {
    /// Takes the body in. No thread waits for the client.
    pub(super) async fn receive(
        headers: &HeaderMap,
        body: RequestBody,
        limit: u64,
        app: &Arc<App>,
        (role, client): (Role, IpAddr),
    ) -> Result<Self, Error> {
        match Self::receive_what_fits(headers, body, limit, app, (role, client)).await? {
            (upload, None) => Ok(upload),
            (_, Some(loss)) => Err(loss.into()),
        }
    }

    /// The same, but when there is no room for all of it, its beginning and the reason.
    pub(super) async fn receive_what_fits(
        headers: &HeaderMap,
        body: RequestBody,
        limit: u64,
        app: &Arc<App>,
        (role, client): (Role, IpAddr),
    ) -> Result<(Self, Option<repository::Error>), Error> {
        let is_gzip = match headers.get(CONTENT_ENCODING).map(|value| value.as_bytes()) {
            None | Some(b"identity") => false,
            Some(b"gzip" | b"x-gzip") => true,
            Some(_) => return Err(Error::BadContentType),
        };
        if body.size_hint().lower() > limit {
            return Err(Error::TooLarge(limit));
        }
        let mut share = app.bodies.take_for(Some(role), client, 0)?;
        let keep = receive(body, limit, app, &mut share).await?;
        let (spool, loss) = keep.finish();
        Ok((Self { spool, is_gzip, _share: share }, loss))
    }

    /// Reads it from the start, unpacked. Blocks.
    pub(super) fn reader(&self) -> UploadReader<'_> {
        let plain = self.spool.reader();
        BufReader::new(match self.is_gzip {
            true => Box::new(GzDecoder::new(BufReader::new(plain))),
            false => Box::new(plain),
        })
    }
}

/// Reads an [`Upload`].
pub(super) type UploadReader<'a> = BufReader<Box<dyn Read + 'a>>;

async fn receive(
    mut body: RequestBody,
    limit: u64,
    app: &App,
    share: &mut Share,
) -> Result<Keep, Error> {
    let mut keep = Keep::new(&app.spool_dir);
    let deadline = Instant::now() + BODY_TIME;
    let mut received = 0;
    let mut gathered = BytesMut::new();
    loop {
        let pause = BODY_PAUSE.min(deadline.saturating_duration_since(Instant::now()));
        let frame = match timeout(pause, body.frame()).await {
            Err(_) => return Err(Error::TooSlow),
            Ok(None) => break,
            Ok(Some(frame)) => frame.map_err(|_| Error::ClientGone)?,
        };
        let Ok(data) = frame.into_data() else { continue };
        received += data.len() as u64;
        if received > limit {
            return Err(Error::TooLarge(limit));
        }
        share.resize(keep.in_memory() + gathered.len() + data.len())?;
        gathered.extend_from_slice(&data);
        if gathered.len() >= CHUNK {
            keep = keep.add(gathered.split().freeze(), app).await?;
            share.resize(keep.in_memory())?;
        }
    }
    let keep = keep.add(gathered.freeze(), app).await?;
    share.resize(keep.in_memory())?;
    Ok(keep)
}
