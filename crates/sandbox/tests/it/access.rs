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

/// The status line of an answer to a request for this host.
fn status_for(sandbox: &Sandbox, target: &str, host: Option<&str>) -> String {
    use std::io::Write;
    let mut stream =
        std::net::TcpStream::connect(crate::common::address(&sandbox.origin())).expect("a connection");
    let (version, host) = match host {
        Some(host) => ("1.1", format!("host: {host}\r\n")),
        None => ("1.0", String::new()),
    };
    let key = sandbox.api_key();
    let request = format!("GET {target} HTTP/{version}\r\n{host}authorization: Bearer {key}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    crate::common::status_line(&mut stream).split_off("HTTP/1.1 ".len())
}

#[test]
fn a_name_that_is_not_this_machines_is_not_answered() {
    let sandbox = Sandbox::start_blocking().expect("starts");
    let port = sandbox.origin().rsplit(':').next().expect("a port").to_owned();
    for target in ["/api/v1/customers", "/sandbox/received"] {
        for host in
            ["evil.test", "evil.test:4010", "127.0.0.1.evil.test", "localhost.evil.test", "10.0.0.1", ""]
        {
            assert_eq!(status_for(&sandbox, target, Some(host)), "421", "{host}");
        }
        for host in [
            &format!("127.0.0.1:{port}"),
            "127.0.0.1",
            &format!("localhost:{port}"),
            "[::1]:1",
            "a.localhost",
            "sandbox",
        ] {
            assert_eq!(status_for(&sandbox, target, Some(host)), "200", "{host}");
        }
        assert_eq!(status_for(&sandbox, target, None), "200");
        assert_eq!(status_for(&sandbox, &format!("http://evil.test{target}"), Some("localhost")), "421");
    }
    assert!(
        sandbox
            .requests()
            .iter()
            .all(|request| request.header("host").is_none_or(|host| !host.contains("evil")))
    );
    let named = Sandbox::builder().allow_host("Sandbox.Internal").start_blocking().expect("starts");
    assert_eq!(status_for(&named, "/api/v1/customers", Some("sandbox.internal:80")), "200");
    assert_eq!(status_for(&named, "/api/v1/customers", Some("evil.test")), "421");
}

#[tokio::test]
async fn the_last_requests_are_kept() {
    let sandbox = Sandbox::builder().keep_requests(3).start().await.expect("starts");
    let http = reqwest::Client::new();
    let get = |number: usize| {
        let url = format!("{}/customers?n={number}", sandbox.base_url());
        read(http.get(url).bearer_auth(sandbox.api_key()))
    };
    for number in 0..5 {
        assert_eq!(get(number).await.0, 200);
    }
    let queries = |sandbox: &Sandbox| -> Vec<String> {
        sandbox.requests().iter().filter_map(|request| request.query().map(str::to_owned)).collect()
    };
    assert_eq!(
        (queries(&sandbox), sandbox.forgotten_requests()),
        (vec!["n=2".into(), "n=3".into(), "n=4".into()], 2)
    );
    let received = read(http.get(format!("{}/sandbox/received", sandbox.origin()))).await.1;
    assert_eq!(received["requests"], 5);
    sandbox.clear_requests();
    assert_eq!(
        (get(6).await.0, queries(&sandbox), sandbox.forgotten_requests()),
        (200, vec!["n=6".into()], 0)
    );
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_and_not_kept() {
    let api = api().await;
    let body = vec![b' '; 64 * 1024 * 1024 + 1];
    assert_error(read(api.request("POST", "/customers").body(body.clone())).await, 413, "67108864");
    let requests = api.sandbox.requests();
    assert_eq!((requests.len(), requests[0].body().len()), (1, 0));
    let mut good = serde_json::to_vec(&json!({"name": "Acme"})).expect("JSON");
    good.resize(64 * 1024 * 1024, b' ');
    assert_eq!(read(api.request("POST", "/customers").body(good)).await.0, 201);
}
