//! TLS that fails: spans wait, the program is told why in words that help, and few handshakes are tried.

use std::sync::Arc;
use std::time::{Duration, Instant};

use paid::tracing::{TracingOptions, delivery, initialize_tracing};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::alone::{alone_with, is_child};
use crate::answer::Answer;
use crate::collector::{Collector, Speech};
use crate::outage::attempts;
use crate::{Books, KEY, counts, emit_spans, log, settle, unique, wait_until};

/// Where the system's certificates are, as far as the process knows.
const ROOTS: &str = "SSL_CERT_FILE";

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    /// A server with a certificate for this name, as it is or spoilt.
    fn server(&self, name: &str, spoil: impl FnOnce(&mut CertificateParams)) -> Speech {
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
        Speech::Tls(Arc::new(config))
    }

    fn good_server(&self) -> Speech {
        self.server("localhost", |_| ())
    }
}

/// Runs a test in a process that trusts nobody but the authority that it makes.
fn trusting<F: FnOnce()>(test: F) {
    let file =
        std::env::temp_dir().join(format!("paid-roots-{}.pem", paid::tracing::generate_tracing_token()));
    alone_with(&[(ROOTS, file.to_str().unwrap())], test);
    if !is_child() {
        let _ = std::fs::remove_file(file);
    }
}

/// The authority that this process trusts.
fn trusted() -> Authority {
    let authority = Authority::new("trusted");
    std::fs::write(std::env::var(ROOTS).unwrap(), &authority.pem).unwrap();
    authority
}

/// Holds everything and says why; then the collector is mended, on the same port.
fn held_until_mended(endpoint: &str, collector: &Collector, good: Speech, words: &[&str]) {
    log::keep();
    initialize_tracing(TracingOptions::new().api_key(KEY).collector_endpoint(endpoint)).unwrap();
    let books = Books::watch();
    for _ in 0..3 {
        emit_spans(500);
    }
    wait_until("it says why", || delivery().problem().is_some());
    assert!(!delivery().flush(Duration::from_millis(300)));
    assert_eq!(counts(), [0, 1500, 0, 0]);
    let problem = delivery().problem().unwrap().to_lowercase();
    let logged = log::lines("held").join("\n").to_lowercase();
    for word in words {
        assert!(word.split('|').any(|word| problem.contains(word)), "no {word} in: {problem}");
        assert!(word.split('|').any(|word| logged.contains(word)), "no {word} in: {logged}");
    }
    assert_eq!(log::lines("held").len(), 1, "it is said once");

    collector.speaks(good);
    let mended = Instant::now();
    settle();
    assert!(mended.elapsed() < Duration::from_secs(10), "{:?}", mended.elapsed());
    books.close(1500, 0, 0);
    assert_eq!(unique(collector.taken()).len(), 1500);
}

/// A server that is wrong in some way, until it is not.
fn wrong_server(wrong: impl FnOnce(&Authority) -> Speech, words: &[&str]) {
    let authority = trusted();
    let collector = Collector::start(|_| Answer::ok());
    collector.speaks(wrong(&authority));
    held_until_mended(&collector.https_endpoint(), &collector, authority.good_server(), words);
}

fn expired(params: &mut CertificateParams) {
    params.not_before = rcgen::date_time_ymd(2019, 1, 1);
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
}

#[test]
fn spans_go_out_over_tls() {
    trusting(|| {
        let authority = trusted();
        let collector = Collector::start(|_| Answer::ok());
        collector.speaks(authority.good_server());
        let options = TracingOptions::new().api_key(KEY).collector_endpoint(collector.https_endpoint());
        initialize_tracing(options).unwrap();
        let books = Books::watch();
        emit_spans(10);
        settle();
        books.close(10, 0, 0);
        assert_eq!(unique(collector.taken()).len(), 10);
    });
}

#[test]
fn spans_wait_while_the_certificate_has_expired() {
    trusting(|| {
        wrong_server(|authority| authority.server("localhost", expired), &["certificate", "expired"])
    });
}

#[test]
fn spans_wait_while_the_certificate_is_for_another_host() {
    trusting(|| {
        let wrong = |authority: &Authority| authority.server("elsewhere.example", |_| ());
        wrong_server(wrong, &["certificate", "not valid for name|hostname"]);
    });
}

#[test]
fn spans_wait_while_the_certificate_is_of_an_unknown_authority() {
    trusting(|| {
        let wrong = |_: &Authority| Authority::new("nobody knows it").good_server();
        wrong_server(wrong, &["certificate", "issuer|authority|trust"]);
    });
}

#[test]
fn spans_wait_while_the_collector_does_not_speak_tls() {
    // What to do about it is to write http, or to ask another port.
    trusting(|| wrong_server(|_| Speech::BadRequest, &["tls|https"]));
}

#[test]
fn spans_wait_while_the_endpoint_is_http_and_the_collector_speaks_tls() {
    trusting(|| {
        let authority = trusted();
        let collector = Collector::start(|_| Answer::ok());
        collector.speaks(authority.good_server());
        held_until_mended(&collector.endpoint(), &collector, Speech::Plain, &["http"]);
    });
}

#[test]
fn few_handshakes_are_tried_that_fail() {
    trusting(|| {
        let authority = trusted();
        let collector = Collector::start(|_| Answer::ok());
        collector.speaks(authority.server("localhost", expired));
        let endpoint = collector.https_endpoint();
        initialize_tracing(TracingOptions::new().api_key(KEY).collector_endpoint(endpoint)).unwrap();
        let books = Books::watch();
        let attempts = attempts(&collector);
        assert!((2..=60).contains(&attempts), "{attempts} handshakes");
        collector.speaks(authority.good_server());
        settle();
        books.close(6000, 0, 0);
    });
}
