//! `eccfg rollback`.

use super::pull;
use crate::node::args::Pull;
use crate::node::history::find;
use crate::node::publish::{Work, publish};
use crate::node::session::Session;
use crate::node::working_copy::BOOT;
use crate::node::{Error, notes};

pub fn run(
    session: &Session,
    revision: &str,
    is_global: bool,
    message: Option<&str>,
) -> Result<(), Error> {
    let (lock, working_copy) = session.change()?;
    notes::no_conflicts(&working_copy)?;
    let part = match is_global {
        true => working_copy.parts.last(),
        false => working_copy.parts.first(),
    };
    let part = part.expect("a working copy has a part");
    let mut remote = session.connect(&working_copy)?;
    session.fetch_newest(part, &mut remote)?;
    let newest = part.upstream().expect("it has just been fetched");
    let wanted = find(&part.repository, newest, revision)?;
    let files = part.files(Some(wanted.commit.id()))?;
    let default = format!("Roll back to revision {}", wanted.number);
    let author = session.author();
    let message = message.unwrap_or(&default);
    let work = Work { part, branch: BOOT, author, message };
    let published = publish(session, &mut remote, &work, |_| Ok(files.clone()))?;
    notes::published(session, part, published.as_ref());
    drop((lock, remote));
    pull::run(session, &Pull { auto: false, mine: false, theirs: false, manual: false })
}
