//! `eccfg store-password`.

use std::io::{IsTerminal, stdin};

use crate::node::Error;
use crate::node::password::Login;
use crate::node::session::Session;
use crate::node::user::SERVICE;

pub fn run(session: &Session) -> Result<(), Error> {
    let read = if stdin().is_terminal() {
        rpassword::prompt_password(format!("Password of {SERVICE}: "))
    } else {
        let mut line = String::new();
        stdin().read_line(&mut line).map(|_| line.trim_end_matches(['\r', '\n']).to_owned())
    };
    let password = read.map_err(Error::file("the standard input".as_ref()))?;
    session.keep_service_password(&Login::new(SERVICE, password)).map(drop)
}
