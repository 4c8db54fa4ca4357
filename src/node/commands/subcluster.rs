//! `eccfg subcluster …`: asks the server, and touches no files.

use hyper::Method;
use serde_json::{Value, json};

use crate::node::Error;
use crate::node::args::Subcluster;
use crate::node::remote::Remote;
use crate::node::session::Session;

pub fn run(session: &Session, command: &Subcluster) -> Result<(), Error> {
    let mut remote = session.connect_to_any()?;
    let say = |line: String| session.output.say(line);
    match command {
        Subcluster::Clusters => clusters(session, &mut remote)?,
        Subcluster::Conflict { cluster } => {
            ask(&mut remote, Method::PUT, cluster, "/conflict", None)?;
            say(format!("{cluster} is in CONFLICT: updates and commits are refused"));
        }
        Subcluster::Resolve { cluster } => {
            ask(&mut remote, Method::DELETE, cluster, "/conflict", None)?;
            say(format!("{cluster} is no longer in CONFLICT"));
        }
        Subcluster::Create { cluster } => {
            ask(&mut remote, Method::PUT, cluster, "", None)?;
            say(format!("Created {cluster}"));
        }
        Subcluster::Copy { with_history, source, destination } => {
            let body = json!({ "to": destination, "history": with_history });
            ask(&mut remote, Method::POST, source, "/copy", Some(&body))?;
            say(format!("Copied {source} to {destination}"));
        }
        Subcluster::Master { cluster } => {
            let answer = ask(&mut remote, Method::GET, &first(cluster), "/master", None)?;
            session.output.answer(answer["master"].as_str().unwrap_or_default());
        }
        Subcluster::Slaves { verbose: true, cluster } => {
            let answer = ask(&mut remote, Method::GET, &first(cluster), "/slaves", None)?;
            for (name, behind) in answer["behind"].as_object().into_iter().flatten() {
                session.output.answer(format!("{name:<24} {behind} behind"));
            }
        }
        Subcluster::Slaves { cluster, .. } => {
            let answer = ask(&mut remote, Method::GET, &first(cluster), "/slaves", None)?;
            let names = answer["slaves"].as_array().into_iter().flatten();
            let names: Vec<&str> = names.filter_map(Value::as_str).collect();
            session.output.answer(names.join(" "));
        }
        Subcluster::Override { cluster, node } => {
            let body = json!({ "node": node });
            ask(&mut remote, Method::PUT, cluster, "/override", Some(&body))?;
            say(format!("{node} stays MASTER of {cluster}"));
        }
        Subcluster::Resume { cluster, node } => {
            let body = json!({ "node": node });
            ask(&mut remote, Method::DELETE, cluster, "/override", Some(&body))?;
            say(format!("{node} is MASTER of {cluster} until another one is elected"));
        }
    }
    Ok(())
}

/// One line, names separated by spaces, `!` before one in CONFLICT.
fn clusters(session: &Session, remote: &mut Remote) -> Result<(), Error> {
    let heads = remote.subclusters(&[])?;
    let mark = |conflict| if conflict { "!" } else { "" };
    let names: Vec<String> =
        heads.iter().map(|head| format!("{}{}", mark(head.conflict), head.name)).collect();
    session.output.answer(names.join(" "));
    Ok(())
}

/// The one that an installation without others has.
fn first(cluster: &Option<String>) -> String {
    cluster.clone().unwrap_or_else(|| "default".to_owned())
}

fn ask(
    remote: &mut Remote,
    method: Method,
    cluster: &str,
    what: &str,
    body: Option<&Value>,
) -> Result<Value, Error> {
    let cluster =
        percent_encoding::utf8_percent_encode(cluster, percent_encoding::NON_ALPHANUMERIC);
    Ok(remote.call(method, &format!("/subclusters/{cluster}{what}"), body)?)
}
