//! Clients that are not git: the scripts in `tests/clients`. They need python3 or node and the
//! packages below, which are installed below `target` once. So these tests run only when asked:
//! `cargo test --test server other_clients -- --ignored`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use crate::fixture::{Server, fails, succeeds};

const PYTHON_PACKAGES: [&str; 2] = ["dulwich==1.2.21", "pygit2==1.21.0"];
const NODE_PACKAGE: &str = "isomorphic-git@1.44.11";
static INSTALLING: Mutex<()> = Mutex::new(());

#[test]
#[ignore = "needs python3 and packages from PyPI"]
fn dulwich_clones_and_pushes() {
    clones_and_pushes(&python(), "with_dulwich.py");
}

#[test]
#[ignore = "needs python3 and packages from PyPI"]
fn pygit2_clones_and_pushes() {
    clones_and_pushes(&python(), "with_pygit2.py");
}

#[test]
#[ignore = "needs node and a package from npm"]
fn isomorphic_git_clones_and_pushes() {
    clones_and_pushes(&node(), "with_isomorphic_git.mjs");
}

#[track_caller]
fn clones_and_pushes(program: &Path, script: &str) {
    let (server, other) = (Server::start(), Server::start());
    let url = server.url_as("admin", "/config/default");
    let commit = succeeds(run(program, script, &url, &server.certificate()));
    assert_eq!(server.bare("default", &["rev-parse", "boot"]), commit);
    assert_eq!(server.revision("default"), 2);
    server.fsck("default");
    // It has been the certificate that made it trust the server.
    fails(run(program, script, &url, &other.certificate()));
    assert_eq!(server.revision("default"), 2);
}

fn run(program: &Path, script: &str, url: &str, certificate: &Path) -> Output {
    Command::new(program)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script))
        .arg(url)
        .arg(certificate)
        .env("NODE_PATH", installed("node/node_modules"))
        // These come before what the scripts set.
        .env_remove("GIT_SSL_CAINFO")
        .env_remove("SSL_CERT_FILE")
        .output()
        .unwrap()
}

/// The python of an environment that has the packages.
fn python() -> PathBuf {
    let _one_at_a_time = INSTALLING.lock().unwrap();
    let environment = installed("python");
    let python = environment.join("bin/python");
    if !python.exists() {
        succeeds(Command::new("python3").args(["-m", "venv"]).arg(&environment).output().unwrap());
    }
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet"]).args(PYTHON_PACKAGES);
    succeeds(pip.output().unwrap());
    python
}

/// A node that finds the package through `NODE_PATH`.
fn node() -> PathBuf {
    let _one_at_a_time = INSTALLING.lock().unwrap();
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", NODE_PACKAGE, "--prefix"]);
    succeeds(npm.arg(installed("node")).output().unwrap());
    "node".into()
}

/// Kept between runs: installing again what is there takes a second and no network.
fn installed(path: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients").join(path)
}
