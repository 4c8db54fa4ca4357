//! `eccfg join`: makes this machine's ecconfigd a member of a server's cluster.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use hyper::Method;
use serde_json::{Value, json};

use crate::files;
use crate::momentum::{Address, is_same_node, peers};
use crate::node::given::Given;
use crate::node::remote::Remote;
use crate::node::session::Session;
use crate::node::working_copy::GLOBAL;
use crate::node::{Error, args};
use crate::tls::{self, KeyId};

const NOW_RESTART: &str = "This machine's ecconfigd is let into the cluster. It joins when it is \
                           started again: systemctl restart ecconfigd";

pub fn run(session: &Session, options: &args::Join, given: Given) -> Result<(), Error> {
    let Some(key) = own_key(session)? else {
        return Err(Error::Refused(format!(
            "there is no certificate in {}: start ecconfigd here once, which makes one: systemctl start ecconfigd",
            session.layout.certificates().display(),
        )));
    };
    let server: Address = options
        .server
        .parse()
        .map_err(|error: crate::momentum::AddressError| Error::Usage(error.to_string()))?;
    session.meet(&server, &options.meeting, given)?;
    let login = session.login()?;
    let mut remote = session.connect_to(&[server], login)?;
    if !is_other(&remote, key)? {
        return Err(Error::Refused("this is the ecconfigd of this very machine".into()));
    }
    must_be_away(&mut remote, &own_name(session)?, key)?;
    join(session, &mut remote, key)
}

/// A member that joins begins with an empty log, which costs the cluster the vote of the old one.
/// With another key it must, though connections of old may still be there.
fn must_be_away(remote: &mut Remote, name: &str, key: KeyId) -> Result<(), Error> {
    let key = key.to_string();
    let answer = remote.call(Method::GET, "/members", None)?;
    let members = answer["members"].as_array().into_iter().flatten();
    let is_there = |member: &Value| {
        member["name"] == name && member["key"] == key && !member["standing"].is_null()
    };
    match members.into_iter().any(is_there) {
        true => Err(Error::Refused(format!(
            "{name} is a member of that cluster and answers: there is nothing to do (ecconfigd members, on a server, lists all)"
        ))),
        false => Ok(()),
    }
}

/// What bootstrap does of it: on a machine that has no ecconfigd, or a member already, nothing.
pub fn after_bootstrap(session: &Session, remote: &mut Remote) -> Result<(), Error> {
    let Some(key) = own_key(session)? else {
        if is_listed(session)? {
            session.output.say(format_args!(
                "This machine is listed as a server of the cluster, but its ecconfigd was never started. To make it a member, as an administrator: systemctl start ecconfigd, then eccfg join {}",
                remote.address(),
            ));
        }
        return Ok(());
    };
    if session.layout.cluster_log().exists() || !is_other(remote, key)? {
        return Ok(());
    }
    match join(session, remote, key) {
        Err(Error::Refused(why)) => {
            session.output.say(format_args!(
                "This machine's ecconfigd stays alone ({why}). To make it a member, as an administrator: eccfg join {}",
                remote.address(),
            ));
            Ok(())
        }
        result => result,
    }
}

fn own_key(session: &Session) -> Result<Option<KeyId>, Error> {
    let dir = session.layout.certificates();
    match dir.join("server.crt").exists() {
        false => Ok(None),
        true => tls::key_of(&dir).map(Some).map_err(|e| Error::Refused(e.to_string())),
    }
}

fn is_other(remote: &Remote, key: KeyId) -> Result<bool, Error> {
    let theirs = KeyId::of(remote.certificate()).map_err(|e| Error::Refused(e.to_string()))?;
    Ok(theirs != key)
}

fn own_name(session: &Session) -> Result<String, Error> {
    let host = nix::unistd::gethostname().unwrap_or_default();
    let host = host.to_string_lossy();
    let boot = session.cluster_boot()?;
    let name = boot.and_then(|boot| boot.node_name).unwrap_or_else(|| host.into_owned());
    Ok(name.to_ascii_lowercase())
}

/// Whether the configuration that was checked out has this machine among its servers. One that
/// cannot be read lists nobody: the servers say what is wrong with it.
fn is_listed(session: &Session) -> Result<bool, Error> {
    let global = session.paths()?.tree.join(GLOBAL);
    let [msgc_server, mbus] = peers::FILES.map(|name| fs::read(global.join(name)).ok());
    let listed = peers::from_files(msgc_server.as_deref(), mbus.as_deref()).unwrap_or_default();
    let name = own_name(session)?;
    Ok(listed.iter().any(|peer| is_same_node(&peer.name.to_ascii_lowercase(), &name)))
}

fn join(session: &Session, remote: &mut Remote, key: KeyId) -> Result<(), Error> {
    let body = json!({ "name": own_name(session)?, "key": key.to_string() });
    let introduction = remote.call(Method::POST, "/members", Some(&body))?;
    let (dir, file) = (session.layout.cluster(), session.layout.introduction());
    put_aside(&dir).map_err(Error::file(&dir))?;
    DirBuilder::new().mode(0o700).create(&dir).map_err(Error::file(&dir))?;
    files::replace_private(&file, &introduction.to_string()).map_err(Error::file(&file))?;
    session.output.say(NOW_RESTART);
    Ok(())
}

/// What is there of an earlier cluster, or of an earlier key, has nothing to say any more.
fn put_aside(dir: &Path) -> io::Result<()> {
    let name = |n: u32| dir.with_added_extension(format!("before-joining-{n}"));
    let aside = (1..).map(name).find(|path| !path.exists());
    let aside = aside.ok_or_else(|| io::Error::other("there is no name left"))?;
    match fs::rename(dir, aside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        renamed => renamed,
    }
}
