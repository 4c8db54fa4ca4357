//! The packaged templates must pass the check their repository will make of them.

use super::config::{Scope, Statement, Value, parse};
use super::peers::from_msgc_server;

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!("../../compat/sample-configs/default/", $name))
    };
}

const MSGC_SERVER: &str = sample!("msgc_server.conf");

const SAMPLES: [(&str, &str); 5] = [
    ("ecelerity.conf", sample!("ecelerity.conf")),
    ("eccluster.conf", sample!("eccluster.conf")),
    ("ecelerity-cluster.conf", sample!("ecelerity-cluster.conf")),
    ("common.conf", sample!("common.conf")),
    ("msgc_server.conf", MSGC_SERVER),
];

fn read(name: &str) -> Scope {
    let (_, text) = SAMPLES.iter().find(|(sample, _)| *sample == name).expect("a sample");
    parse(text).unwrap_or_else(|error| panic!("{name}, {error}"))
}

#[test]
fn every_sample_is_valid_and_includes_only_samples() {
    for (name, _) in SAMPLES {
        let scope = read(name);
        assert!(!scope.statements.is_empty(), "{name} says nothing");
        for statement in &scope.statements {
            if let Statement::Include(include) = statement {
                assert!(SAMPLES.iter().any(|(sample, _)| *sample == include.path), "{include:?}");
            }
        }
    }
}

#[test]
fn the_sample_server_takes_mail_and_spools_it() {
    let ecelerity = read("ecelerity.conf");
    let listener = ecelerity.stanzas("ESMTP_Listener").next().expect("a listener");
    let listen = listener.body.stanzas("Listen").next().expect("a socket");
    assert_eq!(listen.argument.as_deref(), Some(":25"));
    let spools = |statement: &Statement| {
        matches!(statement, Statement::Option(option) if option.name == "SpoolBase"
            && option.value == Value::Text("/var/spool/ecelerity".to_owned()))
    };
    assert!(ecelerity.statements.iter().any(spools));
}

#[test]
fn the_sample_cluster_is_this_machine_alone() {
    let peers = from_msgc_server(MSGC_SERVER.as_bytes()).expect("valid");
    let names: Vec<_> = peers.iter().map(|peer| peer.name.as_str()).collect();
    assert_eq!(names, ["localhost"]);
    assert_eq!(peers[0].address.to_string(), "127.0.0.1");
}
