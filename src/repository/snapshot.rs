//! What readers see of a repository: immutable, replaced as a whole.

use git2::{ErrorCode, ObjectType, Oid, Repository};

use super::{BOOT, Error, Head, Name, Orders, RUNNING, branch};
use crate::protocol::{Advertised, Id};

/// All references at one moment, sorted by name, and the head.
#[derive(Debug, Default)]
pub struct Snapshot {
    refs: Vec<RefValue>,
    /// The newest revision; none in an empty repository.
    pub head: Option<Head>,
    /// What administrators have ordered.
    pub orders: Orders,
}

/// A reference's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefValue {
    /// The full name.
    pub name: String,
    /// The object it names.
    pub target: Id,
    /// What an annotated tag finally points to.
    pub peeled: Option<Id>,
}

impl RefValue {
    /// Reads what `target` peels to.
    pub(super) fn read(repository: &Repository, name: String, target: Id) -> Result<Self, Error> {
        let (_, kind) = repository.odb()?.read_header(target.into())?;
        let peeled = match kind {
            ObjectType::Tag => {
                let tag = repository.find_tag(target.into())?;
                Some(tag.into_object().peel(ObjectType::Any)?.id().into())
            }
            _ => None,
        };
        Ok(Self { name, target, peeled })
    }
}

impl Snapshot {
    pub(super) fn new(mut refs: Vec<RefValue>, head: Option<Head>, orders: Orders) -> Self {
        refs.sort_by(|a, b| a.name.cmp(&b.name));
        Self { refs, head, orders }
    }

    /// The same with other orders.
    pub(super) fn with(&self, orders: Orders) -> Self {
        Self { refs: self.refs.clone(), head: self.head, orders }
    }

    /// Reads all branches and tags of a repository. One that leads nowhere is left out, as git
    /// does; without `boot` there is nothing to serve.
    pub(super) fn read_refs(
        repository: &Repository,
        subcluster: &Name,
    ) -> Result<Vec<RefValue>, Error> {
        // libgit2 passes over references that it cannot read, and without the live configuration
        // the repository would look like a new one.
        for kept in [BOOT, RUNNING] {
            ref_on_disk(repository, kept)?;
        }
        let mut refs = Vec::new();
        for reference in repository.references()? {
            let reference = reference?;
            // Symbolic references and names that are not UTF-8 do not come from here.
            let (Ok(name), Some(target)) = (reference.name(), reference.target()) else { continue };
            if !branch::is_allowed(name) {
                continue;
            }
            match RefValue::read(repository, name.to_owned(), target.into()) {
                Ok(value) => refs.push(value),
                Err(error) if name == BOOT => return Err(error),
                Err(error) => tracing::warn!(
                    %subcluster,
                    reference = name,
                    "{name} of subcluster {subcluster} leads nowhere and is not served: {error}",
                ),
            }
        }
        Ok(refs)
    }

    /// The references, sorted by name.
    pub fn refs(&self) -> &[RefValue] {
        &self.refs
    }

    /// The reference of this full name.
    pub fn get(&self, name: &str) -> Option<&RefValue> {
        self.refs
            .binary_search_by(|reference| reference.name.as_str().cmp(name))
            .ok()
            .map(|index| &self.refs[index])
    }

    /// The branch of this name.
    pub fn branch(&self, name: &str) -> Option<&RefValue> {
        self.refs
            .binary_search_by(|reference| reference.name.bytes().cmp(full_name(name)))
            .ok()
            .map(|index| &self.refs[index])
    }

    /// What the references lead to.
    pub(super) fn commits(&self) -> impl Iterator<Item = Oid> {
        self.refs.iter().map(|reference| reference.peeled.unwrap_or(reference.target).into())
    }

    /// The references as git clients are told of them.
    pub fn advertised(&self) -> impl Iterator<Item = Advertised<'_>> + Clone {
        self.refs.iter().map(|reference| Advertised {
            name: &reference.name,
            target: reference.target,
            peeled: reference.peeled,
        })
    }
}

/// The bytes of a branch's full name.
fn full_name(branch: &str) -> impl Iterator<Item = u8> {
    "refs/heads/".bytes().chain(branch.bytes())
}

/// The value of a reference as it is on disk now.
pub(super) fn ref_on_disk(repository: &Repository, name: &str) -> Result<Id, Error> {
    match repository.find_reference(name) {
        Ok(reference) => Ok(reference.target().map_or(Id::ZERO, Id::from)),
        Err(e) if e.code() == ErrorCode::NotFound => Ok(Id::ZERO),
        Err(e) => Err(e.into()),
    }
}
