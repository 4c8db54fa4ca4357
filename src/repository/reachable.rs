//! All objects that some of them lead to.

use std::collections::HashSet;

use git2::{ErrorCode, ObjectType, Oid, Repository};

use super::Error;

/// What is done with the content of files. Everything else is read in any case, and what is read is
/// compared with its id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Files {
    /// They must be there.
    Exist,
    /// They are read.
    AreRead,
}

/// Walks through all that `tips` lead to, and shows each object to `found` once. Fails with
/// [`Error::Unsound`] at the first one that is missing.
pub(super) fn walk(
    repository: &Repository,
    tips: impl IntoIterator<Item = Oid>,
    files: Files,
    mut found: impl FnMut(Oid) -> Result<(), Error>,
) -> Result<(), Error> {
    let odb = repository.odb()?;
    let mut seen = HashSet::new();
    let mut todo: Vec<(Oid, Option<ObjectType>)> = tips.into_iter().map(|id| (id, None)).collect();
    while let Some((id, kind)) = todo.pop() {
        if !seen.insert(id) {
            continue;
        }
        found(id)?;
        let missing = |error| missing(error, id);
        let kind = match kind {
            Some(kind) => kind,
            None => odb.read_header(id).map_err(missing)?.1,
        };
        match kind {
            ObjectType::Commit => {
                let commit = repository.find_commit(id).map_err(missing)?;
                todo.push((commit.tree_id(), Some(ObjectType::Tree)));
                todo.extend(commit.parent_ids().map(|id| (id, Some(ObjectType::Commit))));
            }
            ObjectType::Tree => {
                let tree = repository.find_tree(id).map_err(missing)?;
                // A commit in a tree is a submodule's, which is kept elsewhere.
                let here = tree.iter().filter(|entry| entry.kind() != Some(ObjectType::Commit));
                todo.extend(here.map(|entry| (entry.id(), entry.kind())));
            }
            ObjectType::Tag => {
                let tag = repository.find_tag(id).map_err(missing)?;
                todo.push((tag.target_id(), tag.target_type()));
            }
            _ if files == Files::AreRead => drop(odb.read(id).map_err(missing)?),
            _ if odb.exists(id) => {}
            _ => return Err(gone(id)),
        }
    }
    Ok(())
}

fn missing(error: git2::Error, id: Oid) -> Error {
    match error.code() {
        ErrorCode::NotFound => gone(id),
        _ => Error::Unsound(format!("the object {id} cannot be read: {}", error.message())),
    }
}

fn gone(id: Oid) -> Error {
    Error::Unsound(format!("the object {id} is missing"))
}
