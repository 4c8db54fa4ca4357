//! What all commands have in common: options, how they are written, how it ends.

use crate::fixture::{Server, succeeds, text};
use crate::machine::Machine;

#[test]
fn options_may_be_shortened_and_have_one_hyphen() {
    let server = Server::start();
    let machine = Machine::of(&server);
    for (number, line) in [
        "commit -m why",
        "commit --mess why",
        "commit -message=why",
        "commit --m why",
        "-q commit -mess why",
        "commit -m -why",
        "commit -mess -debug -quiet",
        "commit -uadmin -m why",
        "commit -user admin -m why --del",
    ]
    .into_iter()
    .enumerate()
    {
        machine.write("default/common.conf", format!("{number}\n"));
        machine.ok(line);
        assert_eq!(server.revision("default"), number + 2, "{line}");
    }
    assert_eq!(machine.ok("log -n 3 default").matches("\n-debug\n").count(), 1);
}

#[test]
fn the_password_option_may_be_shortened_in_every_way() {
    let server = Server::start();
    let machine = Machine::of(&server);
    for option in ["-p", "--p", "-pass", "--passw", "-password"] {
        let said = machine.fails(3, &format!("pull {option} -wrong"));
        assert!(said.contains("admin"), "{said}");
    }
}

#[test]
fn what_cannot_be_understood_is_2_and_help_is_0() {
    let server = Server::start();
    let machine = Machine::new(&server);
    for line in ["", "nonsense", "pull --nonsense", "--quiet --debug status", "delete", "pull -m"] {
        machine.fails(2, line);
    }
    for line in ["--help", "-h", "-help", "--version", "-V", "pull --help"] {
        assert!(!machine.ok(line).is_empty(), "{line}");
    }
}

#[test]
fn a_reader_that_goes_away_does_no_harm_and_a_full_disk_is_told() {
    let server = Server::start();
    let machine = Machine::of(&server);
    let mut gone = machine.eccfg(&["cat", "default/ecelerity.conf"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(succeeds(gone.stdout(writer).output().unwrap()), "");
    let mut full = machine.eccfg(&["cat", "default/ecelerity.conf"]);
    full.stdout(std::fs::File::create("/dev/full").unwrap());
    let output = full.output().unwrap();
    assert_eq!(output.status.code(), Some(6));
    assert!(text(&output).contains("the disk is full"), "{}", text(&output));
}
