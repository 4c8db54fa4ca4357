//! Which server is asked, and as whom.

use super::args::Meeting;
use super::debug::step;
use super::given::Given;
use super::password::Login;
use super::remote::{self, Head, Remote};
use super::session::Session;
use super::trust::{First, Trust};
use super::user::SERVICE;
use super::working_copy::{Part, WorkingCopy};
use super::{Error, password, sources};
use crate::momentum::Address;
use crate::tls::Fingerprint;

impl Session {
    /// Connects to a server of the working copy, as the person.
    pub fn connect(&self, working_copy: &WorkingCopy) -> Result<Remote, Error> {
        self.connect_as(working_copy, false)
    }

    /// Connects to a server of the working copy, as the person or as the service.
    pub fn connect_as(&self, copy: &WorkingCopy, as_service: bool) -> Result<Remote, Error> {
        let boot = self.cluster_boot()?;
        let addresses = sources::addresses(boot.as_ref(), Some(&copy.origin()?));
        let login = if as_service { self.service_login()? } else { self.login()? };
        self.connect_to(&addresses, login)
    }

    /// Connects to a server of this node, whether it has a working copy or not.
    pub fn connect_to_any(&self) -> Result<Remote, Error> {
        match WorkingCopy::open(&self.paths()?)? {
            Some(working_copy) => self.connect(&working_copy),
            None => {
                let boot = self.cluster_boot()?;
                self.connect_to(&sources::addresses(boot.as_ref(), None), self.login()?)
            }
        }
    }

    /// Connects to the first of these that answers.
    pub fn connect_to(&self, addresses: &[Address], login: &Login) -> Result<Remote, Error> {
        let trust = Trust::load(&self.layout)?;
        let mut remote = step("connect", || Remote::connect(addresses, &trust))?;
        tracing::debug!("{} answers", remote.address());
        remote.log_in(login);
        Ok(remote)
    }

    /// Who asks: as the command line says, or the user of this shell. Asks for the password once.
    pub fn login(&self) -> Result<&Login, Error> {
        if let Some(login) = self.login.get() {
            return Ok(login);
        }
        let login = password::of_person(&self.common, self.caller())?;
        Ok(self.login.get_or_init(|| login))
    }

    /// The service account, with the password that is kept for it.
    fn service_login(&self) -> Result<&Login, Error> {
        if let Some(login) = self.login.get() {
            return Ok(login);
        }
        let login = password::stored(&self.layout)?;
        Ok(self.login.get_or_init(|| login))
    }

    /// The name that commits bear.
    pub fn author(&self) -> &str {
        self.login.get().map_or(SERVICE, |login| &login.name)
    }

    /// Meets a server for the first time: it is trusted from now on, or nothing is changed.
    pub fn meet(&self, server: &Address, meeting: &Meeting, given: Given) -> Result<(), Error> {
        let mut trust = Trust::load(&self.layout)?;
        let mut unasked = None;
        let mut ask = |address: &Address, fingerprint| {
            let question = format_args!(
                "The certificate of {address} has the fingerprint\n    {fingerprint}\nOn the server this \
                 tells it:\n    openssl x509 -noout -fingerprint -sha256 -in \
                 /var/ecconfigd/apache/server.crt\nIs it the same?"
            );
            let answer = self.output.ask(question);
            unasked = answer.is_none().then(|| unknown(address, fingerprint));
            answer.unwrap_or(false)
        };
        let first = match (&meeting.fingerprint, given.authorities) {
            (Some(text), _) => {
                First::Fingerprint(text.parse().map_err(|error| Error::Usage(format!("{error}")))?)
            }
            (None, Some(authorities)) => First::Authorities(authorities),
            (None, None) if self.trusts(server, &trust)? => return Ok(()),
            (None, None) if self.is_on_this_machine(server) => First::ThisMachine(&self.layout),
            (None, None) => First::Ask(&mut ask),
        };
        let accepted = trust.accept(server, first);
        accepted.map_err(|error| unasked.unwrap_or(error))?;
        let etc = self.layout.etc();
        std::fs::create_dir_all(&etc).map_err(Error::file(&etc))?;
        Ok(trust.save(&self.layout)?)
    }

    /// Whether a server can be reached there and is trusted already.
    fn trusts(&self, server: &Address, trust: &Trust) -> Result<bool, Error> {
        if trust.is_nobody() {
            return Ok(false);
        }
        match Remote::connect(std::slice::from_ref(server), trust) {
            Ok(_) => Ok(true),
            Err(remote::Error::Certificate(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn is_on_this_machine(&self, server: &Address) -> bool {
        let is_local = matches!(server.host.as_str(), "localhost" | "127.0.0.1" | "::1");
        is_local && crate::tls::fingerprint(&self.layout.certificates()).is_ok()
    }

    /// Brings what a part lacks of the newest revision, and tells which commit that is.
    pub fn fetch_newest(&self, part: &Part, remote: &mut Remote) -> Result<git2::Oid, Error> {
        let heads = self.ask(remote, &[&part.subcluster])?;
        let newest = heads.first().and_then(|head| head.commit).ok_or_else(|| {
            Error::Refused(format!("the subcluster {} has no revision yet", part.subcluster))
        })?;
        self.fetch(part, remote, newest)?;
        part.set_upstream(newest)?;
        Ok(newest)
    }

    /// Brings a commit and what it needs.
    pub fn fetch(&self, part: &Part, remote: &mut Remote, want: git2::Oid) -> Result<(), Error> {
        if part.repository.find_commit(want).is_ok() {
            return Ok(());
        }
        let have: Vec<git2::Oid> = part.upstream().into_iter().collect();
        let mut progress = self.output.progress();
        let told = &mut |step: remote::Progress<'_>| progress.tell(step);
        let name = &part.subcluster;
        step(format_args!("fetch {name}"), || {
            Ok(remote.fetch(name, &part.repository, want, &have, told)?)
        })
    }

    /// Where these subclusters stand at the server.
    pub fn ask(&self, remote: &mut Remote, names: &[&str]) -> Result<Vec<Head>, Error> {
        step(format_args!("ask for {}", names.join(" and ")), || Ok(remote.subclusters(names)?))
    }
}

/// There is no terminal to ask on.
fn unknown(server: &Address, shown: Fingerprint) -> remote::Error {
    remote::Error::Certificate(format!(
        "{server} is not known to this node, and shows a certificate with the fingerprint {shown}: if its \
         log tells the same one at its start, give it with --fingerprint; nothing was changed"
    ))
}
