//! What the working copy is of.

use crate::fixture::Server;
use crate::machine::Machine;

#[test]
fn the_lines_are_those_that_scripts_know() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.commit_file("default/new.conf", "1\n");
    let info = machine.ok("info");
    let first = machine.git(".", &["rev-list", "--max-parents=0", "HEAD"]);
    let date = machine.git(".", &["log", "-1", "--format=%cd", "--date=iso"]);
    let head = machine.git(".", &["rev-parse", "HEAD"]);
    let (path, root) = (machine.conf.display(), server.url("/config/default"));
    assert_eq!(
        info,
        format!(
            "Path: {path}\n\
             Subcluster: default\n\
             URL: {root}/boot\n\
             Repository Root: {root}\n\
             Repository UUID: {first}\
             Revision: 2\n\
             Last Changed Author: admin\n\
             Last Changed Rev: 2\n\
             Last Changed Date: {date}\
             Commit: {head}"
        )
    );
    assert_eq!(machine.ok("info --quiet"), info);
}
