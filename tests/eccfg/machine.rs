//! A machine with eccfg on it, below a root of its own.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::fixture::{Git, PATIENCE, Server, eventually, on_terminal, succeeds, text};

pub const ECCFG: &str = env!("CARGO_BIN_EXE_eccfg");

pub struct Machine {
    pub root: PathBuf,
    /// The working copy.
    pub conf: PathBuf,
    /// HOST:PORT of its server.
    pub server: String,
    /// How the server is known.
    pub fingerprint: String,
    /// The administrator's; empty if nobody is to know it.
    pub password: String,
    git: Git,
    _dir: TempDir,
}

impl Machine {
    /// One that nothing was done on yet.
    #[track_caller]
    pub fn new(server: &Server) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        let conf = root.join("opt/msys/ecelerity/etc/conf");
        let apache = server.certificate().parent().unwrap().to_owned();
        Self {
            root,
            conf,
            server: server.address.to_string(),
            fingerprint: ecconfigd::tls::fingerprint(&apache).unwrap().to_string(),
            password: server.password("admin"),
            git: server.git(),
            _dir: dir,
        }
    }

    /// One with a working copy of the subcluster default.
    #[track_caller]
    pub fn of(server: &Server) -> Self {
        let machine = Self::new(server);
        machine.bootstrap("");
        machine
    }

    /// Bootstraps with further options, and returns what is said.
    #[track_caller]
    pub fn bootstrap(&self, options: &str) -> String {
        self.ok(&format!("bootstrap --fingerprint {} {options} {}", self.fingerprint, self.server))
    }

    /// eccfg with these words, as the administrator, without a terminal. An update that reloads
    /// leaves a line in the file `reloads`.
    pub fn eccfg(&self, words: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command.arg(PATIENCE.as_secs().to_string()).arg(ECCFG).arg("--root").arg(&self.root);
        self.environment(&mut command);
        command.args(words).stdin(Stdio::null());
        command
    }

    /// The words are those of a shell.
    pub fn run(&self, line: &str) -> Output {
        let words = shlex::split(line).unwrap();
        self.eccfg(&words.iter().map(String::as_str).collect::<Vec<_>>()).output().unwrap()
    }

    /// Must succeed without a warning; returns the standard output.
    #[track_caller]
    pub fn ok(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success() && output.stderr.is_empty(), "{line}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Must succeed; returns the warnings.
    #[track_caller]
    pub fn warns(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", text(&output));
        assert!(!output.stderr.is_empty(), "{line}: no warning: {}", text(&output));
        String::from_utf8(output.stderr).unwrap()
    }

    /// Must end with this exit code; returns all that was said.
    #[track_caller]
    pub fn fails(&self, code: i32, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(code), "{line}: {}", text(&output));
        let said = text(&output);
        assert!(!output.stderr.is_empty(), "{line}: fails without a word: {said}");
        said
    }

    /// On a terminal, where each of these questions is answered; returns the exit code and what is
    /// shown.
    #[track_caller]
    pub fn answers(&self, line: &str, answers: &[(&str, &str)]) -> (Option<i32>, String) {
        let script = format!("tty; exec {ECCFG} --root '{}' {line}", self.root.display());
        let mut command = on_terminal(&script);
        self.environment(&mut command);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut keyboard, mut screen) =
            (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (mut shown, mut buffer) = (String::new(), [0; 1 << 10]);
        for (question, answer) in answers {
            while !shown.ends_with(question) {
                let length = screen.read(&mut buffer).unwrap();
                assert_ne!(length, 0, "{question} is not asked: {shown}");
                shown.push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
            if question.starts_with("Password") {
                // The question comes a moment before the terminal is told not to show the answer.
                let terminal = shown.lines().next().unwrap().trim().to_owned();
                eventually("the terminal is silent", || settings(&terminal).contains(" -echo "));
            }
            writeln!(keyboard, "{answer}").unwrap();
        }
        screen.read_to_string(&mut shown).unwrap();
        (child.wait().unwrap().code(), shown.replace("\r\n", "\n"))
    }

    /// Stores the service account's password.
    #[track_caller]
    pub fn store_password(&self, server: &Server) {
        let mut command = self.eccfg(&["store-password", "--quiet"]);
        let password = format!("{}\n", server.password("ecuser"));
        succeeds(crate::fixture::run_with_input(&mut command, &password));
    }

    fn environment(&self, command: &mut Command) {
        command.env("USER", "admin").env_remove("ECCFG_PASSWORD").env_remove("ECCFG_RUNNING");
        if !self.password.is_empty() {
            command.env("ECCFG_PASSWORD", &self.password);
        }
        command.env("ECCFG_RELOAD", format!("echo reload >> '{}'", self.reload_file().display()));
    }

    fn reload_file(&self) -> PathBuf {
        self.root.join("reloads")
    }

    /// How often the mail server was told to reload.
    pub fn reloads(&self) -> usize {
        fs::read_to_string(self.reload_file()).unwrap_or_default().lines().count()
    }

    /// Writes a file of the working copy, and the directories above it.
    #[track_caller]
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.conf.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.conf.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    #[track_caller]
    pub fn remove(&self, path: &str) {
        fs::remove_file(self.conf.join(path)).unwrap();
    }

    pub fn has(&self, path: &str) -> bool {
        self.conf.join(path).symlink_metadata().is_ok()
    }

    #[track_caller]
    pub fn mode(&self, path: &str) -> u32 {
        self.conf.join(path).symlink_metadata().unwrap().permissions().mode() & 0o7777
    }

    #[track_caller]
    pub fn chmod(&self, path: &str, mode: u32) {
        fs::set_permissions(self.conf.join(path), Permissions::from_mode(mode)).unwrap();
    }

    /// Writes a file and commits it.
    #[track_caller]
    pub fn commit_file(&self, path: &str, content: impl AsRef<[u8]>) {
        self.write(path, content);
        self.ok(&format!("commit --add-all -m 'Change {path}'"));
    }

    /// The real git in a directory of the working copy, such as `.` or `global`.
    #[track_caller]
    pub fn git(&self, directory: &str, words: &[&str]) -> String {
        succeeds(self.git.run_in(&self.conf.join(directory), words))
    }

    /// Neither git nor eccfg sees a change.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert_eq!(self.ok("status"), "");
        for directory in [".", "global"] {
            assert_eq!(self.git(directory, &["status", "--porcelain"]), "", "{directory}");
            assert_eq!(self.git(directory, &["diff", "HEAD"]), "", "{directory}");
        }
        self.assert_tidy();
    }

    /// Nothing is left that is needed only while something is done.
    #[track_caller]
    pub fn assert_tidy(&self) {
        let etc = self.conf.parent().unwrap();
        for name in names(etc) {
            assert!([".eccfg", "cluster.boot", "conf", "environment"].contains(&&*name), "{name}");
        }
        assert!(!etc.join(".eccfg/conf/pending").exists());
    }

    /// Every file of the working copy but git's.
    pub fn files(&self) -> Vec<String> {
        let mut command = Command::new("find");
        command.current_dir(&self.conf).args([".", "!", "-type", "d", "!", "-name", ".git"]);
        let found = succeeds(command.args(["-printf", "%P\\n"]).output().unwrap());
        let mut files: Vec<String> = found.lines().map(str::to_owned).collect();
        files.sort();
        files
    }

    /// A file of `etc`, such as cluster.boot.
    pub fn etc(&self, name: &str) -> PathBuf {
        self.conf.parent().unwrap().join(name)
    }

    /// Writes one, and the directories above it.
    #[track_caller]
    pub fn write_etc(&self, name: &str, content: &str) {
        let path = self.etc(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

fn settings(terminal: &str) -> String {
    succeeds(Command::new("stty").args(["-a", "-F", terminal]).output().unwrap())
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
