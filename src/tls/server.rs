use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};

use super::error::Error;
use super::leaf::Fingerprint;
use super::pair::Pair;

/// The server's side of TLS. Its certificate can be exchanged at any time: running
/// connections stay as they are, new handshakes show the new one.
#[derive(Debug)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    pub(super) served: Arc<Served>,
}

#[derive(Debug)]
pub(super) struct Served(ArcSwap<Pair>);

impl Served {
    pub(super) fn now(&self) -> Arc<CertifiedKey> {
        self.0.load().certified.clone()
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }
}

impl ServerTls {
    /// TLS 1.2 and 1.3 with `pair`, for HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// [`Error::Tls`] if the system has no randomness for ticket keys.
    pub fn new(pair: Pair) -> Result<ServerTls, Error> {
        let served = Arc::new(Served(ArcSwap::from_pointee(pair)));
        let mut config = versions()
            .map_err(Error::Tls)?
            .with_no_client_auth()
            .with_cert_resolver(served.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Sessions live in the clients' tickets, so thousands of nodes cost no memory.
        config.ticketer = Ticketer::new().map_err(Error::Tls)?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(ServerTls { config: Arc::new(config), served })
    }

    /// The configuration for accepting connections; it follows [`ServerTls::swap`].
    pub fn config(&self) -> Arc<ServerConfig> {
        self.config.clone()
    }

    /// Shows `pair` from the next handshake on.
    pub fn swap(&self, pair: Pair) {
        self.served.0.store(Arc::new(pair));
    }

    /// The fingerprint of the certificate that is shown.
    pub fn fingerprint(&self) -> Fingerprint {
        self.served.0.load().fingerprint()
    }

    /// The last day, in UTC, of the certificate that is shown.
    pub fn last_day(&self) -> String {
        self.served.0.load().last_day()
    }
}

/// The provider is named because a process-wide default may be missing, or set by
/// somebody else.
pub(super) fn versions() -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, rustls::Error> {
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use rustls::client::Resumption;
    use rustls::pki_types::ServerName;
    use rustls::{
        ClientConfig, ClientConnection, HandshakeKind, ProtocolVersion, RootCertStore,
        ServerConnection, SupportedProtocolVersion,
    };
    use tempfile::tempdir;

    use super::super::names::Names;
    use super::super::upkeep::ensure;
    use super::*;

    fn new_pair() -> Pair {
        let names = Names::of_machine("mgr.example.com").unwrap();
        let prefix = tempdir().unwrap();
        ensure(prefix.path(), &names, std::time::SystemTime::now()).unwrap().0
    }

    /// A client that trusts the one certificate of `pair`.
    fn client(pair: &Pair, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(pair.chain()[0].clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.resumption = Resumption::in_memory_sessions(8);
        Arc::new(config)
    }

    struct Link {
        client: ClientConnection,
        server: ServerConnection,
    }

    impl Link {
        fn handshake(
            tls: &ServerTls,
            client: &Arc<ClientConfig>,
            host: &'static str,
        ) -> Result<Link, rustls::Error> {
            let name = ServerName::try_from(host).unwrap();
            let mut link = Link {
                client: ClientConnection::new(client.clone(), name)?,
                server: ServerConnection::new(tls.config())?,
            };
            while link.client.is_handshaking() || link.server.is_handshaking() {
                link.exchange()?;
            }
            link.exchange()?;
            Ok(link)
        }

        fn exchange(&mut self) -> Result<(), rustls::Error> {
            let mut wire = Vec::new();
            while self.client.wants_write() {
                self.client.write_tls(&mut wire).unwrap();
            }
            deliver(&wire, |bytes| self.server.read_tls(bytes).unwrap());
            self.server.process_new_packets()?;
            wire.clear();
            while self.server.wants_write() {
                self.server.write_tls(&mut wire).unwrap();
            }
            deliver(&wire, |bytes| self.client.read_tls(bytes).unwrap());
            self.client.process_new_packets().map(|_| ())
        }
    }

    fn deliver(mut wire: &[u8], mut read: impl FnMut(&mut &[u8]) -> usize) {
        while !wire.is_empty() {
            assert_ne!(read(&mut wire), 0, "the receiver takes no more");
        }
    }

    #[test]
    fn both_versions_are_spoken_and_http2_is_chosen() {
        let pair = new_pair();
        let clients = [&TLS12, &TLS13].map(|version| client(&pair, version));
        let tls = ServerTls::new(pair).unwrap();
        let versions = clients.map(|client| {
            let link = Link::handshake(&tls, &client, "localhost").unwrap();
            assert_eq!(link.client.alpn_protocol(), Some(b"h2".as_slice()));
            link.client.protocol_version().unwrap()
        });
        assert_eq!(versions, [ProtocolVersion::TLSv1_2, ProtocolVersion::TLSv1_3]);
    }

    #[test]
    fn the_certificate_is_valid_for_the_names_of_the_machine_and_no_others() {
        let pair = new_pair();
        let client = client(&pair, &TLS13);
        let tls = ServerTls::new(pair).unwrap();
        for host in ["mgr.example.com", "mgr", "localhost", "127.0.0.1", "::1"] {
            Link::handshake(&tls, &client, host).unwrap();
        }
        assert!(Link::handshake(&tls, &client, "other.example.com").is_err());
    }

    #[test]
    fn a_swap_shows_in_new_handshakes_and_spares_running_connections() {
        let (old, new) = (new_pair(), new_pair());
        let (trusts_old, trusts_new) = (client(&old, &TLS13), client(&new, &TLS13));
        let tls = ServerTls::new(old).unwrap();
        let mut running = Link::handshake(&tls, &trusts_old, "mgr").unwrap();
        assert!(Link::handshake(&tls, &trusts_new, "mgr").is_err());

        let (fingerprint, last_day) = (new.fingerprint(), new.last_day());
        tls.swap(new);
        assert_eq!((tls.fingerprint(), tls.last_day()), (fingerprint, last_day));
        Link::handshake(&tls, &trusts_new, "mgr").unwrap();
        running.client.writer().write_all(b"still here").unwrap();
        running.exchange().unwrap();
        let mut said = [0; 10];
        running.server.reader().read_exact(&mut said).unwrap();
        assert_eq!(&said, b"still here");
    }

    #[test]
    fn a_session_is_resumed_by_ticket() {
        for version in [&TLS12, &TLS13] {
            let pair = new_pair();
            let client = client(&pair, version);
            let tls = ServerTls::new(pair).unwrap();
            let kinds = [(); 2].map(|()| {
                let link = Link::handshake(&tls, &client, "mgr").unwrap();
                link.client.handshake_kind().unwrap()
            });
            assert!(matches!(kinds[0], HandshakeKind::Full));
            assert!(matches!(kinds[1], HandshakeKind::Resumed));
        }
    }
}
