//! `GET NAME/info/refs?service=…`: which references there are. Answered from memory.

use hyper::Response;
use hyper::header::HeaderMap;

use super::error::Error;
use super::git;
use super::response::{Body, full};
use crate::accounts::Role;
use crate::protocol::{Service, Version, advertise, advertise_v2};
use crate::repository::{BOOT, Subcluster};

pub(super) fn get(
    subcluster: &Subcluster,
    service: Service,
    role: Role,
    headers: &HeaderMap,
) -> Result<Response<Body>, Error> {
    if service == Service::ReceivePack {
        may_push(role)?;
    }
    subcluster.refuse_conflict()?;
    let body = match (service, git::version(headers)) {
        (Service::UploadPack, Version::V2) => advertise_v2(),
        // There is no version 2 of pushing; git's servers answer as for version 0.
        (service, version) => {
            let version = if version == Version::V1 { Version::V1 } else { Version::V0 };
            advertise(service, version, BOOT, subcluster.snapshot().advertised())
        }
    };
    Ok(git::service_answer(service, "advertisement", full(body)))
}

/// Readers hear before they send anything that they cannot push.
pub(super) fn may_push(role: Role) -> Result<(), Error> {
    match role {
        Role::Administrator | Role::Service => Ok(()),
        Role::Reader => Err(Error::Forbidden("this account may only read")),
    }
}
