//! What is repeated, how often, and what never is.

use std::time::Duration;

use paid::types::{CustomerCreate, CustomerUpdate, Signal};
use paid::{AsyncPaid, RetryBudget};
use paid_sandbox::{Fault, Sandbox};

/// An error answer that may be followed up at once, so that tests don't wait.
fn refuse(method: &str, status: u16) -> Fault {
    Fault::on(method, "*").status(status).header("retry-after-ms", "1")
}

#[tokio::test]
async fn passing_errors_are_repeated_twice_by_default() {
    for status in [408, 429, 500, 502, 503, 504] {
        let (sandbox, client) = super::start().await;
        sandbox.fail(refuse("GET", status).times(2));
        client.customers().list().await.unwrap_or_else(|error| panic!("{status}: {error}"));
        assert_eq!(sandbox.requests().len(), 3, "{status}");
        sandbox.fail(refuse("GET", status).times(3));
        let error = client.customers().list().await.unwrap_err();
        assert_eq!((error.status_code(), error.attempts(), error.is_retryable()), (Some(status), 3, true));
    }
}

#[tokio::test]
async fn max_retries_means_that_many() {
    for retries in [0, 1, 2, 5] {
        let (sandbox, client) = super::start().await;
        sandbox.fail(refuse("GET", 503).forever());
        let error = client.customers().list().max_retries(retries).await.unwrap_err();
        assert_eq!(error.attempts(), retries + 1);
        assert_eq!(sandbox.requests().len(), retries as usize + 1);
    }
}

#[tokio::test]
async fn lasting_errors_are_not_repeated() {
    for status in [400, 401, 403, 404, 405, 409, 410, 422, 451] {
        let (sandbox, client) = super::start().await;
        sandbox.fail(refuse("GET", status).forever());
        let error = client.customers().list().await.unwrap_err();
        assert_eq!((error.attempts(), error.is_retryable()), (1, false), "{status}");
    }
}

#[tokio::test]
async fn a_post_that_may_have_been_processed_is_not_repeated() {
    let faults: [fn() -> Fault; 4] = [
        || Fault::on("POST", "*").after_processing().status(503).header("retry-after-ms", "1"),
        || Fault::on("POST", "*").after_processing().status(500),
        || Fault::on("POST", "*").after_processing().cut(),
        || Fault::on("POST", "*").after_processing().cut_midway(),
    ];
    for (at, fault) in faults.iter().enumerate() {
        let (sandbox, client) = super::start().await;
        sandbox.fail(fault().times(1));
        let signal = Signal::new().event_name("once").external_customer_id("acme").external_agent_id("bot");
        let error = client.usage().record_bulk([signal]).max_retries(5).await.unwrap_err();
        assert_eq!((error.attempts(), sandbox.signals().len()), (1, 1), "fault {at}: {error}");
        assert!(error.is_retryable(), "fault {at}: {error}");
        assert!(error.to_string().contains("not repeated: the API may have processed it"), "{error}");
    }
}

#[tokio::test]
async fn a_post_is_repeated_when_the_caller_says_that_it_is_safe() {
    let (sandbox, client) = super::start().await;
    sandbox.fail(refuse("POST", 503).times(1));
    client.customers().create(CustomerCreate::new("A")).idempotency_key("k1").await.unwrap();
    let keys: Vec<Option<String>> = sandbox
        .requests()
        .iter()
        .map(|request| request.header("idempotency-key").map(str::to_string))
        .collect();
    assert_eq!(keys, [Some("k1".to_string()), Some("k1".to_string())]);
    sandbox.clear_requests();
    sandbox.fail(Fault::on("POST", "*").cut().times(1));
    client.customers().create(CustomerCreate::new("B")).retry_unsafe(true).await.unwrap();
    assert_eq!(sandbox.requests().len(), 2);
}

#[tokio::test]
async fn a_post_that_was_turned_away_is_repeated() {
    let (sandbox, client) = super::start().await;
    sandbox.fail(refuse("POST", 429).times(2));
    client.usage().record_bulk([Signal::new().event_name("e").customer_id("cus_1")]).await.unwrap();
    assert_eq!((sandbox.requests().len(), sandbox.signals().len()), (3, 1));
}

#[tokio::test]
async fn a_broken_connection_is_repeated_where_that_is_harmless() {
    let (sandbox, client) = super::start().await;
    sandbox.fail(Fault::on("*", "*").cut().times(1));
    let customer = client.customers().create(CustomerCreate::new("A")).retry_unsafe(true).await.unwrap();
    sandbox.fail(Fault::on("GET", "*").cut_midway().times(1));
    client.customers().get(&customer.id).await.unwrap();
    sandbox.fail(Fault::on("PUT", "*").cut().times(1));
    client.customers().update(&customer.id, CustomerUpdate::new().name("B")).await.unwrap();
    sandbox.fail(Fault::on("DELETE", "*").cut().times(1));
    client.customers().delete(&customer.id).await.unwrap();
}

#[tokio::test]
async fn a_refused_connection_is_repeated_and_then_says_so() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = super::client_of(&sandbox);
    let sandbox_host = sandbox.origin();
    sandbox.shutdown().await;
    let error = client.customers().create(CustomerCreate::new("A")).max_retries(1).await.unwrap_err();
    let paid::Error::Transport(error) = error else { panic!("{error:?}") };
    assert_eq!((error.attempts(), error.may_have_been_processed()), (2, false));
    let host = sandbox_host.trim_start_matches("http://");
    assert_eq!(error.host(), Some(host));
    let expected = format!("could not connect to the API at {host} (base_url, PAID_BASE_URL): ");
    assert!(error.to_string().contains(&expected), "{error}");
}

#[tokio::test]
async fn a_server_that_asks_for_too_long_a_wait_is_not_waited_for() {
    let (sandbox, client) = super::start().await;
    sandbox.fail(Fault::on("*", "*").status(429).header("retry-after", "3600").forever());
    let error = client.customers().list().await.unwrap_err();
    assert_eq!(error.attempts(), 1);
    assert_eq!(error.as_api().unwrap().retry_after(), Some(Duration::from_secs(3600)));
    assert!(error.to_string().contains("not repeated: the API asks to wait 3600s"), "{error}");
}

#[tokio::test]
async fn the_wait_that_the_server_asks_for_is_kept() {
    let (sandbox, client) = super::start().await;
    sandbox.fail(Fault::on("*", "*").status(429).header("retry-after-ms", "150").times(1));
    client.customers().list().await.unwrap();
    let requests = sandbox.requests();
    let gap = requests[1].received_at() - requests[0].received_at();
    assert!(gap >= Duration::from_millis(150), "{gap:?}");
}

#[tokio::test]
async fn an_outage_is_not_amplified() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = AsyncPaid::builder()
        .token(sandbox.api_key())
        .base_url(sandbox.base_url())
        .retry_budget(RetryBudget::of(5))
        .build()
        .unwrap();
    sandbox.fail(refuse("GET", 503).forever());
    for _ in 0..20 {
        client.customers().list().max_retries(3).await.unwrap_err();
    }
    assert_eq!(sandbox.requests().len(), 20 + 5);
    let error = client.customers().list().await.unwrap_err();
    assert!(error.to_string().contains("not repeated: the client's retry budget is empty"), "{error}");
    sandbox.clear_faults();
    for _ in 0..10 {
        client.customers().list().await.unwrap();
    }
    sandbox.clear_requests();
    sandbox.fail(refuse("GET", 503).times(1));
    client.customers().list().await.unwrap();
    assert_eq!(sandbox.requests().len(), 2, "ten successes give one retry back");
}

#[tokio::test]
async fn every_attempt_asks_the_token_function_anew() {
    let sandbox = Sandbox::builder().any_api_key().start().await.unwrap();
    let count = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = count.clone();
    let token = paid::Token::from_fn(move || {
        format!("key-{}\n", counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
    });
    let client = AsyncPaid::builder().token(token).base_url(sandbox.base_url()).build().unwrap();
    sandbox.fail(refuse("GET", 503).times(1));
    client.customers().list().await.unwrap();
    let requests = sandbox.requests();
    assert!(requests[0].bearer_is("key-0") && requests[1].bearer_is("key-1"));
}

#[tokio::test]
async fn a_conflict_is_repeated_only_with_an_idempotency_key() {
    let (sandbox, client) = super::start().await;
    sandbox.fail(refuse("POST", 409).times(1));
    let create = || client.customers().create(CustomerCreate::new("A"));
    let error = create().retry_unsafe(true).await.unwrap_err();
    assert_eq!((error.is_conflict(), error.attempts()), (true, 1));
    sandbox.fail(refuse("POST", 409).times(1));
    create().idempotency_key("k1").await.unwrap();
    assert_eq!(sandbox.requests().len(), 3);
}

#[tokio::test]
async fn an_attempt_that_times_out_is_repeated_where_that_is_harmless() {
    let short = Duration::from_millis(200);
    let (sandbox, client) = super::start().await;
    let id = client.customers().create(CustomerCreate::new("A")).await.unwrap().id;
    let hang = |method: &str| sandbox.fail(Fault::on(method, "*").hang());
    hang("GET");
    client.customers().get(&id).timeout(short).await.unwrap();
    hang("PUT");
    client.customers().update(&id, CustomerUpdate::new().name("B")).timeout(short).await.unwrap();
    hang("POST");
    client.customers().create(CustomerCreate::new("C")).timeout(short).idempotency_key("k").await.unwrap();
    hang("DELETE");
    client.customers().delete(&id).timeout(short).await.unwrap();
    hang("POST");
    let error = client.customers().create(CustomerCreate::new("D")).timeout(short).await.unwrap_err();
    assert_eq!((error.is_timeout(), error.attempts()), (true, 1));
    sandbox.fail(Fault::on("GET", "*").hang().forever());
    let error = client.customers().list().timeout(short).max_retries(1).await.unwrap_err();
    assert_eq!((error.is_timeout(), error.attempts()), (true, 2));
    let started = std::time::Instant::now();
    let call = client.customers().list().timeout(short).deadline(Duration::from_millis(300)).max_retries(9);
    let error = call.await.unwrap_err();
    assert!(error.is_timeout() && started.elapsed() < Duration::from_secs(2), "{error:?}");
}
