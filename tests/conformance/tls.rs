//! TLS: certificates that are missing, that come later, and servers that are refused for good.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

use paid_sandbox::Sandbox;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::KEY;
use crate::driver::{Driver, Mode};

/// An authority, and the file that a system which trusts it keeps its certificate in.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    file: PathBuf,
}

impl Authority {
    /// The file is not there yet.
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let token = paid::tracing::generate_tracing_token();
        params.distinguished_name.push(rcgen::DnType::CommonName, token.to_string());
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let name = format!("paid-client-roots-{token}.pem");
        Authority { issuer: Issuer::new(params, key), pem, file: std::env::temp_dir().join(name) }
    }

    fn trusted() -> Self {
        let authority = Authority::new();
        authority.install();
        authority
    }

    fn install(&self) {
        std::fs::write(&self.file, &self.pem).unwrap();
    }

    /// A server with a certificate for this name that answers everything with an empty list. Its port.
    fn server(&self, name: &str, spoil: impl FnOnce(&mut CertificateParams)) -> u16 {
        let mut params = CertificateParams::new([name.to_string()]).unwrap();
        spoil(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that refuses the certificate ends the connection, which is no fault here.
                let _ = serve(stream, config.clone());
            }
        });
        port
    }

    fn driver(&self, mode: Mode, base_url: &str) -> Driver {
        let file = self.file.to_str().unwrap();
        let variables = [
            ("PAID_BASE_URL", base_url),
            ("PAID_API_KEY", KEY),
            ("SSL_CERT_FILE", file),
            ("SSL_CERT_DIR", "/nonexistent"),
        ];
        Driver::with(mode, variables)
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        request.extend(byte);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]")?;
    stream.flush()
}

fn list(driver: &mut Driver) -> Value {
    driver.call("customers.list", &[], json!({}))
}

/// The error of a connection that is not tried again.
fn refusal(answer: &Value) -> &str {
    let error = &answer["error"];
    assert_eq!((&error["kind"], &error["attempts"]), (&json!("transport"), &json!(1)), "{answer}");
    error["message"].as_str().unwrap()
}

#[test]
fn without_certificates_http_works_and_https_says_what_to_install() {
    let sandbox = Sandbox::builder().any_api_key().start_blocking().unwrap();
    for mode in [Mode::Async, Mode::Blocking] {
        let authority = Authority::new();
        let port = authority.server("localhost", |_| ());
        let mut plain = authority.driver(mode, &sandbox.base_url());
        assert_eq!(list(&mut plain), json!({"ok": []}));

        let mut driver = authority.driver(mode, &format!("https://localhost:{port}/api/v1"));
        for _ in 0..2 {
            let answer = list(&mut driver);
            assert_eq!(answer["error"]["kind"], "transport", "{answer}");
            assert!(answer["error"]["message"].as_str().unwrap().contains("ca-certificates"), "{answer}");
        }
        authority.install();
        assert_eq!(list(&mut driver), json!({"ok": []}), "certificates that come later are found");
    }
}

#[test]
fn a_server_that_is_not_trusted_is_refused_at_once_in_words_that_help() {
    let trusted = Authority::trusted();
    let expired = |params: &mut CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    };
    let cases = [
        (Authority::new().server("localhost", |_| ()), "authority that this system does not trust"),
        (trusted.server("localhost", expired), "too old"),
        (trusted.server("elsewhere.test", |_| ()), "is for another host"),
    ];
    for mode in [Mode::Async, Mode::Blocking] {
        for (port, words) in &cases {
            let mut driver = trusted.driver(mode, &format!("https://localhost:{port}/api/v1"));
            let answer = list(&mut driver);
            let message = refusal(&answer);
            let host = format!("could not connect to the API at localhost:{port} (base_url, PAID_BASE_URL)");
            assert!(message.contains(words) && message.contains(&host), "{message}");
        }
    }
}

#[test]
fn https_to_a_server_without_tls_says_so_at_once() {
    let trusted = Authority::trusted();
    let sandbox = Sandbox::builder().any_api_key().start_blocking().unwrap();
    let base_url = sandbox.base_url().replace("http://127.0.0.1", "https://localhost");
    let answer = list(&mut trusted.driver(Mode::Blocking, &base_url));
    assert!(refusal(&answer).contains("does not speak TLS"), "{answer}");
}
