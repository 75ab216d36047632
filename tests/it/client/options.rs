//! Options of a call, and what the SDK adds to each request.

use std::time::{Duration, Instant};

use paid::types::{CustomerCreate, CustomerUpdate, UsageRecordBulk};
use paid_sandbox::Fault;
use serde_json::json;

#[tokio::test]
async fn a_request_says_which_sdk_sent_it() {
    let (sandbox, client) = super::start().await;
    client.customers().list().await.unwrap();
    let request = &sandbox.requests()[0];
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(request.header("user-agent"), Some(format!("paid-rust/{version}").as_str()));
    assert_eq!(request.header("x-fern-language"), Some("Rust"));
    assert_eq!(request.header("x-fern-sdk-name"), Some("paid-rust"));
    assert_eq!(request.header("x-fern-sdk-version"), Some(version));
    assert_eq!(request.header("accept"), Some("application/json"));
    assert_eq!(request.header("api-version"), None);
    assert_eq!(request.header("content-type"), None);
    assert!(request.bearer_is(sandbox.api_key()));
}

#[tokio::test]
async fn options_reach_the_wire() {
    let (sandbox, client) = super::start().await;
    client
        .customers()
        .create(CustomerCreate::new("Acme"))
        .header("X-Extra", "1")
        .header("x-extra", "2")
        .header("User-Agent", "mine/1.0")
        .query("q", "a b&c")
        .query("list", json!(["x", "y"]))
        .query("none", json!(null))
        .query("obj", json!({"k": {"z": true}}))
        .body_field("extra", json!({"a": [1, 2.0, null]}))
        .body_field("name", "Replaced")
        .idempotency_key("key-1")
        .await
        .unwrap();
    let request = &sandbox.requests()[0];
    assert_eq!(request.query(), Some("q=a+b%26c&list=x&list=y&obj%5Bk%5D%5Bz%5D=true"));
    assert_eq!(request.json(), Some(json!({"name": "Replaced", "extra": {"a": [1, 2.0, null]}})));
    let extra: Vec<&(String, String)> =
        request.headers().iter().filter(|(name, _)| name == "x-extra").collect();
    assert_eq!(extra, [&("x-extra".to_string(), "2".to_string())]);
    assert_eq!(request.header("user-agent"), Some("mine/1.0"));
    assert_eq!(request.header("idempotency-key"), Some("key-1"));
    assert_eq!(request.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_body_with_nothing_in_it_is_not_sent() {
    let (sandbox, client) = super::start().await;
    client.usage().record_bulk(UsageRecordBulk::new()).await.unwrap();
    client.usage().record_bulk([]).await.unwrap();
    let requests = sandbox.requests();
    assert_eq!(
        (requests[0].body(), requests[0].header("content-type")),
        (&b""[..], Some("application/json"))
    );
    assert_eq!(requests[1].json(), Some(json!({"signals": []})));
}

#[tokio::test]
async fn an_update_sends_what_was_set_and_null_for_what_was_cleared() {
    let (sandbox, client) = super::start().await;
    let customer =
        client.customers().create(CustomerCreate::new("Acme").phone("1").website("w")).await.unwrap();
    let update = CustomerUpdate::new().email("ops@acme.test").clear_phone();
    let updated = client.customers().update(&customer.id, update).await.unwrap();
    assert_eq!(sandbox.requests()[1].json(), Some(json!({"email": "ops@acme.test", "phone": null})));
    assert_eq!((updated.phone, updated.website.as_deref()), (None, Some("w")));
}

#[tokio::test]
async fn a_header_that_http_does_not_allow_is_refused_before_anything_is_sent() {
    let (sandbox, client) = super::start().await;
    for (name, value) in [("x-a", "one\r\nx-b: two"), ("bad name", "v"), ("", "v"), ("x-a", "nul\0")] {
        let error = client.customers().list().header(name, value).await.unwrap_err();
        let paid::Error::InvalidRequest(error) = error else { panic!("{error:?}") };
        assert!(error.field().starts_with("header"), "{error}");
        assert!(!error.to_string().contains("two"), "{error}");
    }
    assert_eq!(sandbox.requests().len(), 0);
}

#[tokio::test]
async fn ids_keep_to_their_segment_and_dot_segments_are_refused() {
    let (sandbox, client) = super::start().await;
    for id in ["a/b", "a?b", "a#b", "a%2Fb", "a\\b", "a b", "ü😀", "a;b,c:d@e&f=g+h$i!j*k'(l)", "..."] {
        let created = client.customers().create(CustomerCreate::new("Acme").external_id(id)).await.unwrap();
        let found =
            client.customers().get_by_external_id(id).await.unwrap_or_else(|error| panic!("{id:?}: {error}"));
        assert_eq!(found.id, created.id, "{id:?}");
    }
    let raw: Vec<String> = sandbox.requests().iter().map(|request| request.target().to_string()).collect();
    assert!(raw.contains(&"/api/v1/customers/external/a%5Cb".to_string()), "{raw:?}");
    let sent = sandbox.requests().len();
    for id in ["", ".", "..", "  ", "\t\n", "\u{a0}"] {
        let error = client.customers().delete(id).await.unwrap_err();
        let paid::Error::InvalidRequest(error) = error else { panic!("{error:?}") };
        assert_eq!(error.field(), "customer_id");
    }
    assert_eq!(sandbox.requests().len(), sent);
}

#[tokio::test]
async fn a_timeout_ends_the_call() {
    let (sandbox, client) = super::start().await;
    sandbox.fail(Fault::on("*", "*").hang().forever());
    let started = Instant::now();
    let call = client.customers().list().timeout(Duration::from_millis(100)).max_retries(0);
    let error = call.await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!((error.attempts(), error.status_code(), sandbox.requests().len()), (1, None, 1));
    assert!(error.to_string().contains("100ms"), "{error}");
}

#[tokio::test]
async fn no_time_at_all_is_refused_or_said_to_send_nothing() {
    let (sandbox, client) = super::start().await;
    let error = client.customers().list().timeout(Duration::ZERO).await.unwrap_err();
    let paid::Error::InvalidRequest(error) = error else { panic!("{error:?}") };
    assert_eq!(error.field(), "timeout");
    let error =
        client.customers().create(CustomerCreate::new("A")).deadline(Duration::ZERO).await.unwrap_err();
    let paid::Error::Timeout(timeout) = &error else { panic!("{error:?}") };
    assert!(!timeout.may_have_been_processed());
    assert!(
        error.to_string().contains("was not sent") && !error.to_string().contains("processed"),
        "{error}"
    );
    assert_eq!(sandbox.requests().len(), 0);
}

#[tokio::test]
async fn a_deadline_bounds_the_call_with_its_retries() {
    let (sandbox, client) = super::start().await;
    sandbox.fail(Fault::on("*", "*").status(503).header("retry-after", "30").forever());
    let started = Instant::now();
    let error = client.customers().list().deadline(Duration::from_secs(2)).await.unwrap_err();
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "it would end after the deadline, so it does not wait"
    );
    assert_eq!((error.status_code(), error.attempts()), (Some(503), 1));
    assert!(error.to_string().contains("not repeated: the deadline"), "{error}");
    sandbox.clear_faults();
    client.customers().list().deadline(Duration::MAX).timeout(Duration::MAX).await.unwrap();
    sandbox.fail(Fault::on("*", "*").hang().forever());
    let error = client.customers().list().deadline(Duration::from_millis(100)).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn raw_keeps_status_headers_and_body() {
    let (sandbox, client) = super::start().await;
    sandbox.fail(
        Fault::on("*", "*")
            .status(200)
            .header("x-request-id", "req_1")
            .body_json(json!({"id": "cus_1", "organizationId": "org_1", "name": "Acme", "futureField": 7})),
    );
    let response = client.customers().get("cus_1").raw().await.unwrap();
    assert_eq!((response.status, response.headers.get("X-Request-Id")), (200, Some("req_1")));
    assert_eq!(response.data.name, "Acme");
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(body["futureField"], 7);
}
