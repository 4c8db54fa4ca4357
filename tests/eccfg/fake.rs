//! A server that says what no ecconfigd would, and when it wants.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use ecconfigd::momentum::Address;
use ecconfigd::tls::Fingerprint;
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::node::Node;

pub struct Fake {
    pub address: Address,
    pub certificate: Fingerprint,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// One connection.
pub struct Talk {
    stream: StreamOwned<ServerConnection, TcpStream>,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Fake {
    /// Has a certificate that nobody has signed but itself. `talk` gets each connection that is
    /// used, and its number.
    pub fn new(talk: impl Fn(usize, &mut Talk) + Send + 'static) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self::with(vec![certificate], &key, talk)
    }

    pub fn with(
        chain: Vec<CertificateDer<'static>>,
        key: &KeyPair,
        talk: impl Fn(usize, &mut Talk) + Send + 'static,
    ) -> Self {
        let certificate = Fingerprint::of(&chain[0]);
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            // The key need not be that of the certificate.
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(
                chain,
                any_supported_type(&key.serialize_der().try_into().unwrap()).unwrap(),
            ))));
        let config = Arc::new(config);
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = requests.clone();
        let address = listen(move |number, socket| {
            let session = ServerConnection::new(config.clone()).unwrap();
            let stream = StreamOwned::new(session, socket);
            talk(number, &mut Talk { stream, requests: kept.clone() });
        });
        Self { address, certificate, requests }
    }

    /// Gives each request the same answer.
    pub fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::new(move |_, talk| {
            while talk.request().is_some() {
                talk.send(&answer);
            }
        })
    }

    /// A node that trusts this server.
    #[track_caller]
    pub fn node(&self) -> Node {
        let mut node = Node::alone();
        node.accept(&self.address, self.certificate);
        node
    }

    /// The heads of the requests that have come.
    pub fn requests(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|request| String::from_utf8_lossy(request).into_owned()).collect()
    }
}

impl Talk {
    /// The next request, with its body; `None` if the client goes away.
    pub fn request(&mut self) -> Option<Vec<u8>> {
        let mut request = Vec::new();
        let head = loop {
            if let Some(at) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            self.more(&mut request)?;
        };
        let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = head + length.map_or(0, |length| length.parse::<usize>().unwrap());
        while request.len() < length {
            self.more(&mut request)?;
        }
        self.requests.lock().unwrap().push(request[..head].to_vec());
        Some(request)
    }

    fn more(&mut self, request: &mut Vec<u8>) -> Option<()> {
        let mut buffer = [0; 16 << 10];
        match self.stream.read(&mut buffer) {
            Ok(0) | Err(_) => None,
            Ok(length) => {
                request.extend(&buffer[..length]);
                Some(())
            }
        }
    }

    /// Sends bytes, which the client need not want any more.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
        let _ = self.stream.flush();
    }
}

/// A port of this machine; `serve` gets each connection and its number, on a thread of its own.
pub fn listen(serve: impl FnMut(usize, TcpStream) + Send + 'static) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut serve = serve;
    thread::spawn(move || {
        for (number, socket) in listener.incoming().enumerate() {
            serve(number, socket.unwrap());
        }
    });
    address.to_string().parse().unwrap()
}

/// An answer with a length.
pub fn answer(
    status: &str,
    headers: &[&str],
    content_type: &str,
    body: impl AsRef<[u8]>,
) -> Vec<u8> {
    let body = body.as_ref();
    let more: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n{more}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

pub fn text(status: &str, body: &str) -> Vec<u8> {
    answer(status, &[], "text/plain; charset=utf-8", body)
}

pub fn json(body: &str) -> Vec<u8> {
    answer("200 OK", &[], "application/json", body)
}
