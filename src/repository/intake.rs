//! How much a pushed pack may be and cost.

use crate::libgit2::{MAX_OBJECT, MAX_OBJECTS};

/// The limits of one pack. What it unpacks to is a thousand times its size, if somebody wants that.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Bytes of the pack itself.
    pub packed: u64,
    /// Objects in it.
    pub objects: usize,
    /// Bytes of one object.
    pub object: u64,
    /// Bytes of all objects.
    pub unpacked: u64,
    /// Bytes that are made on the way, when each object is made of the one before it for itself.
    pub work: u64,
    /// Bytes that are held at a time because others are made of them.
    pub held: u64,
    /// Objects that are made of another one which is named and not found by its place: to put them
    /// in order, libgit2 may look at each of them as often as there are any.
    pub named_bases: usize,
}

impl Allowance {
    /// What administrators may push, and what is made here.
    pub const ADMINISTRATOR: Self = Self {
        packed: 2 << 30,
        objects: MAX_OBJECTS,
        object: MAX_OBJECT as u64,
        unpacked: 8 << 30,
        work: 1 << 40,
        held: 512 << 20,
        named_bases: MAX_OBJECTS,
    };
    /// What the accounts of nodes may push: their running configuration, which is small.
    pub const NODE: Self = Self {
        packed: 64 << 20,
        objects: 50_000,
        object: 8 << 20,
        unpacked: 256 << 20,
        work: 1 << 30,
        held: 16 << 20,
        named_bases: 4_096,
    };
}

/// A pack that is to be taken in.
pub struct Intake<'a> {
    /// How much it may be.
    pub allowance: Allowance,
    /// Whether anybody still waits for what becomes of it. Looked at all the time.
    pub is_wanted: &'a dyn Fn() -> bool,
}

impl Intake<'static> {
    /// One that was made here.
    pub(super) const OWN: Self = Self { allowance: Allowance::ADMINISTRATOR, is_wanted: &|| true };
}
