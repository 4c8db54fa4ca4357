//! Files that nobody chose, and what people do to them.

use super::draw::Draw;
use super::tree::{EXECUTABLE, File, LINK, PLAIN, Tree, place};
use crate::fixture::Random;

/// Few, so that both sides often mean the same one. Some are directories of others.
const PATHS: [&str; 14] = [
    "a.conf",
    "b.conf",
    "c.conf",
    "d/a.conf",
    "d/b.conf",
    "d/e/a.conf",
    "d/e/b.conf",
    "d/e/f/g",
    "h/with space.conf",
    "h/ü.conf",
    "i",
    "j/k",
    "l",
    "m/n/o",
];

/// What both sides begin with.
pub fn base(random: &mut Random) -> Tree {
    let mut tree = Tree::new();
    for path in PATHS {
        if random.happens(0.7) {
            let file = file(random);
            place(&mut tree, path, file);
        }
    }
    tree
}

/// What somebody makes of it who touches this share of the files.
pub fn edited(random: &mut Random, before: &Tree, share: f64) -> Tree {
    let mut tree = before.clone();
    for path in before.keys() {
        // Something else may have taken its place.
        if random.happens(share) && tree.get(path) == before.get(path) {
            touch(random, &mut tree, path);
        }
    }
    while random.happens(share) {
        let path = *random.pick(&PATHS);
        let file = match random.below(3) {
            0 => file(random),
            1 => both_sides(path),
            _ => content_edited(random, both_sides(path)),
        };
        place(&mut tree, path, file);
    }
    tree
}

/// What somebody makes of it who changes one file that is there, or its mode.
pub fn one_edited(random: &mut Random, before: &Tree) -> Tree {
    let mut tree = before.clone();
    let files: Vec<&String> = before.keys().filter(|path| before[*path].mode != LINK).collect();
    if !files.is_empty() {
        let path = (*random.pick(&files)).clone();
        let file = before[&path].clone();
        let edited = match random.below(4) {
            0 => mode_changed(file),
            1 => rewritten(random, file),
            _ => content_edited(random, file),
        };
        tree.insert(path, edited);
    }
    tree
}

fn touch(random: &mut Random, tree: &mut Tree, path: &str) {
    let file = tree[path].clone();
    match random.below(20) {
        0..=7 => _ = tree.insert(path.to_owned(), content_edited(random, file)),
        8..=9 => _ = tree.insert(path.to_owned(), rewritten(random, file)),
        10..=11 => _ = tree.remove(path),
        12..=13 => _ = tree.insert(path.to_owned(), mode_changed(file)),
        14 => move_to(random, tree, path, file),
        15..=16 => {
            let edited = content_edited(random, file);
            move_to(random, tree, path, edited);
        }
        // Where it cannot follow the file into the directory, as it does not follow empty ones, git
        // sees a conflict even if the other side left the file as it was.
        17 if file.mode != LINK && !file.content.is_empty() => {
            place(tree, &format!("{path}/inside"), file)
        }
        18 if file.mode != LINK => {
            let above = path.rsplit_once('/').map_or(path, |(above, _)| above);
            place(tree, above, file);
        }
        _ => {
            let file = if file.mode == LINK { text(random) } else { link(random) };
            tree.insert(path.to_owned(), file);
        }
    }
}

fn move_to(random: &mut Random, tree: &mut Tree, path: &str, file: File) {
    let to = *random.pick(&PATHS);
    // libgit2 does not follow a link to another name.
    if to != path && file.mode != LINK {
        tree.remove(path);
        place(tree, to, file);
    }
}

fn file(random: &mut Random) -> File {
    match random.below(12) {
        0 => File { mode: PLAIN, content: Vec::new() },
        1 => File { mode: PLAIN, content: vec![0, 1, 0xff, random.below(256) as u8] },
        2 => File { mode: PLAIN, content: format!("{}\n", word(random)).into() },
        3 => mode_changed(text(random)),
        4 => link(random),
        5 => with_line_ends(text(random)),
        6 => without_last_newline(text(random)),
        _ => text(random),
    }
}

fn text(random: &mut Random) -> File {
    let lines: Vec<String> = (0..12 + random.below(12)).map(|_| line(random)).collect();
    File { mode: PLAIN, content: lines.concat().into() }
}

fn link(random: &mut Random) -> File {
    File { mode: LINK, content: word(random).into() }
}

/// What both sides may come to by themselves.
fn both_sides(path: &str) -> File {
    let lines: Vec<String> = (0..12).map(|number| format!("{path} {number}\n")).collect();
    File { mode: PLAIN, content: lines.concat().into() }
}

fn line(random: &mut Random) -> String {
    format!("{} = {}\n", word(random), word(random))
}

fn word(random: &mut Random) -> String {
    format!("{:08x}", random.below(1 << 32))
}

fn mode_changed(file: File) -> File {
    match file.mode {
        PLAIN => File { mode: EXECUTABLE, ..file },
        EXECUTABLE => File { mode: PLAIN, ..file },
        _ => file,
    }
}

/// Up to three places are changed, or one that the other side may change too.
fn content_edited(random: &mut Random, mut file: File) -> File {
    let mut lines: Vec<Vec<u8>> =
        file.content.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    if file.mode == LINK || lines.is_empty() {
        file.content = word(random).into();
        return file;
    }
    if random.happens(0.2) {
        lines[0] = b"the same on both sides\n".to_vec();
    } else {
        for _ in 0..=random.below(3) {
            edit_line(random, &mut lines);
        }
    }
    file.content = lines.concat();
    file
}

fn edit_line(random: &mut Random, lines: &mut Vec<Vec<u8>>) {
    let at = random.below(lines.len());
    let new = line(random).into_bytes();
    match random.below(4) {
        0 => lines.insert(at, new),
        1 => lines.push(new),
        2 if lines.len() > 1 => _ = lines.remove(at),
        _ => lines[at] = new,
    }
}

fn rewritten(random: &mut Random, file: File) -> File {
    match random.below(4) {
        _ if file.mode == LINK => link(random),
        0 => File { content: Vec::new(), ..file },
        1 => with_line_ends(file),
        2 => without_last_newline(file),
        _ => File { content: [&file.content[..], b"\0binary\n"].concat(), ..file },
    }
}

fn with_line_ends(mut file: File) -> File {
    let lines = file.content.split_inclusive(|&byte| byte == b'\n');
    let ended = lines.map(|line| match line {
        [line @ .., b'\r', b'\n'] | [line @ .., b'\n'] => [line, b"\r\n"].concat(),
        line => line.to_vec(),
    });
    file.content = ended.collect::<Vec<_>>().concat();
    file
}

fn without_last_newline(mut file: File) -> File {
    if file.content.ends_with(b"\n") {
        file.content.pop();
    }
    file
}
