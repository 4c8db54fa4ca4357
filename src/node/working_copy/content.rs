//! What comes of one file that was changed here and upstream.

use git2::{FileFavor, MergeFileOptions, Repository};

use super::listing::{FILE, Leaf, index_entry};
use super::merge::Strategy;
use crate::node::Error;

/// That of git's markers.
pub const MARKER_SIZE: u16 = 7;

/// Merges content and mode of a file that is there on both sides, and was perhaps before. Tells
/// whether nobody need be asked; otherwise what overlaps stands there with markers, or the local
/// side where those make no sense.
pub fn merge(
    repository: &Repository,
    base: Option<Leaf>,
    [local, upstream]: [Leaf; 2],
    strategy: Strategy,
    marker_size: u16,
) -> Result<(Leaf, bool), Error> {
    let (mode, is_decided) = merge_modes(base, local, upstream);
    let id = base.map(|base| base.id);
    if local.id == upstream.id || id == Some(upstream.id) {
        return Ok((Leaf { id: local.id, mode }, is_decided));
    }
    if id == Some(local.id) {
        return Ok((Leaf { id: upstream.id, mode }, is_decided));
    }
    // Without a common past of their kind both have all lines for themselves.
    let base = base.filter(|base| base.is_link() == local.is_link());
    for leaf in [base, Some(local), Some(upstream)].into_iter().flatten() {
        if leaf.is_link() || is_binary(repository, leaf)? {
            let (id, is_chosen) = match strategy {
                Strategy::Mine => (local.id, true),
                Strategy::Theirs => (upstream.id, true),
                Strategy::Refuse | Strategy::Manual => (local.id, false),
            };
            return Ok((Leaf { id, mode }, is_decided && is_chosen));
        }
    }
    let (id, is_merged) = merge_lines(repository, base, [local, upstream], strategy, marker_size)?;
    Ok((Leaf { id, mode }, is_decided && is_merged))
}

fn merge_modes(base: Option<Leaf>, local: Leaf, upstream: Leaf) -> (u32, bool) {
    let base = base.map(|base| base.mode);
    match local.mode == upstream.mode || base == Some(local.mode) {
        true => (upstream.mode, true),
        false => (local.mode, base == Some(upstream.mode)),
    }
}

/// As git sees it.
fn is_binary(repository: &Repository, leaf: Leaf) -> Result<bool, git2::Error> {
    const LOOKED_AT: usize = 8000;
    let blob = repository.find_blob(leaf.id)?;
    Ok(blob.content().iter().take(LOOKED_AT).any(|&byte| byte == 0))
}

fn merge_lines(
    repository: &Repository,
    base: Option<Leaf>,
    [local, upstream]: [Leaf; 2],
    strategy: Strategy,
    marker_size: u16,
) -> Result<(git2::Oid, bool), Error> {
    let mut options = MergeFileOptions::new();
    options
        .ancestor_label("base")
        .our_label("local")
        .their_label("upstream")
        .marker_size(marker_size)
        .style_diff3(base.is_some());
    match strategy {
        Strategy::Mine => _ = options.favor(FileFavor::Ours),
        Strategy::Theirs => _ = options.favor(FileFavor::Theirs),
        Strategy::Refuse | Strategy::Manual => {}
    }
    let nothing = Leaf { id: repository.blob(b"")?, mode: FILE };
    let entry = |leaf| index_entry(b"file".to_vec(), leaf, 0);
    let (base, ours, theirs) = (entry(base.unwrap_or(nothing)), entry(local), entry(upstream));
    let merged = repository.merge_file_from_index(&base, &ours, &theirs, Some(&mut options))?;
    Ok((repository.blob(merged.content())?, merged.is_automergeable()))
}

/// Merges the content of one file; `None` if the changes overlap or are no text.
pub fn merge_file(
    repository: &Repository,
    [base, local, upstream]: [Leaf; 3],
) -> Result<Option<Leaf>, Error> {
    if [base, local, upstream].into_iter().any(Leaf::is_link) {
        return Ok(None);
    }
    let (merged, is_decided) =
        merge(repository, Some(base), [local, upstream], Strategy::Refuse, MARKER_SIZE)?;
    Ok(is_decided.then_some(Leaf { mode: local.mode, ..merged }))
}
