//! Revisions: the first parents of the live configuration, counted from its beginning.

use git2::{Commit, Oid, Repository, Sort};
use time::{OffsetDateTime, UtcOffset};

use super::Error;

/// A revision and its number.
pub struct Revision<'r> {
    pub number: usize,
    pub commit: Commit<'r>,
}

/// Those up to this commit, the newest first.
pub fn revisions(repository: &Repository, newest: Oid) -> Result<Vec<Oid>, Error> {
    let mut walk = repository.revwalk()?;
    walk.set_sorting(Sort::TOPOLOGICAL)?;
    walk.simplify_first_parent()?;
    walk.push(newest)?;
    Ok(walk.collect::<Result<_, _>>()?)
}

/// The one that is meant by a number, or by seven digits or more of a commit's id.
pub fn find<'r>(
    repository: &'r Repository,
    newest: Oid,
    text: &str,
) -> Result<Revision<'r>, Error> {
    let all = revisions(repository, newest)?;
    let unknown = || {
        Error::Refused(format!(
            "there is no revision {text}; the newest that this node knows is {}; eccfg pull \
             brings newer ones",
            all.len()
        ))
    };
    let digits = text.strip_prefix('r').unwrap_or(text);
    let id_digits = text.to_ascii_lowercase();
    let position = match digits.parse::<usize>() {
        Ok(number @ 1..) if digits.len() < 7 => all.len().checked_sub(number),
        _ if digits.len() >= 7 => all.iter().position(|id| id.to_string().starts_with(&id_digits)),
        _ => None,
    };
    let position = position.ok_or_else(unknown)?;
    let commit = repository.find_commit(all[position])?;
    Ok(Revision { number: all.len() - position, commit })
}

/// A moment as people read it, in the zone it was written in: `2026-11-22 18:03:02 +0000`.
pub fn time(time: git2::Time) -> String {
    let zone = UtcOffset::from_whole_seconds(time.offset_minutes() * 60).unwrap_or(UtcOffset::UTC);
    let Ok(moment) = OffsetDateTime::from_unix_timestamp(time.seconds()) else {
        return format!("{} seconds after 1970", time.seconds());
    };
    let moment = moment.to_offset(zone);
    let (hours, minutes, _) = zone.as_hms();
    format!(
        "{} {:02}:{:02}:{:02} {}{:02}{:02}",
        moment.date(),
        moment.hour(),
        moment.minute(),
        moment.second(),
        if zone.is_negative() { '-' } else { '+' },
        hours.abs(),
        minutes.abs(),
    )
}
