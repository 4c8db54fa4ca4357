//! `/nodes`: what nodes say of themselves when they ask whether there is anything new.

mod file;
mod known;
mod list;
mod word;

pub(super) use file::read;
pub(super) use known::Nodes;
pub(super) use list::get;
pub(super) use word::Word;
