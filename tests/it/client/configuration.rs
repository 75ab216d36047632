//! Settings: what is taken, what is refused and how.

use paid::{AsyncPaid, Error, Paid};
use paid_sandbox::Sandbox;

fn problem<T: std::fmt::Debug>(result: Result<T, Error>) -> paid::InvalidRequest {
    match result {
        Err(Error::InvalidRequest(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_token_that_can_not_be_one_is_refused_without_showing_it() {
    for token in [
        "",
        "   ",
        "Bearer abcSECRET",
        "abc SECRET",
        "abcSECRET\n",
        "abc\r\nSECRET",
        "clé-SECRET",
        "abc\0SECRET",
        "\"abcSECRET\"",
        "'abcSECRET'",
        "`abcSECRET`",
        "\"abcSECRET",
    ] {
        for error in [problem(AsyncPaid::new(token)), problem(Paid::new(token))] {
            assert_eq!(error.field(), "token", "{token:?}");
            assert!(!format!("{error} {error:?}").contains("SECRET"), "{error}");
        }
    }
    let error = problem(AsyncPaid::builder().build());
    assert!(error.to_string().contains("PAID_API_KEY"), "{error}");
}

#[tokio::test]
async fn a_token_function_is_checked_when_it_is_asked() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = AsyncPaid::builder()
        .token(paid::Token::from_fn(|| "not\na token".into()))
        .base_url(sandbox.base_url())
        .build()
        .unwrap();
    let error = problem(client.customers().list().await);
    assert_eq!((error.field(), sandbox.requests().len()), ("token", 0));
}

#[test]
fn a_base_url_that_can_not_be_one_is_refused() {
    for url in [
        "",
        "api.agentpaid.io",
        "/api/v1",
        "ftp://host/api",
        "http://",
        "https://user:pw@host/api",
        "http://h/api?x=1",
        "http://h/api#x",
        "http://[::1",
        "file:///etc/passwd",
    ] {
        let error = problem(AsyncPaid::builder().token("k").base_url(url).build());
        assert_eq!(error.field(), "base_url", "{url:?}");
        assert!(!error.to_string().contains("pw"), "{error}");
    }
    for url in ["http://127.0.0.1:1/api/v1/", "http://127.0.0.1:1/api/v1", " http://127.0.0.1:1/api/v1/// "] {
        let client = AsyncPaid::builder().token("k").base_url(url).build().unwrap();
        assert_eq!(client.base_url(), "http://127.0.0.1:1/api/v1");
    }
}

/// Run with `--no-default-features --features blocking`.
#[test]
fn the_default_is_the_production_server_over_tls() {
    let client = AsyncPaid::new("k").unwrap();
    assert_eq!(client.base_url(), "https://api.agentpaid.io/api/v1");
    assert_eq!(paid::Environment::default(), paid::Environment::Production);
    let client = AsyncPaid::builder().token("k").environment(paid::Environment::Production).build().unwrap();
    assert_eq!(client.base_url(), paid::Environment::Production.base_url());
    problem(AsyncPaid::builder().token("k").timeout(std::time::Duration::ZERO).build());
}

#[test]
fn from_env_reads_key_and_base_url() {
    let sandbox = Sandbox::builder().any_api_key().start_blocking().unwrap();
    let run = |key: Option<&str>, url: Option<&str>| {
        String::from_utf8(super::diagnose(key, url).output().unwrap().stdout).unwrap()
    };
    let text = run(Some("key-SECRET"), Some(&sandbox.base_url()));
    assert!(text.contains("0 customers") && !text.contains("SECRET"), "{text}");
    assert!(sandbox.requests()[0].bearer_is("key-SECRET"));
    for key in [None, Some("")] {
        let text = run(key, Some(&sandbox.base_url()));
        assert!(text.contains("no client: `token`") && text.contains("PAID_API_KEY"), "{text}");
    }
    // A secret made with `echo` ends with a line end.
    for (key, url) in
        [("key-SECRET\n", format!("{}\n", sandbox.base_url())), (" key-SECRET\r\n", sandbox.base_url())]
    {
        sandbox.clear_requests();
        let text = run(Some(key), Some(&url));
        assert!(text.contains("0 customers"), "{text}");
        assert!(sandbox.requests()[0].bearer_is("key-SECRET"));
    }
    let text = run(Some("key"), Some("nonsense"));
    assert!(text.contains("no client: `base_url`: PAID_BASE_URL is not an absolute URL"), "{text}");
    let text = run(Some("\"key\""), Some(&sandbox.base_url()));
    assert!(text.contains("no client: `token`: PAID_API_KEY is in quotes"), "{text}");
    let text = run(Some(" \n"), Some(&sandbox.base_url()));
    assert!(text.contains("PAID_API_KEY"), "{text}");
}

#[tokio::test]
async fn a_reqwest_client_of_the_callers_own_is_used() {
    let sandbox = Sandbox::start().await.unwrap();
    let headers = reqwest::header::HeaderMap::from_iter([(
        reqwest::header::HeaderName::from_static("x-mine"),
        reqwest::header::HeaderValue::from_static("yes"),
    )]);
    let own = reqwest::Client::builder().default_headers(headers).build().unwrap();
    let client = AsyncPaid::builder()
        .token(sandbox.api_key())
        .base_url(sandbox.base_url())
        .reqwest_client(own)
        .build()
        .unwrap();
    client.customers().list().await.unwrap();
    assert_eq!(sandbox.requests()[0].header("x-mine"), Some("yes"));
}

#[test]
fn no_crypto_provider_is_installed_for_the_process() {
    let _client = AsyncPaid::new("k").unwrap();
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}
