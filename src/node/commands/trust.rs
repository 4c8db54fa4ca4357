//! `eccfg trust`.

use crate::momentum::{Address, AddressError};
use crate::node::given::Given;
use crate::node::session::Session;
use crate::node::{Error, args};

pub fn run(session: &Session, options: &args::Trust, given: Given) -> Result<(), Error> {
    let server: Address = match &options.server {
        Some(typed) => {
            typed.parse().map_err(|error: AddressError| Error::Usage(error.to_string()))?
        }
        None => session.working_copy()?.origin()?,
    };
    session.meet(&server, &options.meeting, given)?;
    session.output.say(format_args!("{server} is trusted."));
    Ok(())
}
