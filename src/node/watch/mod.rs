//! `eccfg watch`: asks, waits for the answer, and brings each change here at once.
//!
//! The question stays open at the server, so nothing is done while nothing changes. What a change
//! asks for is done as `eccfg pull --auto` does it.

mod pause;
mod stop;

use std::time::{Duration, Instant};

use self::pause::{Pauses, some_of};
use self::stop::Stop;
use super::commands::pull::{Done, ask, update};
use super::remote::{self, Head, News, Remote};
use super::session::Session;
use super::{Error, args};

/// A question waits at most so long. The server would let it wait a little longer.
const LONGEST: Duration = Duration::from_secs(290);
/// What could not be done is tried again after this time.
const AGAIN: Duration = Duration::from_secs(60);
/// A server that answers at once although nothing is new is asked this often.
const POLL: Duration = Duration::from_secs(60);
/// The nodes of a server that stops come back spread over this time.
const SPREAD: Duration = Duration::from_secs(5);

/// Runs until it is told to stop, or cannot go on.
pub fn run(session: &Session) -> Result<(), Error> {
    drop(session.working_copy()?);
    let mut watch = Watch { session, stop: Stop::listen()?, trouble: None };
    let mut pauses = Pauses::default();
    loop {
        match watch.listen(&mut pauses) {
            Err(error) if is_passing(&error) => watch.tell_once(&error),
            // Whoever starts this again, as root, may mend it.
            Err(error) => return Err(error),
            Ok(never) => match never {},
        }
        pauses.next().sleep();
    }
}

/// Whether another try may go better without anybody's doing.
fn is_passing(error: &Error) -> bool {
    use remote::Error::{Authentication, Local};
    !matches!(
        error,
        Error::File { .. } | Error::Git(_) | Error::Remote(Authentication(_) | Local(_))
    )
}

enum Never {}

struct Watch<'a> {
    session: &'a Session,
    stop: Stop,
    /// What was told last, if it has not ended.
    trouble: Option<String>,
}

/// What is known of the server.
#[derive(Default)]
struct Known {
    heads: Vec<Head>,
    tag: Option<String>,
    /// Something is still to be done.
    is_owing: bool,
}

impl Watch<'_> {
    /// Asks the first server that can be reached, again and again.
    fn listen(&mut self, pauses: &mut Pauses) -> Result<Never, Error> {
        let mut remote = self.session.connect_as(&self.session.working_copy()?, true)?;
        let mut known = Known::default();
        loop {
            let pause = self.turn(&mut remote, &mut known)?;
            pauses.reset();
            pause.sleep();
        }
    }

    /// One question, and what its answer asks for. Returns how long not to ask.
    fn turn(&mut self, remote: &mut Remote, known: &mut Known) -> Result<pause::Pause, Error> {
        let wait = some_of(if known.is_owing { AGAIN } else { LONGEST });
        let asked = Instant::now();
        let copy = self.session.working_copy()?;
        let news = ask(self.session, &copy, remote, known.tag.as_deref(), wait)?;
        drop(copy);
        self.tell_mended(remote);
        let is_early = asked.elapsed() < wait / 2;
        let pause = match news {
            News::Nothing { is_last: true } => return Ok(pause::Pause::up_to(SPREAD)),
            News::Heads { heads, tag } if tag.is_none() || tag != known.tag => {
                (known.heads, known.tag) = (heads, tag);
                // It cannot be asked to tell only what is new.
                if known.tag.is_none() { pause::Pause::about(POLL) } else { pause::Pause::none() }
            }
            _ if is_early => pause::Pause::about(POLL),
            _ => pause::Pause::none(),
        };
        known.is_owing = self.update(remote, &known.heads)?;
        Ok(pause)
    }

    /// Brings the working copy there. Tells whether something is left to do.
    fn update(&self, remote: &mut Remote, heads: &[Head]) -> Result<bool, Error> {
        let _not_now = self.stop.hold();
        let options = args::Pull { auto: true, mine: false, theirs: false, manual: false };
        match update(self.session, &options, remote, heads.to_vec(), false) {
            Ok(done) => Ok(done == Done::Later),
            // A person has to decide, or the mail server to recover.
            Err(error @ (Error::Refused(_) | Error::Reload(_))) => {
                self.session.output.alarm(&error);
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// Trouble that lasts is told when it begins.
    fn tell_once(&mut self, error: &Error) {
        let error = error.to_string();
        if self.trouble.as_ref() != Some(&error) {
            self.session.output.alarm(&error);
            self.trouble = Some(error);
        }
    }

    fn tell_mended(&mut self, remote: &Remote) {
        if self.trouble.take().is_some() {
            self.session.output.say(format_args!("{} answers again.", remote.address()));
        }
    }
}
