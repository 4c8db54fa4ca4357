//! The commands of docs/backup.md, word for word, on a server below a directory of its own.

use std::process::Command;

use crate::fixture::{BINARY, succeeds};

const PAGE: &str = include_str!("../../docs/backup.md");

/// What stands for the service manager, and for the program in its usual place.
const PRELUDE: &str = r#"
set -euo pipefail
ecconfigd() { "$BINARY" --root "$ROOT" "$@"; }
systemctl() {
    case $1 in
        stop) kill "$pid" && wait "$pid" ;;
        start)
            : > "$LOG"
            "$BINARY" --root "$ROOT" --debug --listen 127.0.0.1:0 2> "$LOG" &
            pid=$!
            grep --quiet --max-count=1 ' started: ' <(tail --pid="$pid" --follow "$LOG")
            ;;
    esac
}
trap 'kill "$pid"' EXIT
systemctl start ecconfigd
"#;

#[test]
fn the_commands_of_the_page_work_as_they_are_printed() {
    let blocks = PAGE.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let blocks: Vec<&str> = blocks.collect();
    assert!(blocks.len() >= 4, "the page has lost its commands");
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    let home = dir.path().to_str().unwrap();
    let state = root.join("var/ecconfigd");
    let commands = blocks
        .concat()
        .replace("/root/", &format!("{home}/"))
        .replace("-C /root", &format!("-C {home}"));
    let commands = commands.replace("/var/ecconfigd", state.to_str().unwrap());
    let output = Command::new("timeout")
        .args(["60", "bash", "-c", &format!("{PRELUDE}{commands}\necconfigd verify")])
        .env("BINARY", BINARY)
        .env("ROOT", &root)
        .env("LOG", dir.path().join("log"))
        .env_remove("EXTRA_ARGS")
        .output()
        .unwrap();
    let told = succeeds(output);
    assert_eq!(told.matches("default                  revision 1,").count(), 4, "{told}");
    assert!(told.contains("ecelerity.conf"), "{told}");
}
