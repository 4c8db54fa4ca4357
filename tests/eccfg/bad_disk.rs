//! A disk below the working copy that is full, or was made read-only: what to do is told, the files
//! are as they were, and the next pull succeeds.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::fixture::{Server, private_mounts};
use crate::machine::{ECCFG, Machine};

/// Bootstraps on a small disk of its own and waits; then spoils the disk, pulls, mends it, pulls.
const SCRIPT: &str = r#"
root=$1 fingerprint=$2 server=$3 spoil=$4 mend=$5
eccfg() { "$ECCFG" --root "$root" "$@" 2>&1; }
mkdir -p "$root" && mount -t tmpfs -o size=8m small "$root" || exit 99
cd "$root"
eccfg bootstrap -u admin --fingerprint "$fingerprint" "$server" >/dev/null
conf=$root/opt/msys/ecelerity/etc/conf
echo local >"$conf/local.conf"
echo ready
read -r _
(cd "$conf" && find . -type f -exec cksum {} + | sort) >"$root/../before"
eval "$spoil"
eccfg pull -u admin
echo "code $?"
(cd "$conf" && find . -type f -exec cksum {} + | sort) | cmp - "$root/../before" && echo the same
eval "$mend"
eccfg pull -u admin >/dev/null && echo "now $(wc -c <"$conf/big.conf")"
eccfg status
find "$root" -name 'incoming-*' -o -name '.conf.*'
"#;

const BIG: usize = 3 << 20;
/// The file is new, or another one takes its place.
const BEFORE: [&[&str]; 2] = [&[], &["small\n"]];

#[test]
fn a_disk_without_room_for_what_is_sent_is_told() {
    for before in BEFORE {
        let Some(said) = pull_on_a_bad_disk(
            before,
            "cat /dev/zero >filler 2>/dev/null; truncate -s -20000 filler",
            "rm filler",
        ) else {
            return;
        };
        assert!(said.contains("the disk is full: make room and try again"), "{said}");
    }
}

#[test]
fn a_disk_without_room_for_the_new_tree_is_told() {
    for before in BEFORE {
        let Some(said) = pull_on_a_bad_disk(
            before,
            "cat /dev/zero >filler 2>/dev/null; truncate -s -1000000 filler",
            "rm filler",
        ) else {
            return;
        };
        assert!(said.contains("big.conf: the disk is full: make room and try again"), "{said}");
    }
}

#[test]
fn a_disk_that_became_read_only_is_told() {
    for before in BEFORE {
        let (spoil, mend) = ("mount -o remount,ro \"$root\"", "mount -o remount,rw \"$root\"");
        let Some(said) = pull_on_a_bad_disk(before, spoil, mend) else { return };
        let expected = "the file system is read-only: mount it writable and try again";
        assert!(said.contains(expected), "{said}");
    }
}

/// What the pull says. `None` where there are no private mounts.
fn pull_on_a_bad_disk(before: &[&str], spoil: &str, mend: &str) -> Option<String> {
    let wrapper = private_mounts()?;
    let server = Server::start();
    for content in before {
        server.git().clone_of("default").push_file("big.conf", content);
    }
    let machine = Machine::new(&server);
    let mut child = Command::new(&wrapper[0])
        .args(&wrapper[1..])
        .args(["sh", "-c", SCRIPT, "sh"])
        .arg(&machine.root)
        .args([&machine.fingerprint, &machine.server, spoil, mend])
        .env("ECCFG", ECCFG)
        .env("ECCFG_PASSWORD", &machine.password)
        .env("ECCFG_RELOAD", "true")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().as_deref(), Some("ready"));
    // A pack of it has room where the file has not.
    server.git().clone_of("default").push_file("big.conf", vec![b'#'; BIG]);
    writeln!(child.stdin.take().unwrap(), "go on").unwrap();
    let said: Vec<String> = lines.collect();
    child.wait().unwrap();
    let after = ["code 6", "the same", &format!("now {BIG}"), "?    local.conf"];
    assert_eq!(said[said.len() - after.len()..], after, "{said:#?}");
    Some(said.join("\n"))
}
