//! What every command needs: where things are, who asks, and what people are told.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;

use super::args::Common;
use super::output::Output;
use super::password::Login;
use super::working_copy::{Lock, Paths, WorkingCopy};
use super::{Error, password, user};
use crate::layout::Layout;
use crate::momentum::{ClusterBoot, Environment};

/// One run of a command.
pub struct Session {
    pub layout: Layout,
    pub output: Output,
    pub common: Common,
    pub(super) login: OnceCell<Login>,
    caller: OnceCell<Option<String>>,
    environment: OnceCell<Environment>,
}

impl Session {
    pub fn new(common: Common) -> Result<Self, Error> {
        let root = common.root.clone().unwrap_or_else(|| PathBuf::from("/"));
        let root = std::path::absolute(&root).map_err(Error::file(&root))?;
        Ok(Self {
            layout: Layout::new(root),
            output: Output::new(common.quiet),
            common,
            login: OnceCell::new(),
            caller: OnceCell::new(),
            environment: OnceCell::new(),
        })
    }

    /// Where the working copy is.
    pub fn paths(&self) -> Result<Paths, Error> {
        let tree = self.common.working_copy.clone();
        Paths::of(&tree.unwrap_or_else(|| self.layout.working_copy()))
    }

    /// The node's cluster.boot, if there is one.
    pub fn cluster_boot(&self) -> Result<Option<ClusterBoot>, Error> {
        let file = self.layout.cluster_boot();
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file(&file)(error)),
        };
        let boot = ClusterBoot::parse(&String::from_utf8_lossy(&text));
        boot.map(Some).map_err(|error| Error::Refused(format!("{}: {error}", file.display())))
    }

    /// The working copy, to look at.
    pub fn working_copy(&self) -> Result<WorkingCopy, Error> {
        let paths = self.paths()?;
        WorkingCopy::open(&paths)?.ok_or_else(|| {
            Error::Refused(format!(
                "there is no working copy in {}: eccfg bootstrap HOST makes one",
                paths.tree.display()
            ))
        })
    }

    /// The working copy, to change: nobody else does meanwhile.
    pub fn change(&self) -> Result<(Lock, WorkingCopy), Error> {
        Ok(self.change_unless_busy(false)?.expect("it is waited for"))
    }

    /// The same, or nothing if somebody else is at it and one of both is enough.
    pub fn change_unless_busy(
        &self,
        gives_way: bool,
    ) -> Result<Option<(Lock, WorkingCopy)>, Error> {
        let paths = self.paths()?;
        // Without one there is nothing to hold.
        if !WorkingCopy::is_at_place(&paths)? {
            drop(self.working_copy()?);
        }
        let lock = match Lock::try_take(&paths)? {
            Some(lock) => lock,
            None if gives_way => {
                self.output.say("Another eccfg is at work: nothing was done.");
                return Ok(None);
            }
            None => {
                self.output.say("Waiting for another eccfg to finish.");
                Lock::take(&paths)?
            }
        };
        // Only now: the other one may have exchanged the tree.
        let working_copy = self.working_copy()?;
        self.finish_what_was_begun(&lock, &working_copy)?;
        Ok(Some((lock, working_copy)))
    }

    /// Becomes the service's user, who may not be allowed to read what root may.
    pub fn become_service(&self) -> Result<(), Error> {
        self.caller();
        if self.common.password_file.is_some() {
            self.login()?;
        }
        user::become_service(&self.layout, || self.paths())
    }

    /// Who has called this, by name, whoever it is by now.
    pub(super) fn caller(&self) -> Option<&str> {
        self.caller.get_or_init(password::caller).as_deref()
    }

    /// Tidies after a command that was killed.
    pub fn finish_what_was_begun(&self, lock: &Lock, copy: &WorkingCopy) -> Result<(), Error> {
        for path in copy.recover(lock)? {
            self.output.alarm(super::notes::put_aside(&path));
        }
        Ok(())
    }

    /// A variable of this process, or of the file `environment`.
    pub fn variable(&self, name: &str) -> Result<Option<String>, Error> {
        if let Ok(value) = std::env::var(name) {
            return Ok(Some(value));
        }
        Ok(self.environment()?.variables.get(name).cloned())
    }

    fn environment(&self) -> Result<&Environment, Error> {
        if let Some(environment) = self.environment.get() {
            return Ok(environment);
        }
        let file = self.layout.environment();
        let environment = Environment::read(&file).map_err(Error::file(&file))?;
        Ok(self.environment.get_or_init(|| environment))
    }

    /// Where commands of the mail server are looked for: cron's search path does not hold them.
    pub fn path(&self) -> OsString {
        let mut path = self.layout.programs().into_os_string();
        if let Some(others) = std::env::var_os("PATH") {
            path.push(":");
            path.push(others);
        }
        path
    }

    /// Keeps the service account's password, if that is who bootstraps. Tells whether it was.
    pub fn keep_service_password(&self, login: &Login) -> Result<bool, Error> {
        let is_service = login.name == user::SERVICE;
        if is_service {
            let etc = self.layout.etc();
            fs::create_dir_all(&etc).map_err(Error::file(&etc))?;
            password::keep(&self.layout, login.password())?;
        }
        Ok(is_service)
    }

    /// Whether nobody has said who asks.
    pub fn is_unattended(&self) -> bool {
        self.common.username.is_none() && !std::io::IsTerminal::is_terminal(&io::stdin())
    }
}
