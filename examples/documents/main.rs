//! Writes what is made from the command lines' definitions: manual pages and completions.
//!
//! `cargo run --example documents -- DIRECTORY`

mod commands;
mod page;

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use clap_complete::{Shell, generate_to};

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

/// Each shell has its own way to name the files.
fn completions(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for (mut command, _) in commands::all() {
        let name = command.get_name().to_owned();
        for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
            generate_to(shell, &mut command, &name, directory)?;
        }
    }
    Ok(())
}
