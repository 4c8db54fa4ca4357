//! Which servers to ask, in which order.

use crate::momentum::{Address, ClusterBoot, RepoSource};

/// Those that cluster.boot names; `origin` is where the working copy came from.
pub fn addresses(boot: Option<&ClusterBoot>, origin: Option<&Address>) -> Vec<Address> {
    let auto = [RepoSource::Auto];
    let sources = boot.map_or(&auto[..], |boot| &boot.repo);
    let mut addresses: Vec<Address> = Vec::new();
    for source in sources {
        let address = match source {
            RepoSource::Auto => match (origin, boot.and_then(|boot| boot.ecconfigd.as_ref())) {
                (Some(origin), _) => origin.clone(),
                (None, Some(host)) => Address { host: host.clone(), port: None },
                (None, None) => local(),
            },
            RepoSource::Local => local(),
            RepoSource::Server(address) => address.clone(),
        };
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

fn local() -> Address {
    Address { host: "127.0.0.1".to_owned(), port: None }
}
