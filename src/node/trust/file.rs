//! The files in `etc/.eccfg`.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use nix::libc::{O_DIRECTORY, O_NOFOLLOW};

use super::Pin;

use crate::node::owner;
use crate::node::remote::Error;

const HEAD: &str = "\
# The keys of the configuration servers that this machine trusts, and where each was first met.
# Written by eccfg: `eccfg trust HOST:PORT` accepts another one.
";

/// The pins in a text; the error is the number of the first line that holds none.
pub(super) fn parse(text: &str) -> Result<Vec<Pin>, usize> {
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(index, line)| pin(line).ok_or(index + 1)).collect()
}

fn pin(line: &str) -> Option<Pin> {
    let mut words = line.split_whitespace();
    let (key, address) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    words.next().is_none().then_some(Pin { key, address })
}

pub(super) fn text(pins: &[Pin]) -> String {
    let lines = pins.iter().map(|Pin { key, address }| format!("{key} {address}\n"));
    HEAD.to_owned() + &lines.collect::<String>()
}

/// The text of a file; none if it is not there.
pub(super) fn read(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::Local(format!(
            "{} cannot be read ({error}): check its owner and mode",
            path.display()
        ))),
    }
}

pub(super) fn delete(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(not_written(path, &error)),
        _ => Ok(()),
    }
}

pub(super) fn make_directory(path: &Path) -> Result<(), Error> {
    make(path).map_err(|error| not_written(path, &error))
}

fn make(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        made => made?,
    }
    let mut options = File::options();
    let directory = options.read(true).custom_flags(O_DIRECTORY | O_NOFOLLOW).open(path)?;
    // Afterwards, because the umask takes bits from the mode at creation.
    directory.set_permissions(Permissions::from_mode(0o755))?;
    owner().map_or(Ok(()), |owner| owner.take(&directory))
}

pub(super) fn not_written(path: &Path, error: &io::Error) -> Error {
    Error::Local(format!(
        "{} cannot be written ({error}): check the owner, mode and free space of its directory",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::momentum::Address;

    #[test]
    fn what_is_written_is_read_and_remarks_are_passed_over() {
        let line = format!("sha256//{}= [2001:db8::7]:2028", "A".repeat(43));
        let pins = parse(&format!("# mine\n\n  {line}\r\n")).unwrap();
        assert_eq!(pins[0].address, "[2001:db8::7]:2028".parse::<Address>().unwrap());
        assert_eq!(parse(&text(&pins)).unwrap(), pins);
        for bad in ["sha256//AAAA mgr:2027", &line[..52], &format!("{line} more")] {
            assert_eq!(parse(&format!("# mine\n{bad}")), Err(2), "{bad}");
        }
    }
}
