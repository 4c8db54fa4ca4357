//! The documented behaviour of `create_ssl_cert`, tried on the real binary.

use std::collections::HashSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use ecconfigd::tls::{Pair, ServerTls};
use nix::unistd::{User, geteuid};
use rustls::ServerConnection;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_create_ssl_cert");
const HOST: &str = "mgr.example.com";

/// A PREFIX that is gone after the test.
struct Prefix(TempDir);

impl Prefix {
    fn new() -> Prefix {
        Prefix(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn key(&self) -> PathBuf {
        self.path().join("server.key")
    }

    fn certificate(&self) -> PathBuf {
        self.path().join("server.crt")
    }

    /// Runs the command for ecconfigd and the account of whoever runs the tests.
    fn run(&self, options: &[&str]) -> Output {
        let account = User::from_uid(geteuid()).unwrap().unwrap().name;
        run(self.path(), &account, options)
    }

    fn made(options: &[&str]) -> Prefix {
        let prefix = Prefix::new();
        succeeded(&prefix.run(options));
        prefix
    }

    /// A pair that some other program made, with an RSA key.
    fn of_operator() -> Prefix {
        let prefix = Prefix::new();
        let params = rcgen::CertificateParams::new([HOST.to_owned()]).unwrap();
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        fs::write(prefix.certificate(), certificate).unwrap();
        fs::write(prefix.key(), key.serialize_pem()).unwrap();
        prefix
    }

    fn pair(&self) -> Pair {
        Pair::load(self.path()).unwrap()
    }

    fn texts(&self) -> [String; 2] {
        [self.key(), self.certificate()].map(|path| fs::read_to_string(path).unwrap())
    }
}

fn run(prefix: &Path, user: &str, options: &[&str]) -> Output {
    Command::new(BINARY)
        .args(["ecconfigd", HOST])
        .args([prefix.as_os_str(), user.as_ref()])
        .args(options)
        .output()
        .unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Checks for the exit code and one line on stderr, and returns that line.
#[track_caller]
fn failed(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let line = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(line.starts_with("create_ssl_cert: "), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    line
}

#[test]
fn a_pair_is_written_and_what_there_is_to_know_is_said() {
    let prefix = Prefix::new();
    let said = succeeded(&prefix.run(&[]));
    let pair = prefix.pair();
    assert!(pair.is_ours());
    for fact in [
        prefix.key().display().to_string(),
        prefix.certificate().display().to_string(),
        pair.fingerprint().to_string(),
        pair.last_day(),
        "systemctl reload ecconfigd".to_owned(),
    ] {
        assert!(said.contains(&fact), "{fact} is not in {said}");
    }
    assert_eq!(fs::read_dir(prefix.path()).unwrap().count(), 2);
}

#[test]
fn every_documented_service_is_known_and_no_other() {
    for (service, code) in [("ecwebui", 0), ("msyspg", 0), ("postfix", 64)] {
        let prefix = Prefix::new();
        let account = User::from_uid(geteuid()).unwrap().unwrap().name;
        let status = Command::new(BINARY)
            .args([service, HOST, prefix.path().to_str().unwrap(), &account])
            .output()
            .unwrap()
            .status;
        assert_eq!(status.code(), Some(code), "{service}");
        assert_eq!(prefix.key().exists(), code == 0, "{service}");
    }
}

#[test]
fn a_wrong_command_line_is_a_usage_error_and_help_is_none() {
    for (words, code) in [(&[][..], 64), (&["ecconfigd", HOST], 64), (&["--help"], 0)] {
        let output = Command::new(BINARY).args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{words:?}");
        assert_eq!(output.stdout.is_empty(), code != 0, "{words:?}");
    }
}

#[test]
fn what_is_no_host_name_is_a_usage_error() {
    let prefix = Prefix::new();
    let output = Command::new(BINARY)
        .args(["ecconfigd", "*.example.com"])
        .arg(prefix.path())
        .output()
        .unwrap();
    assert!(failed(&output, 64).contains("*.example.com"));
}

#[test]
fn modes_are_right_under_any_umask() {
    for umask in ["0000", "0027", "0077", "0177"] {
        let above = Prefix::new();
        let prefix = above.path().join("var/apache");
        let account = User::from_uid(geteuid()).unwrap().unwrap().name;
        let script = format!("umask {umask}; exec \"$@\"");
        let output = Command::new("sh")
            .args(["-c", &script, "sh", BINARY, "ecconfigd", HOST])
            .args([prefix.as_os_str(), account.as_ref()])
            .output()
            .unwrap();
        succeeded(&output);
        let paths = ["server.key", "server.crt", "", ".."].map(|name| prefix.join(name));
        let modes = paths.map(|path| mode(&path));
        assert_eq!(modes, [0o600, 0o644, 0o755, 0o755], "umask {umask}");
    }
}

#[test]
fn the_key_is_kept_when_a_certificate_is_renewed() {
    let prefix = Prefix::made(&[]);
    let [old_key, old_certificate] = prefix.texts();
    succeeded(&prefix.run(&[]));
    let [key, certificate] = prefix.texts();
    assert_eq!(key, old_key);
    assert_ne!(certificate, old_certificate);
    prefix.pair();
}

#[test]
fn the_key_is_kept_when_the_old_certificate_was_removed_as_documented() {
    let prefix = Prefix::made(&[]);
    let [old_key, _] = prefix.texts();
    fs::remove_file(prefix.certificate()).unwrap();
    succeeded(&prefix.run(&[]));
    assert_eq!(prefix.texts()[0], old_key);
    prefix.pair();
}

#[test]
fn a_kept_key_is_given_a_safe_mode() {
    let prefix = Prefix::made(&[]);
    let [old_key, _] = prefix.texts();
    fs::set_permissions(prefix.key(), fs::Permissions::from_mode(0o644)).unwrap();
    succeeded(&prefix.run(&[]));
    assert_eq!(mode(&prefix.key()), 0o600);
    assert_eq!(prefix.texts()[0], old_key);
}

#[test]
fn a_new_key_is_made_when_asked_for() {
    let prefix = Prefix::made(&[]);
    let [old_key, _] = prefix.texts();
    succeeded(&prefix.run(&["--new-key"]));
    let [key, _] = prefix.texts();
    assert_ne!(key, old_key);
    assert_eq!(key.matches("BEGIN").count(), 1);
    prefix.pair();
}

#[test]
fn an_operators_certificate_is_kept_unless_forced_and_even_then_its_rsa_key() {
    let prefix = Prefix::of_operator();
    let before = prefix.texts();
    let line = failed(&prefix.run(&["--new-key"]), 73);
    assert!(line.contains("server.crt") && line.contains("--force"), "{line}");
    assert_eq!(prefix.texts(), before);

    succeeded(&prefix.run(&["--force"]));
    assert_eq!(prefix.texts()[0], before[0]);
    assert!(prefix.pair().is_ours());
}

#[test]
fn a_certificate_that_cannot_be_read_as_one_is_not_overwritten_either() {
    let prefix = Prefix::made(&[]);
    fs::write(prefix.certificate(), "somebody's notes\n").unwrap();
    failed(&prefix.run(&[]), 73);
    succeeded(&prefix.run(&["--force"]));
    prefix.pair();
}

#[test]
fn a_damaged_key_is_kept_until_a_new_one_is_asked_for() {
    let prefix = Prefix::made(&[]);
    fs::write(prefix.key(), "damaged\n").unwrap();
    assert!(failed(&prefix.run(&[]), 78).contains("--new-key"));
    assert_eq!(prefix.texts()[0], "damaged\n");
    succeeded(&prefix.run(&["--new-key"]));
    prefix.pair();
}

#[test]
fn a_prefix_that_cannot_be_made_is_named() {
    let above = Prefix::new();
    fs::write(above.path().join("file"), "").unwrap();
    let account = User::from_uid(geteuid()).unwrap().unwrap().name;
    let line = failed(&run(&above.path().join("file/apache"), &account, &[]), 73);
    assert!(line.contains("file/apache"), "{line}");
}

#[test]
fn files_and_a_new_prefix_are_given_to_the_account_by_root_alone() {
    let above = Prefix::new();
    fs::set_permissions(above.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let prefix = above.path().join("apache");
    let account = User::from_name("nobody").unwrap().unwrap();
    let output = run(&prefix, &account.name, &[]);
    if geteuid().is_root() {
        succeeded(&output);
        for name in ["", "server.key", "server.crt"] {
            let metadata = fs::metadata(prefix.join(name)).unwrap();
            let owner = (metadata.uid(), metadata.gid());
            assert_eq!(owner, (account.uid.as_raw(), account.gid.as_raw()), "{name}");
        }
    } else {
        failed(&output, 77);
        assert!(!prefix.exists());
    }
}

#[test]
fn without_the_account_root_is_refused_and_others_keep_the_files() {
    let prefix = Prefix::new();
    let output = run(prefix.path(), "no-such-account", &[]);
    if geteuid().is_root() {
        assert!(failed(&output, 67).contains("no-such-account"));
        assert!(!prefix.key().exists());
    } else {
        assert!(succeeded(&output).contains("no-such-account"));
        prefix.pair();
    }
}

#[test]
fn a_link_to_a_key_is_not_followed_for_another_account() {
    let prefix = Prefix::made(&[]);
    let elsewhere = prefix.path().join("elsewhere");
    fs::rename(prefix.key(), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, prefix.key()).unwrap();
    let before = prefix.texts();
    assert!(failed(&prefix.run(&["--new-key"]), 73).contains("symbolic link"));
    assert_eq!(prefix.texts(), before);
}

#[test]
fn a_reader_never_sees_a_broken_pair_while_keys_are_exchanged() {
    let prefix = Prefix::made(&[]);
    let done = AtomicBool::new(false);
    let (started, reader_started) = mpsc::channel();
    let seen = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = HashSet::new();
            let mut is_last = false;
            while !is_last {
                is_last = done.load(Ordering::SeqCst);
                seen.insert(prefix.pair().fingerprint());
                started.send(()).unwrap();
            }
            seen
        });
        reader_started.recv().unwrap();
        let outputs = [(); 25].map(|()| prefix.run(&["--new-key"]));
        done.store(true, Ordering::SeqCst);
        outputs.iter().for_each(|output| _ = succeeded(output));
        reader.join().unwrap()
    });
    assert!(seen.len() > 1, "the reader saw {} pairs", seen.len());
}

#[test]
fn writers_take_turns() {
    let prefix = Prefix::made(&[]);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| succeeded(&prefix.run(&["--new-key"])));
        }
    });
    prefix.pair();
    assert_eq!(prefix.texts()[0].matches("BEGIN").count(), 1);
}

#[test]
fn curl_and_git_trust_the_certificate_by_name_and_by_address() {
    let prefix = Prefix::made(&[]);
    let port = serve(&ServerTls::new(prefix.pair()).unwrap());
    let trusted = prefix.certificate();
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{port}/");
        let curl = ["curl", "--silent", "--show-error", "--http1.1", "--cacert"];
        succeeded(&client(&curl, &trusted, &[&url]));
        let git = ["git", "-c", "http.version=HTTP/1.1", "-c"];
        let mut option = std::ffi::OsString::from("http.sslCAInfo=");
        option.push(&trusted);
        let refs = succeeded(&client(&git, option.as_ref(), &["ls-remote", &url]));
        assert!(refs.contains("refs/heads/boot"), "{refs}");
    }
}

#[test]
fn curl_does_not_trust_another_certificate_of_the_same_name() {
    const CANNOT_AUTHENTICATE_PEER: i32 = 60;
    let (served, other) = (Prefix::made(&[]), Prefix::made(&[]));
    let port = serve(&ServerTls::new(served.pair()).unwrap());
    let url = format!("https://localhost:{port}/");
    let output = client(&["curl", "--silent", "--cacert"], &other.certificate(), &[&url]);
    assert_eq!(output.status.code(), Some(CANNOT_AUTHENTICATE_PEER));
}

/// Runs a client with nothing of the environment but the path, whose variables
/// would name other certificates to trust.
fn client(words: &[&str], trusted: &Path, more: &[&str]) -> Output {
    Command::new(words[0])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(&words[1..])
        .arg(trusted)
        .args(more)
        .output()
        .unwrap()
}

/// Answers every request on the port it returns with one ref, which is what git's
/// dumb protocol asks for.
fn serve(tls: &ServerTls) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = tls.config();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, socket.unwrap());
            // A client that does not trust us hangs up in the handshake.
            _ = answer(&mut stream);
        }
    });
    port
}

fn answer(stream: &mut (impl Read + Write)) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        request.extend_from_slice(&buffer[..length]);
    }
    let body = format!("{}\trefs/heads/boot\n", "1".repeat(40));
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
