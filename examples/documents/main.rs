//! Writes what is made from the command lines' definitions: manual pages and completions.
//!
//! `cargo run --example documents -- DIRECTORY`

mod commands;
mod page;

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use clap_complete::{Shell, generate};

fn main() -> io::Result<()> {
    let usage = "usage: documents DIRECTORY";
    let directory = env::args_os().nth(1).map(PathBuf::from).ok_or(io::Error::other(usage))?;
    pages(&directory.join("man"))?;
    completions(&directory.join("completions"))
}

fn pages(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for (command, by_hand) in commands::all() {
        let name = format!("{}.8", command.get_name());
        fs::write(directory.join(name), page::page(command, by_hand)?)?;
    }
    Ok(())
}

/// A directory for each shell, with the names under which it looks for them.
fn completions(directory: &Path) -> io::Result<()> {
    for (mut command, _) in commands::all() {
        let name = command.get_name().to_owned();
        let files = [
            (Shell::Bash, format!("bash/{name}")),
            (Shell::Fish, format!("fish/{name}.fish")),
            (Shell::Zsh, format!("zsh/_{name}")),
        ];
        for (shell, file) in files {
            let path = directory.join(file);
            fs::create_dir_all(path.parent().expect("each shell has a directory"))?;
            generate(shell, &mut command, &name, &mut fs::File::create(path)?);
        }
    }
    Ok(())
}
