//! Keys, unknown paths, and what the sandbox shows of what arrived.

use crate::common::{api, assert_error, read};
use paid_sandbox::Sandbox;
use serde_json::{Value, json};

#[tokio::test]
async fn only_the_key_opens_the_api() {
    let api = api().await;
    let url = format!("{}/customers", api.sandbox.base_url());
    let key = api.sandbox.api_key();
    let with = |value: &str| read(api.http.get(&url).header("authorization", value));
    assert_error(read(api.http.get(&url)).await, 401, "missing");
    assert_error(with("Bearer ").await, 401, "missing");
    assert_error(with(&format!("Basic {key}")).await, 401, "missing");
    assert_error(with("Bearer other_key").await, 401, "not valid");
    assert_eq!(with(&format!("bearer {key}")).await.0, 200);
    assert!(!format!("{:?}", api.sandbox.requests()).contains("other_key"));
    let last = api.sandbox.requests().pop().expect("a request");
    assert!(last.bearer_is(key));

    let own = Sandbox::builder().api_key("mine").start().await.expect("starts");
    let url = format!("{}/customers", own.base_url());
    assert_eq!(own.api_key(), "mine");
    assert_eq!(read(api.http.get(&url).bearer_auth("mine")).await.0, 200);
    assert_eq!(read(api.http.get(&url).bearer_auth(key)).await.0, 401);

    let any = Sandbox::builder().any_api_key().start().await.expect("starts");
    let url = format!("{}/customers", any.base_url());
    assert_eq!(read(api.http.get(&url).bearer_auth("whatever")).await.0, 200);
    assert_eq!(read(api.http.get(&url).bearer_auth(any.api_key())).await.0, 200);
    assert_eq!(read(api.http.get(&url)).await.0, 401);
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_shape_of_the_api() {
    let api = api().await;
    assert_error(api.get("/nothing").await, 404, "/nothing");
    assert_error(api.get("/customers/").await, 404, "/customers/");
    assert_error(api.post("/customers/cus_1", json!({})).await, 405, "POST");
    let elsewhere = format!("{}/nowhere", api.sandbox.origin());
    assert_error(read(api.http.get(elsewhere)).await, 404, "/nowhere");
}

#[tokio::test]
async fn requests_are_shown_as_they_arrived() {
    let api = api().await;
    let (_, created) = api.post("/customers?x=a+b&x=%2F", json!({"name": "é"})).await;
    let requests = api.sandbox.requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}");
    };
    assert_eq!(request.method(), "POST");
    assert_eq!(request.target(), "/api/v1/customers?x=a+b&x=%2F");
    assert_eq!(request.path(), "/api/v1/customers");
    assert_eq!(request.query(), Some("x=a+b&x=%2F"));
    assert_eq!(request.header("Content-Type"), Some("application/json"));
    assert_eq!(request.json(), Some(json!({"name": "é"})));
    assert_eq!(request.body(), "{\"name\":\"é\"}".as_bytes());
    assert!(request.matches("POST", "/customers"));

    let inspection = format!("{}/sandbox/received", api.sandbox.origin());
    let (status, received) = read(api.http.get(&inspection)).await;
    assert_eq!(status, 200);
    assert_eq!(received["requests"], 1);
    assert_eq!(received["customers"], json!([created]));
    for list in ["agents", "contacts", "orders", "signals", "cost_traces", "spans", "traced_signals"] {
        assert_eq!(received[list], json!([]), "{list}");
    }

    api.sandbox.clear_requests();
    assert!(api.sandbox.requests().is_empty());
    assert_eq!(api.sandbox.customers().len(), 1);
    api.sandbox.reset();
    assert!(api.sandbox.customers().is_empty());
    assert_eq!(api.customer("acme").await["id"], "cus_1");
    assert_eq!(api.get("/customers/cus_1").await.1["research"], Value::Null);
}
