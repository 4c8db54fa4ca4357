//! Where a node's configuration comes from, as `repo` of cluster.boot says.

use crate::momentum::{Address, ClusterBoot, RepoSource};

/// The servers to be tried, in this order, each once. `origin` is where the working copy came from;
/// while there is none, `ecconfigd.1` is tried in its stead, after all others. Where nothing names
/// one, it is the server on this machine.
pub fn addresses(boot: Option<&ClusterBoot>, origin: Option<&Address>) -> Vec<Address> {
    let sources = boot.map_or(&[RepoSource::Auto][..], |boot| &boot.repo);
    let named = sources.iter().filter_map(|source| match source {
        RepoSource::Auto => origin.cloned(),
        RepoSource::Local => Some(this_machine()),
        RepoSource::Server(address) => Some(address.clone()),
    });
    let is_new_node = origin.is_none() && sources.contains(&RepoSource::Auto);
    let installed = boot.filter(|_| is_new_node).and_then(installed);
    let mut found: Vec<Address> = Vec::new();
    for address in named.chain(installed) {
        let address = address.with_default_port();
        if !found.iter().any(|other| is_same(other, &address)) {
            found.push(address);
        }
    }
    if found.is_empty() {
        found.push(this_machine());
    }
    found
}

fn is_same(one: &Address, other: &Address) -> bool {
    one.host.eq_ignore_ascii_case(&other.host) && one.port == other.port
}

fn this_machine() -> Address {
    Address { host: "127.0.0.1".to_owned(), port: None }.with_default_port()
}

/// The host that the installer wrote down.
fn installed(boot: &ClusterBoot) -> Option<Address> {
    let text = boot.ecconfigd.as_deref()?;
    let address = text.parse();
    if address.is_err() {
        tracing::warn!("ecconfigd.1={text} in cluster.boot is no host name: it is passed over");
    }
    address.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(lines: &str, from: Option<&str>) -> Vec<String> {
        let boot = ClusterBoot::parse(&format!("cluster_name=default\n{lines}\n")).unwrap();
        let from = from.map(|text| text.parse().unwrap());
        addresses(Some(&boot), from.as_ref()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn they_are_tried_in_the_order_of_the_file_and_once() {
        let lines = "repo=auto,mgr2,local,MGR1:2027,mgr2:2028,127.0.0.1";
        let expected = ["mgr1:2027", "mgr2:2027", "127.0.0.1:2027", "mgr2:2028"];
        assert_eq!(tried(lines, Some("mgr1")), expected);
    }

    #[test]
    fn a_new_node_asks_the_installers_server_last() {
        assert_eq!(tried("ecconfigd.1=mgr", None), ["mgr:2027"]);
        assert_eq!(tried("repo=auto,local\necconfigd.1=mgr", None), ["127.0.0.1:2027", "mgr:2027"]);
        assert_eq!(tried("repo=local\necconfigd.1=mgr", None), ["127.0.0.1:2027"]);
        assert_eq!(tried("ecconfigd.1=mgr", Some("other")), ["other:2027"]);
    }

    #[test]
    fn where_nothing_names_a_server_it_is_the_one_on_this_machine() {
        for lines in ["", "ecconfigd.1=a b"] {
            assert_eq!(tried(lines, None), ["127.0.0.1:2027"], "{lines}");
        }
        assert_eq!(addresses(None, None), [this_machine()]);
    }
}
