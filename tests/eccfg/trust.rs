//! Which servers are trusted, and what is said of the others.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use ecconfigd::layout::Layout;
use ecconfigd::momentum::Address;
use ecconfigd::node::remote::{Error, Remote};
use ecconfigd::node::trust::{First, Trust};
use ecconfigd::tls::{Fingerprint, fingerprint};
use nix::unistd::{User, geteuid};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::fake::{Fake, json};
use crate::fixture::{Server, eventually, succeeds};
use crate::node::{Node, address};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn shown(server: &Server) -> Fingerprint {
    fingerprint(&server.state("apache")).unwrap()
}

fn connect(address: &Address, trust: &Trust) -> Result<Remote, Error> {
    Remote::connect(std::slice::from_ref(address), trust)
}

/// What trusting a server for this reason says, which must fail.
#[track_caller]
fn not_accepted(server: &Server, first: First<'_>) -> Error {
    let mut trust = Trust::nobody();
    let error = trust.accept(&address(server), first).unwrap_err();
    assert!(trust.is_nobody());
    error
}

#[test]
fn a_server_is_accepted_by_the_fingerprint_that_was_given() {
    let server = Server::start();
    let mut trust = Trust::nobody();
    trust.accept(&address(&server), First::Fingerprint(shown(&server))).unwrap();
    let remote = connect(&address(&server), &trust).unwrap();
    assert_eq!(remote.fingerprint(), shown(&server));
    let other = Server::start();
    let error = not_accepted(&other, First::Fingerprint(shown(&server)));
    assert!(matches!(&error, Error::Certificate(_)), "{error}");
    for part in [shown(&server), shown(&other)] {
        assert!(error.to_string().contains(&part.to_string()), "{error}");
    }
}

#[test]
fn a_server_is_accepted_by_somebody_who_has_seen_the_fingerprint() {
    let server = Server::start();
    let mut asked = Vec::new();
    let mut no = |address: &Address, fingerprint| {
        asked.push((address.clone(), fingerprint));
        false
    };
    let error = not_accepted(&server, First::Ask(&mut no));
    assert!(error.to_string().contains("was not accepted"), "{error}");
    assert_eq!(asked, [(address(&server), shown(&server))]);
    let mut trust = Trust::nobody();
    trust.accept(&address(&server), First::Ask(&mut |_, _| true)).unwrap();
    connect(&address(&server), &trust).unwrap();
    // Nothing was asked of it before it was trusted.
    assert!(!server.log().contains("GET"));
}

#[test]
fn the_server_on_this_machine_is_accepted_by_its_certificate_file() {
    let (server, other) = (Server::start(), Server::start());
    let here = Layout::new(&server.root);
    Trust::nobody().accept(&address(&server), First::ThisMachine(&here)).unwrap();
    let error = not_accepted(&other, First::ThisMachine(&here));
    assert!(error.to_string().contains("apache/server.crt"), "{error}");
}

#[test]
fn another_key_is_refused_with_what_it_may_mean_and_how_to_accept_it() {
    let (known, stranger) = (Server::start(), Server::start());
    let node = Node::of(&known);
    let error = node.try_connect(&stranger).err().unwrap();
    assert!(matches!(&error, Error::Certificate(_)), "{error}");
    let error = error.to_string();
    for part in ["newly installed", "somebody stands between", &shown(&stranger).to_string()] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(error.ends_with(&format!("eccfg trust {}", stranger.address)), "{error}");
}

#[test]
fn a_server_that_has_the_certificate_and_not_its_key_is_refused() {
    let server = Server::start();
    let mut trust = Node::of(&server).trust;
    let shown_by_all = CertificateDer::from_pem_file(server.certificate()).unwrap();
    let thief = serving(vec![shown_by_all], &KeyPair::generate().unwrap());
    let error = connect(&thief.address, &trust).err().unwrap();
    assert!(matches!(&error, Error::Certificate(_)), "{error}");
    assert!(error.to_string().contains("cannot prove that it has the key"), "{error}");
    let error = trust.accept(&thief.address, First::Ask(&mut |_, _| true)).unwrap_err();
    assert!(matches!(&error, Error::Certificate(_)), "{error}");
    assert_eq!(thief.requests(), [""; 0]);
}

#[test]
fn a_renewed_certificate_with_the_same_key_is_accepted() {
    let server = Server::start();
    let node = Node::of(&server);
    let before = shown(&server);
    renew(&server, &[]);
    let now = || node.try_connect(&server).map(|remote| remote.fingerprint());
    eventually("the new certificate is served", || now().is_ok_and(|now| now != before));
    assert_eq!(now().unwrap(), shown(&server));
    renew(&server, &["--new-key"]);
    eventually("the new key is served and refused", || matches!(now(), Err(Error::Certificate(_))));
}

#[test]
fn names_and_dates_do_not_matter_where_the_key_is_known() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["elsewhere.example.com".to_owned()]).unwrap();
    params.not_after = (SystemTime::now() - DAY).into();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    let fake = serving(vec![certificate], &key);
    let node = fake.node();
    assert_eq!(node.connect_to(&fake.address).subclusters(&[]).unwrap(), []);
}

#[test]
fn what_was_accepted_is_kept_and_several_servers_are_known() {
    let (one, two, stranger) = (Server::start(), Server::start(), Server::start());
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::new(dir.path());
    fs::create_dir_all(layout.etc()).unwrap();
    assert!(Trust::load(&layout).unwrap().is_nobody());
    for server in [&one, &two] {
        let mut trust = Trust::load(&layout).unwrap();
        trust.accept(&address(server), First::Fingerprint(shown(server))).unwrap();
        trust.save(&layout).unwrap();
    }
    let trust = Trust::load(&layout).unwrap();
    for server in [&one, &two] {
        connect(&address(server), &trust).unwrap();
    }
    assert!(connect(&address(&stranger), &trust).is_err());
    let path = layout.eccfg().join("trust");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].ends_with(&one.address.to_string()), "{text}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    assert_eq!(fs::read_dir(layout.eccfg()).unwrap().count(), 1);
}

#[test]
fn the_kept_keys_are_those_that_curl_takes() {
    let server = Server::start();
    let Trust::Keys(pins) = Node::of(&server).trust else { panic!("no keys") };
    let pin = pins[0].key.to_string();
    for (pin, exit) in [(pin.as_str(), 0), ("sha256//AAAA", 90)] {
        let mut curl = server.curl("/livez").args(["--pinnedpubkey", pin]).command();
        assert_eq!(curl.output().unwrap().status.code(), Some(exit));
    }
}

#[test]
fn a_key_that_was_met_at_the_same_address_is_forgotten() {
    let server = Server::start();
    let mut node = Node::of(&server);
    let old = node.trust.clone();
    renew(&server, &["--new-key"]);
    eventually("the new key is served", || connect(&address(&server), &old).is_err());
    node.accept(&address(&server), shown(&server));
    let Trust::Keys(pins) = &node.trust else { panic!("no keys") };
    assert_eq!(pins.len(), 1);
    node.try_connect(&server).unwrap();
}

#[test]
fn a_damaged_file_is_told_by_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::new(dir.path());
    fs::create_dir_all(layout.eccfg()).unwrap();
    fs::write(layout.eccfg().join("trust"), "# mine\nsha256//AAAA mgr:2027\n").unwrap();
    let error = Trust::load(&layout).unwrap_err();
    assert!(matches!(&error, Error::Local(_)), "{error}");
    assert!(error.to_string().contains(".eccfg/trust, line 2"), "{error}");
}

#[test]
fn an_authority_vouches_for_its_servers_and_for_no_others() {
    let authority = Authority::new();
    let good = authority.serving("127.0.0.1", -1, 1);
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::new(dir.path());
    fs::create_dir_all(layout.etc()).unwrap();
    let file = dir.path().join("ours.pem");
    fs::write(&file, &authority.pem).unwrap();
    let mut trust = Trust::nobody();
    trust.accept(&good.address, First::Authorities(Trust::of_authorities(&file).unwrap())).unwrap();
    trust.save(&layout).unwrap();
    let trust = Trust::load(&layout).unwrap();
    let mut remote = connect(&good.address, &trust).unwrap();
    assert_eq!(remote.subclusters(&[]).unwrap(), []);
    let others = Authority::new().serving("127.0.0.1", -1, 1);
    for (server, part) in [
        (authority.serving("127.0.0.1", -2, -1), "has expired on 20"),
        (authority.serving("127.0.0.1", 1, 2), "clock is probably wrong, it shows 20"),
        (authority.serving("mgr.example.com", -1, 1), "mgr.example.com"),
        (others, "has not been signed by an authority in etc/.eccfg/ca.pem"),
        (Fake::answering(json("[]")), "has not been signed by an authority"),
    ] {
        let error = connect(&server.address, &trust).err().unwrap();
        assert!(matches!(&error, Error::Certificate(_)), "{part}: {error}");
        assert!(error.to_string().contains(part), "{part}: {error}");
        assert_eq!(server.requests(), [""; 0]);
    }
}

#[test]
fn of_the_two_ways_to_trust_the_last_one_is_in_force() {
    let authority = Authority::new();
    let (vouched, pinned) = (authority.serving("127.0.0.1", -1, 1), Fake::answering(json("[]")));
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::new(dir.path());
    fs::create_dir_all(layout.etc()).unwrap();
    let file = dir.path().join("ours.pem");
    fs::write(&file, &authority.pem).unwrap();
    let is_trusted = |fake: &Fake| {
        let trust = Trust::load(&layout).unwrap();
        connect(&fake.address, &trust).is_ok()
    };
    for _ in 0..2 {
        let mut trust = Trust::load(&layout).unwrap();
        trust.accept(&pinned.address, First::Fingerprint(pinned.certificate)).unwrap();
        trust.save(&layout).unwrap();
        assert!(is_trusted(&pinned) && !is_trusted(&vouched));
        let mut trust = Trust::load(&layout).unwrap();
        trust
            .accept(&vouched.address, First::Authorities(Trust::of_authorities(&file).unwrap()))
            .unwrap();
        trust.save(&layout).unwrap();
        assert!(!is_trusted(&pinned) && is_trusted(&vouched));
    }
}

#[test]
fn a_file_of_authorities_that_is_of_no_use_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "no certificate\n").unwrap();
    for path in [file.path(), Path::new("/no/such/file")] {
        let error = Trust::of_authorities(path).unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

/// Makes a new certificate for a running server.
fn renew(server: &Server, options: &[&str]) {
    let user = User::from_uid(geteuid()).unwrap().unwrap().name;
    let output = Command::new(env!("CARGO_BIN_EXE_create_ssl_cert"))
        .args(["ecconfigd", "localhost"])
        .arg(server.state("apache"))
        .arg(&user)
        .args(options)
        .output();
    succeeds(output.unwrap());
}

fn serving(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Fake {
    Fake::with(chain, key, |_, talk| {
        while talk.request().is_some() {
            talk.send(&json("[]"));
        }
    })
}

/// An operator's own.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "The operator's authority");
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A server whose certificate is for this name, from a day to another, counted from today.
    fn serving(&self, name: &str, from: i32, until: i32) -> Fake {
        let day = |days: i32| match days {
            0.. => SystemTime::now() + DAY * days.unsigned_abs(),
            _ => SystemTime::now() - DAY * days.unsigned_abs(),
        };
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = day(from).into();
        params.not_after = day(until).into();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        serving(vec![certificate.der().clone()], &key)
    }
}
