//! Requests and answers in JSON.

use std::io::Read;
use std::net::IpAddr;
use std::sync::Arc;

use hyper::header::CONTENT_TYPE;
use hyper::{Request, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::app::App;
use super::body::Upload;
use super::error::Error;
use super::limits::MAX_JSON_BODY;
use super::request_body::RequestBody;
use super::response::{Body, JSON, answer, full};
use crate::accounts::Role;

/// Reads a request's body. It must be called what it is: a page that a browser shows cannot send
/// such a request to another server without asking it first.
pub(super) async fn read<T: DeserializeOwned>(
    app: &Arc<App>,
    client: IpAddr,
    request: Request<RequestBody>,
) -> Result<T, Error> {
    let (head, body) = request.into_parts();
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = content_type.and_then(|value| value.split(';').next());
    if !kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case(JSON)) {
        return Err(Error::NotJson);
    }
    // It is small, and what administrators alone may ask for comes so.
    let asker = (Role::Administrator, client);
    let upload = Upload::receive(&head.headers, body, MAX_JSON_BODY, app, asker).await?;
    let mut content = Vec::new();
    let mut reader = upload.reader().take(MAX_JSON_BODY + 1);
    reader.read_to_end(&mut content).map_err(|_| Error::ClientGone)?;
    if content.len() as u64 > MAX_JSON_BODY {
        return Err(Error::TooLarge(MAX_JSON_BODY));
    }
    serde_json::from_slice(&content).map_err(|error| {
        let what = error.to_string().replace(char::is_control, " ");
        Error::BadRequest(format!("malformed request: {what}"))
    })
}

/// An answer.
pub(super) fn respond(status: StatusCode, content: &impl Serialize) -> Response<Body> {
    let content = serde_json::to_vec(content).expect("names and numbers can be written as JSON");
    answer(status, JSON, full(content))
}
