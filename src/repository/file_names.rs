//! Which names files and directories may have.

/// The longest name of a file or directory, in bytes: Linux's NAME_MAX.
const MAX_NAME: usize = 255;
/// The longest path within a repository, in bytes.
pub(super) const MAX_PATH: usize = 1024;

/// Checks the last name of a path, and the path's length. Fails with what is wrong with it.
pub(super) fn check(name: &[u8], path: &[u8]) -> Result<(), &'static str> {
    let Ok(text) = std::str::from_utf8(name) else {
        return Err("has a name that is not UTF-8");
    };
    if text.is_empty() || text == "." || text == ".." || is_dot_git(text) {
        return Err("has a name that no file may have");
    }
    if text.eq_ignore_ascii_case(".gitmodules") {
        return Err("tells of submodules, which no node could fetch");
    }
    if text.contains('/') || text.chars().any(char::is_control) {
        return Err("has a slash or a control character in its name");
    }
    if name.len() > MAX_NAME || path.len() > MAX_PATH {
        return Err("has a name that is too long");
    }
    Ok(())
}

/// Whether some file system takes the name for `.git`: git checks out such a file on none of them
/// (`is_hfs_dotgit` in its utf8.c, `is_ntfs_dotgit` in its path.c).
fn is_dot_git(name: &str) -> bool {
    let visible: String = name.chars().filter(|&c| !is_ignored_by_hfs(c)).collect();
    visible.split('\\').any(|part| {
        let part = part.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
        part.eq_ignore_ascii_case(".git") || part.eq_ignore_ascii_case("git~1")
    })
}

fn is_ignored_by_hfs(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}
