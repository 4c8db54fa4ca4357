//! The server's certificate: made here or by the operator, trusted by real clients, exchanged while
//! it is served.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use ecconfigd::tls::{Names, ensure};
use nix::sys::signal::Signal;
use nix::unistd::{User, geteuid};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P384_SHA384,
    PKCS_RSA_SHA256, SignatureAlgorithm,
};

use crate::fixture::{
    Curl, Git, Options, Raw, Server, all_gits, ecconfigd, eventually, fails, succeeds,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[test]
fn tls_1_2_and_1_3_are_spoken_and_nothing_older() {
    let server = Server::start();
    for (version, name) in [("1.2", "TLSv1.2"), ("1.3", "TLSv1.3")] {
        let only =
            ["--verbose".into(), format!("--tlsv{version}"), "--tls-max".into(), version.into()];
        let reply = server.curl("/livez").args(only).send();
        assert_eq!(reply.status, 200, "{reply:?}");
        assert!(reply.said.contains(&format!("SSL connection using {name} ")), "{reply:?}");
    }
    for version in ["1.0", "1.1"] {
        // Without these ciphers OpenSSL would not even ask.
        let weak = ["--ciphers", "DEFAULT@SECLEVEL=0", "--tlsv1.0", "--tls-max", version];
        let reply = server.curl("/livez").args(weak).send();
        assert_eq!(reply.status, 0, "{reply:?}");
        assert!(reply.said.contains(" alert "), "{reply:?}");
    }
}

#[test]
fn http_2_and_1_1_are_agreed_on_in_the_handshake() {
    let server = Server::start();
    for (option, version) in [("--http2", "2"), ("--http1.1", "1.1"), ("--no-alpn", "1.1")] {
        let told = ["--no-include", "--output", "/dev/null", "--write-out", "%{http_version}"];
        let output = server.curl("/livez").args([option]).args(told).command().output().unwrap();
        assert_eq!(succeeds(output), version, "{option}");
    }
}

#[test]
fn the_certificate_made_at_the_start_is_what_it_should_be() {
    let server = Server::start();
    let text = x509(&server.certificate(), &["-text"]);
    for part in ["NIST CURVE: P-256", "DNS:localhost", "IP Address:127.0.0.1", "CA:FALSE"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains("IP Address:0:0:0:0:0:0:0:1"), "{text}");
    let host = nix::unistd::gethostname().unwrap().into_string().unwrap().to_lowercase();
    let short = host.split('.').next().unwrap();
    assert!(text.contains(&format!("DNS:{host}")) && text.contains(&format!("DNS:{short}")));
    assert!(lasts(&server.certificate(), 364 * DAY) && !lasts(&server.certificate(), 366 * DAY));
    assert_eq!(served(&server), [fs::read_to_string(server.certificate()).unwrap()]);
}

#[test]
fn curl_verifies_it_by_every_name_of_the_machine_and_no_other() {
    if TcpListener::bind("[::1]:0").is_err() {
        return eprintln!("skipped: there is no IPv6 here");
    }
    let arguments = vec!["--listen".into(), "[::]:0".into()];
    let server = Server::with(Options { arguments, ..Options::default() });
    let port = server.address.port();
    let host = nix::unistd::gethostname().unwrap().into_string().unwrap();
    let ask = |name: &str| {
        let curl = Curl::new(&server.certificate(), &format!("https://{name}:{port}/livez"));
        curl.args(["--connect-to", &format!("{host}:{port}:127.0.0.1:{port}")])
            .args(["--connect-to", &format!("other.example.com:{port}:127.0.0.1:{port}")])
            .send()
    };
    for name in ["localhost", "127.0.0.1", "[::1]", &host] {
        let reply = ask(name);
        assert_eq!(reply.status, 200, "{name}: {reply:?}");
    }
    let reply = ask("other.example.com");
    assert!(reply.said.contains("no alternative certificate subject name matches"), "{reply:?}");
}

#[test]
fn git_verifies_it_by_an_option_alone() {
    let server = Server::start();
    for program in all_gits() {
        let option = format!("http.sslCAInfo={}", server.certificate().display());
        let git = server.git().program(&program);
        let url = git.url("default");
        let ls_remote = |git: &Git| {
            let mut command = git.command(Path::new("/"));
            command.env_remove("GIT_SSL_CAINFO").args(["ls-remote", &url]).output().unwrap()
        };
        assert!(!ls_remote(&git).status.success(), "it was trusted without the option");
        assert!(succeeds(ls_remote(&git.option(&option))).contains("refs/heads/boot"));
    }
}

#[test]
fn a_chain_of_the_operators_with_keys_of_any_kind_is_used_as_it_is() {
    let rsa: fn(&Path) = |root| operators(root, &PKCS_RSA_SHA256, 90 * DAY);
    let ecdsa: fn(&Path) = |root| operators(root, &PKCS_ECDSA_P384_SHA384, 90 * DAY);
    for prepare in [rsa, ecdsa] {
        let server = Server::with(Options { prepare: Some(prepare), ..Options::default() });
        let authority = server.state("authority.crt");
        let reply = Curl::new(&authority, &server.url("/livez")).send();
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(served(&server).concat(), fs::read_to_string(server.certificate()).unwrap());
        assert_eq!(served(&server).len(), 2);
        assert!(!server.log().contains("the certificate"), "{}", server.log());
    }
}

#[test]
fn new_files_are_taken_up_without_being_told_and_connections_live_on() {
    let server = Server::start();
    let mut connection = Raw::connect(&server);
    operators(&server.root, &PKCS_ECDSA_P384_SHA384, 90 * DAY);
    let authority = server.state("authority.crt");
    let ask = || Curl::new(&authority, &server.url("/livez")).send();
    eventually("the new certificate is served", || ask().status == 200);
    connection.send("GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert_eq!(connection.reply().unwrap().status, 200);
    assert!(server.log().contains("a new certificate is served"));
}

#[test]
fn files_that_links_lead_to_are_taken_up_at_sighup() {
    fn link(root: &Path) {
        operators(root, &PKCS_ECDSA_P384_SHA384, 90 * DAY);
        for name in ["server.crt", "server.key"] {
            let here = root.join("var/ecconfigd/apache").join(name);
            fs::rename(&here, root.join(name)).unwrap();
            symlink(root.join(name), &here).unwrap();
        }
    }
    let mut server = Server::with(Options { prepare: Some(link), ..Options::default() });
    let old = served(&server);
    let other = tempfile::tempdir().unwrap();
    operators(other.path(), &PKCS_ECDSA_P384_SHA384, 90 * DAY);
    for name in ["server.crt", "server.key"] {
        fs::copy(other.path().join("var/ecconfigd/apache").join(name), server.root.join(name))
            .unwrap();
    }
    server.signal(Signal::SIGHUP);
    server.wait_for("READY=1");
    assert_ne!(served(&server), old);
    assert_eq!(served(&server).concat(), fs::read_to_string(server.certificate()).unwrap());
}

#[test]
fn the_old_one_goes_on_when_the_new_one_is_of_no_use() {
    let mut server = Server::start();
    let (certificate, key) = (server.certificate(), server.state("apache/server.key"));
    let good = [&certificate, &key].map(|path| fs::read(path).unwrap());
    let before = served(&server);
    let other = KeyPair::generate().unwrap().serialize_pem();
    for (path, content, why) in [
        (&certificate, "no certificate", "holds no certificate in PEM form"),
        (&key, "no key", "holds no private key"),
        (&key, &*other, "no key in "),
    ] {
        fs::write(path, content).unwrap();
        server.signal(Signal::SIGHUP);
        server.wait_for("READY=1");
        assert_eq!(served(&server), before, "{why}");
        let log = server.log();
        let mut lines = log.lines().filter(|line| line.contains("goes on being served"));
        assert!(lines.any(|line| line.contains(" ERROR ") && line.contains(why)), "{why}: {log}");
        fs::write(&certificate, &good[0]).unwrap();
        fs::write(&key, &good[1]).unwrap();
    }
    fs::remove_file(&certificate).unwrap();
    server.wait_for_log("server.crt is missing");
    assert_eq!(served(&server), before);
}

#[test]
fn ours_is_renewed_in_time_with_the_same_key() {
    for prepare in [aged::<336>, aged::<400>] {
        let server = Server::with(Options { prepare: Some(prepare), ..Options::default() });
        let read = |name: &str| fs::read_to_string(server.state(name)).unwrap();
        assert_eq!(read("apache/server.key"), read("old/server.key"));
        assert_ne!(read("apache/server.crt"), read("old/server.crt"));
        assert_eq!(served(&server), [read("apache/server.crt")]);
        assert!(lasts(&server.certificate(), 364 * DAY));
        server.wait_for_log("the certificate has been renewed with the same key");
        assert_eq!(server.curl("/livez").send().status, 200);
    }
}

#[test]
fn ours_is_left_alone_while_it_has_time() {
    let server = Server::with(Options { prepare: Some(aged::<330>), ..Options::default() });
    let read = |name: &str| fs::read_to_string(server.state(name)).unwrap();
    assert_eq!(read("apache/server.crt"), read("old/server.crt"));
    assert!(!server.log().contains("renewed"));
}

#[test]
fn the_end_of_an_operators_is_told_in_time_and_left_to_them() {
    let soon: fn(&Path) = |root| operators(root, &PKCS_ECDSA_P384_SHA384, 20 * DAY);
    let server = Server::with(Options { prepare: Some(soon), ..Options::default() });
    let log = server.log();
    let line = log.lines().find(|line| line.contains("put a new one there")).unwrap();
    assert!(line.contains(" WARN ") && line.contains("days left"), "{line}");
    assert_eq!(served(&server).concat(), fs::read_to_string(server.certificate()).unwrap());
}

#[test]
fn an_operators_certificate_without_its_key_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    operators(dir.path(), &PKCS_ECDSA_P384_SHA384, 90 * DAY);
    let prefix = dir.path().join("var/ecconfigd/apache");
    let certificate = fs::read(prefix.join("server.crt")).unwrap();
    fs::remove_file(prefix.join("server.key")).unwrap();
    let mut command = ecconfigd();
    let output = command.args(["--listen", "127.0.0.1:0", "--root"]).arg(dir.path()).output();
    assert!(fails(output.unwrap()).contains("server.key is missing"));
    assert_eq!(fs::read(prefix.join("server.crt")).unwrap(), certificate);
}

#[test]
fn what_create_ssl_cert_makes_is_taken_up_beside_the_running_server() {
    let server = Server::start();
    let old = tempfile::NamedTempFile::new().unwrap();
    fs::copy(server.certificate(), old.path()).unwrap();
    let user = User::from_uid(geteuid()).unwrap().unwrap().name;
    let output = Command::new(env!("CARGO_BIN_EXE_create_ssl_cert"))
        .args(["ecconfigd", "mgr.example.com"])
        .arg(server.state("apache"))
        .args([&user, "--new-key"])
        .output();
    succeeds(output.unwrap());
    eventually("the new certificate is served", || server.curl("/livez").send().status == 200);
    let port = server.address.port();
    let reply = Curl::new(&server.certificate(), &format!("https://mgr.example.com:{port}/livez"))
        .args(["--connect-to", &format!("mgr.example.com:{port}:{}", server.address)])
        .send();
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(Curl::new(old.path(), &server.url("/livez")).send().status, 0);
}

#[test]
fn one_that_is_taken_up_shows_in_the_status_and_tells_when_it_ends_soon() {
    let mut server = Server::start();
    operators(&server.root, &PKCS_ECDSA_P384_SHA384, 5 * DAY);
    let authority = server.state("authority.crt");
    let last_day = x509(&server.certificate(), &["-enddate", "-dateopt", "iso_8601"]);
    let last_day = last_day.trim().strip_prefix("notAfter=").unwrap()[..10].to_owned();
    server.wait_for(&format!("certificate valid until {last_day}"));
    server.wait_for_log("days left): put a new one there");
    assert_eq!(Curl::new(&authority, &server.url("/livez")).send().status, 200);
}

/// Puts an operator's own certificate in place, signed by an authority that is kept beside it.
fn operators(root: &Path, algorithm: &'static SignatureAlgorithm, validity: Duration) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "The operator's authority");
    let authority_key = KeyPair::generate_for(algorithm).unwrap();
    let authority = params.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(params, authority_key);

    let names = ["localhost", "127.0.0.1"].map(String::from);
    let mut params = CertificateParams::new(names).unwrap();
    params.not_after = (SystemTime::now() + validity).into();
    let key = KeyPair::generate_for(algorithm).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap().pem();

    let state = root.join("var/ecconfigd");
    let prefix = state.join("apache");
    fs::create_dir_all(&prefix).unwrap();
    fs::write(state.join("authority.crt"), &authority).unwrap();
    fs::write(prefix.join("server.key"), key.serialize_pem()).unwrap();
    fs::write(prefix.join("server.crt"), certificate + &authority).unwrap();
}

/// Puts a certificate of ours in place as it is after so many days, and a copy beside it.
fn aged<const DAYS: u32>(root: &Path) {
    let state = root.join("var/ecconfigd");
    let names = Names::of_machine("localhost").unwrap();
    fs::create_dir_all(state.join("old")).unwrap();
    ensure(&state.join("apache"), &names, SystemTime::now() - DAYS * DAY).unwrap();
    for name in ["server.crt", "server.key"] {
        fs::copy(state.join("apache").join(name), state.join("old").join(name)).unwrap();
    }
}

/// The certificates that a client is shown, each as PEM.
fn served(server: &Server) -> Vec<String> {
    let output = Command::new("openssl")
        .args(["s_client", "-showcerts", "-connect", &server.address.to_string()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    const END: &str = "-----END CERTIFICATE-----\n";
    let starts = text.match_indices("-----BEGIN CERTIFICATE-----").map(|(start, _)| start);
    let found: Vec<String> = starts
        .map(|start| &text[start..])
        .map(|rest| rest[..rest.find(END).unwrap() + END.len()].to_owned())
        .collect();
    assert!(!found.is_empty(), "{text}");
    found
}

/// Whether the certificate will still be valid after this time.
fn lasts(certificate: &Path, time: Duration) -> bool {
    let seconds = time.as_secs().to_string();
    let mut command = Command::new("openssl");
    command.args(["x509", "-noout", "-checkend", &seconds, "-in"]).arg(certificate);
    command.output().unwrap().status.success()
}

fn x509(certificate: &Path, options: &[&str]) -> String {
    let mut command = Command::new("openssl");
    succeeds(
        command.args(["x509", "-noout", "-in"]).arg(certificate).args(options).output().unwrap(),
    )
}
