//! One push, from its bytes to its report: received into a quarantine, judged, proposed.

use std::net::IpAddr;

use super::app::App;
use super::author::author;
use super::body::Upload;
use super::error::Error;
use crate::accounts::{Account, Role};
use crate::events;
use crate::protocol::{PushRequest, RefCommand, RefResult, Reporting, report};
use crate::repository::{
    self, Allowance, Applied, BOOT, Change, Entry, Intake, Move, Prepared, Quarantine, RefUpdate,
    Rights, Subcluster, Verdict, judge,
};

/// git's own words, which its client turns into advice for the person (`push_update_ref_status` in
/// its transport-helper.c).
const FETCH_FIRST: &str = "fetch first";
/// git's word for a command that had to fail with others (`execute_commands_atomic` in its
/// receive-pack.c).
const ATOMIC_FAILURE: &str = "atomic push failure";

/// Who pushes where.
pub(super) struct Push<'a> {
    pub(super) app: &'a App,
    pub(super) subcluster: &'a Subcluster,
    pub(super) account: &'a Account,
    pub(super) client: IpAddr,
}

impl Push<'_> {
    /// Does it, and returns the report for the client. `emptied` is set to the quarantine whose pack
    /// has been taken in: only directories are left of it. That of a refused push is gone. Ends early
    /// when nobody waits for it any more, but not once the change is on its way. Blocks.
    pub(super) fn run(
        &self,
        upload: &Upload,
        is_wanted: &dyn Fn() -> bool,
        emptied: &mut Option<Quarantine>,
    ) -> Result<Vec<u8>, Error> {
        let (request, pack) = PushRequest::parse(upload.reader())?;
        if request.commands.is_empty() {
            return Ok(Vec::new());
        }
        if let Err(error) = self.subcluster.refuse_conflict() {
            return Ok(self.refuse(&request, &error.to_string()));
        }
        let intake = Intake { allowance: self.allowance(), is_wanted };
        let quarantine = match request.brings_pack() {
            false => None,
            true => match Quarantine::take(self.subcluster, pack, &intake) {
                Ok(quarantine) => Some(quarantine),
                Err(repository::Error::Unwanted) => return Err(Error::ClientGone),
                Err(error) => return Ok(self.unpack_failed(&request, error.into())),
            },
        };
        if let Some(quarantine) = quarantine.iter().find(|q| !self.app.log.keeps(q)) {
            quarantine.begin_to_sync();
        }
        let (quarantined, commands) = (quarantine.as_ref(), &request.commands);
        let verdicts = judge(self.subcluster, quarantined, commands, self.rights(), is_wanted)?;
        let fates = self.decide(&request, &verdicts, quarantine.as_ref());
        if fates.iter().any(Result::is_ok) {
            *emptied = quarantine;
        }
        Ok(report_of(&request, fates))
    }

    /// Refuses all of it before its pack is looked at.
    fn refuse(&self, request: &PushRequest, reason: &str) -> Vec<u8> {
        let refused = |_: &RefCommand| Verdict::Refused(reason.to_owned());
        let verdicts: Vec<Verdict> = request.commands.iter().map(refused).collect();
        report_of(request, self.decide(request, &verdicts, None))
    }

    /// Tells why there was no room for it. git takes a status for a broken connection and says
    /// "Everything up-to-date"; a client that wants no report gets the status. Blocks.
    pub(super) fn fail(&self, upload: &Upload, loss: Error) -> Result<Vec<u8>, Error> {
        match PushRequest::parse(upload.reader()) {
            Ok((request, _)) if request.reporting == Reporting::Status => {
                Ok(self.unpack_failed(&request, loss))
            }
            _ => Err(loss),
        }
    }

    fn rights(&self) -> Rights {
        match self.account.role {
            Role::Administrator => Rights::All,
            Role::Service | Role::Reader => Rights::Running,
        }
    }

    fn allowance(&self) -> Allowance {
        match self.account.role {
            Role::Administrator => Allowance::ADMINISTRATOR,
            Role::Service | Role::Reader => Allowance::NODE,
        }
    }

    fn unpack_failed(&self, request: &PushRequest, error: Error) -> Vec<u8> {
        self.log_failure(&error);
        let results: Vec<_> = request
            .commands
            .iter()
            .map(|command| result(command, Some("unpacker error".into())))
            .collect();
        report(request, Err(&error.public()), &results, "")
    }

    fn decide(
        &self,
        request: &PushRequest,
        verdicts: &[Verdict],
        quarantine: Option<&Quarantine>,
    ) -> Vec<Fate> {
        let all_allowed = verdicts.iter().all(|verdict| matches!(verdict, Verdict::Allowed { .. }));
        if request.atomic && all_allowed {
            let fate = self.fate(self.propose(&request.commands, quarantine));
            return self.fates(request, verdicts, |_| fate.clone());
        }
        self.fates(request, verdicts, |command| match request.atomic {
            true => Err(ATOMIC_FAILURE.into()),
            false => self.fate(self.propose(std::slice::from_ref(command), quarantine)),
        })
    }

    /// The fate of each command; `fate` is asked for those that are allowed.
    fn fates(
        &self,
        request: &PushRequest,
        verdicts: &[Verdict],
        fate: impl Fn(&RefCommand) -> Fate,
    ) -> Vec<Fate> {
        let judged = request.commands.iter().zip(verdicts);
        judged
            .map(|(command, verdict)| {
                let fate = match verdict {
                    Verdict::Allowed { .. } => fate(command),
                    Verdict::Refused(reason) => Err(reason.clone()),
                };
                self.log(command, verdict, &fate);
                fate
            })
            .collect()
    }

    /// Commits what has been made here and not pushed: judged and logged as if it were.
    pub(super) fn commit(&self, prepared: &Prepared) -> Result<(), Error> {
        let Prepared { change, quarantine } = prepared;
        let command = |RefUpdate { name, old, new }| RefCommand { old, new, name };
        let commands: Vec<RefCommand> = change.updates.iter().cloned().map(command).collect();
        let verdicts =
            judge(self.subcluster, Some(quarantine), &commands, self.rights(), &|| true)?;
        for verdict in &verdicts {
            if let Verdict::Refused(reason) = verdict {
                return Err(repository::Error::BadRef(reason.clone()).into());
            }
        }
        let applied = self.propose(&commands, Some(quarantine))?;
        for (command, verdict) in commands.iter().zip(&verdicts) {
            self.log(command, verdict, &Ok(applied));
        }
        Ok(())
    }

    /// Changes the references of all commands together.
    fn propose(
        &self,
        commands: &[RefCommand],
        quarantine: Option<&Quarantine>,
    ) -> Result<Applied, repository::Error> {
        let applied = self.app.log.propose(&self.entry(commands, quarantine), quarantine)?;
        self.app.committed.notify_one();
        if applied.renumbered > 0 {
            self.warn_renumbered(applied.renumbered);
        }
        Ok(applied)
    }

    /// What the client is told of it.
    fn fate(&self, result: Result<Applied, repository::Error>) -> Fate {
        match result {
            Ok(applied) => Ok(applied),
            Err(repository::Error::Stale { .. }) => Err(FETCH_FIRST.into()),
            Err(error) => {
                let error = Error::from(error);
                self.log_failure(&error);
                Err(error.public())
            }
        }
    }

    fn entry(&self, commands: &[RefCommand], quarantine: Option<&Quarantine>) -> Entry {
        let update = |command: &RefCommand| RefUpdate {
            name: command.name.clone(),
            old: command.old,
            new: command.new,
        };
        let change = Move {
            updates: commands.iter().map(update).collect(),
            pack: quarantine.and_then(Quarantine::pack).map(str::to_owned),
        };
        Entry {
            subcluster: self.subcluster.name().to_string(),
            change: Change::Move(change),
            author: author(self.account, self.client),
        }
    }

    fn log(&self, command: &RefCommand, verdict: &Verdict, fate: &Fate) {
        let Self { account, client, subcluster, .. } = self;
        let (who, name, reference) = (&account.name, subcluster.name(), &command.name);
        let paths = paths(verdict);
        match fate {
            Err(reason) => tracing::info!(
                message_id = events::COMMIT_REFUSED,
                account = who,
                %client,
                subcluster = %name,
                reference,
                commit = %command.new,
                reason,
                "push of {who} from {client} to {reference} of {name} refused: {reason}",
            ),
            Ok(Applied { head: Some(head), .. }) if reference == BOOT => tracing::info!(
                message_id = events::COMMITTED,
                account = who,
                %client,
                subcluster = %name,
                reference,
                revision = head.revision,
                commit = %command.new,
                paths,
                "{who} committed revision {} of {name} from {client}: {paths}",
                head.revision,
            ),
            Ok(_) if command.new.is_zero() => tracing::info!(
                message_id = events::COMMITTED,
                account = who,
                %client,
                subcluster = %name,
                reference,
                commit = %command.old,
                "{who} deleted {reference} of {name} from {client}; it was {}",
                command.old,
            ),
            Ok(_) => tracing::info!(
                message_id = events::COMMITTED,
                account = who,
                %client,
                subcluster = %name,
                reference,
                commit = %command.new,
                paths,
                "{who} changed {reference} of {name} from {client} to {}: {paths}",
                command.new,
            ),
        }
    }

    fn log_failure(&self, error: &Error) {
        let Self { account, client, subcluster, .. } = self;
        let (who, name, cause) = (&account.name, subcluster.name(), error.chain());
        if error.is_ours() {
            let message_id = error.event();
            tracing::error!(message_id, account = who, %client, subcluster = %name, "push of {who} to {name} failed: {cause}");
        } else {
            tracing::debug!(account = who, %client, subcluster = %name, "push of {who} to {name} refused: {cause}");
        }
    }

    fn warn_renumbered(&self, revisions: usize) {
        let (who, name) = (&self.account.name, self.subcluster.name());
        tracing::warn!(
            account = who,
            subcluster = %name,
            revisions,
            "the merge that {who} pushed to {name} has the old head as its second parent: \
             the last {revisions} revision numbers now name other commits; use commit ids for those",
        );
    }
}

/// What became of a command: done, or why not.
type Fate = Result<Applied, String>;

fn report_of(request: &PushRequest, fates: Vec<Fate>) -> Vec<u8> {
    let message = message(request, &fates);
    let decided = request.commands.iter().zip(fates);
    let results: Vec<_> = decided.map(|(command, fate)| result(command, fate.err())).collect();
    report(request, Ok(()), &results, &message)
}

/// What the person sees behind `remote:`, in the words of the original.
fn message(request: &PushRequest, fates: &[Fate]) -> String {
    let mut decided = request.commands.iter().zip(fates);
    let boot = decided.find(|(command, _)| command.name == BOOT);
    match boot {
        Some((_, Ok(Applied { head: Some(head), .. }))) => {
            format!("Committed revision {}.\n", head.revision)
        }
        _ => String::new(),
    }
}

fn result(command: &RefCommand, refused: Option<String>) -> RefResult {
    RefResult { name: command.name.clone(), refused }
}

fn paths(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Allowed { paths, more: 0 } => paths.join(" "),
        Verdict::Allowed { paths, more } => format!("{} and {more} more", paths.join(" ")),
        Verdict::Refused(_) => String::new(),
    }
}
