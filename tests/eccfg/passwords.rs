//! Where passwords come from, and where they must not be seen.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;

use ecconfigd::layout::Layout;
use ecconfigd::node::password::{keep, stored};
use ecconfigd::node::trust::{First, Trust};
use headers::authorization::Credentials;
use tempfile::TempDir;

use crate::fake::{Fake, json};
use crate::fixture::{answers_unseen, fails, succeeds};

const ECCFG: &str = env!("CARGO_BIN_EXE_eccfg");

/// An installation that trusts this server and takes its configuration from there.
fn installation(fake: &Fake) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::new(dir.path());
    fs::create_dir_all(layout.etc()).unwrap();
    let mut trust = Trust::nobody();
    trust.accept(&fake.address, First::Fingerprint(fake.certificate)).unwrap();
    trust.save(&layout).unwrap();
    let boot = format!("cluster_name=default\nrepo={}\n", fake.address);
    fs::write(layout.cluster_boot(), boot).unwrap();
    dir
}

fn eccfg(dir: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(ECCFG);
    command
        .env_remove("ECCFG_PASSWORD")
        .env("USER", "jane")
        .stdin(Stdio::null())
        .arg("--root")
        .arg(dir.path())
        .args(arguments);
    command
}

const ASK: [&str; 2] = ["subcluster", "clusters"];

/// Name and password of the last request.
#[track_caller]
fn asked_as(fake: &Fake) -> (String, String) {
    let requests = fake.requests();
    let head = requests.last().expect("nothing was asked");
    let value = head.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap();
    let basic = headers::authorization::Basic::decode(&value.parse().unwrap()).unwrap();
    (basic.username().to_owned(), basic.password().to_owned())
}

fn jane(password: &str) -> (String, String) {
    ("jane".to_owned(), password.to_owned())
}

#[test]
fn the_option_goes_before_the_environment_and_that_before_a_file() {
    let fake = Fake::answering(json("[]"));
    let dir = installation(&fake);
    let file = dir.path().join("password");
    fs::write(&file, "from file\nmore\n").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let with_file = ["--password-file", file.to_str().unwrap()];
    succeeds(eccfg(&dir, &[&ASK[..], &with_file].concat()).output().unwrap());
    assert_eq!(asked_as(&fake), jane("from file"));
    let mut command = eccfg(&dir, &[&ASK[..], &with_file].concat());
    succeeds(command.env("ECCFG_PASSWORD", "from environment").output().unwrap());
    assert_eq!(asked_as(&fake), jane("from environment"));
    let mut command = eccfg(&dir, &[&ASK[..], &["-p", "from option", "-u", "joe"]].concat());
    succeeds(command.env("ECCFG_PASSWORD", "from environment").output().unwrap());
    assert_eq!(asked_as(&fake), ("joe".to_owned(), "from option".to_owned()));
}

#[test]
fn a_password_on_the_command_line_is_gone_from_the_process_list() {
    for words in [&["-p", "s3cret"][..], &["-ps3cret"], &["--password=s3cret"]] {
        let (tell, asked) = channel();
        let (go_on, may_go_on) = channel();
        let fake = Fake::new(move |_, talk| {
            if talk.request().is_some() {
                tell.send(()).unwrap();
                may_go_on.recv().unwrap();
                talk.send(&json("[]"));
            }
        });
        let dir = installation(&fake);
        let child = eccfg(&dir, &[words, &ASK].concat()).stdout(Stdio::piped()).spawn().unwrap();
        asked.recv().unwrap();
        let of = |file: &str| {
            let bytes = fs::read(format!("/proc/{}/{file}", child.id())).unwrap();
            String::from_utf8_lossy(&bytes).replace('\0', " ")
        };
        let (words_seen, name) = (of("cmdline"), of("comm"));
        go_on.send(()).unwrap();
        succeeds(child.wait_with_output().unwrap());
        assert!(words_seen.contains("subcluster clusters"), "{words_seen}");
        assert!(!words_seen.contains("s3cret"), "{words_seen}");
        assert_eq!(name, "eccfg\n");
        assert_eq!(asked_as(&fake), jane("s3cret"));
    }
}

#[test]
fn on_a_terminal_it_is_asked_for_and_not_shown() {
    let fake = Fake::answering(json("[]"));
    let dir = installation(&fake);
    let root = dir.path().display();
    let command =
        format!("env --unset ECCFG_PASSWORD USER=jane {ECCFG} --root {root} subcluster clusters");
    let (status, shown) = answers_unseen(&command, &[("Password of jane: ", "s3cret\n")]);
    assert!(status.success(), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
    assert_eq!(asked_as(&fake), jane("s3cret"));
}

#[test]
fn without_a_terminal_it_is_told_how_else_to_give_it() {
    let fake = Fake::answering(json("[]"));
    let dir = installation(&fake);
    let mut command = Command::new("setsid");
    command.args(["--wait", ECCFG, "--root"]).arg(dir.path()).args(ASK);
    let output = command.env_remove("ECCFG_PASSWORD").stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = fails(output);
    assert!(said.contains("--password-file FILE, or set ECCFG_PASSWORD"), "{said}");
}

#[test]
fn names_and_files_that_cannot_be_are_told() {
    let fake = Fake::answering(json("[]"));
    let dir = installation(&fake);
    let empty = dir.path().join("empty");
    fs::write(&empty, "\nsecond line\n").unwrap();
    let empty = empty.to_str().unwrap();
    for (arguments, part, code) in [
        (&["-u", "a:b"][..], "cannot be the name of an account", 2),
        (&["--password-file", empty], "the first line is empty", 2),
        (&["--password-file", "/no/such/file"], "/no/such/file", 6),
    ] {
        let output = eccfg(&dir, &[&ASK[..], arguments].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let said = fails(output);
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(fake.requests(), [""; 0]);
}

#[test]
fn the_services_password_is_kept_for_its_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::new(dir.path());
    fs::create_dir_all(layout.etc()).unwrap();
    let error = stored(&layout).unwrap_err().to_string();
    assert!(error.contains("run `eccfg store-password`"), "{error}");
    for password in ["first", " second "] {
        keep(&layout, password).unwrap();
        let login = stored(&layout).unwrap();
        assert_eq!((login.name.as_str(), login.password()), ("ecuser", password));
    }
    let path = layout.eccfg().join("password");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(layout.eccfg()).unwrap().count(), 1);
}

#[test]
fn a_link_in_place_of_the_services_password_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::new(dir.path());
    fs::create_dir_all(layout.eccfg()).unwrap();
    symlink("/etc/passwd", layout.eccfg().join("password")).unwrap();
    let error = stored(&layout).unwrap_err().to_string();
    assert!(error.contains(".eccfg/password"), "{error}");
    // A new one replaces the link, and not what it leads to.
    keep(&layout, "s3cret").unwrap();
    assert_eq!(stored(&layout).unwrap().password(), "s3cret");
}
