//! Faults: each kind as a client meets it, down to the bytes of the connection.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::common::{api, assert_error};
use paid_sandbox::{Fault, Sandbox};
use serde_json::json;

const SIGNALS: &str = "/usage/signals/bulk";

/// Sends a request as bytes and reads until the server closes or the patience ends.
/// Says what came and whether the server closed.
fn exchange(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> (String, bool) {
    let address = sandbox.origin().replace("http://", "");
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_millis(300))).expect("a timeout");
    let request = format!(
        "{method} /api/v1{path} HTTP/1.1\r\nhost: sandbox\r\nauthorization: Bearer {}\r\n\
         content-length: {}\r\n\r\n{body}",
        sandbox.api_key(),
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    let closed = stream.read_to_end(&mut answer).is_ok();
    (String::from_utf8_lossy(&answer).into_owned(), closed)
}

#[tokio::test]
async fn a_status_is_answered_as_often_as_it_was_told() {
    let api = api().await;
    let fault = Fault::on("POST", SIGNALS).times(2).status(503).header("retry-after", "1");
    api.sandbox.fail(fault);
    for _ in 0..2 {
        let request = api.request("POST", SIGNALS).body("{}");
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "1");
        let body: serde_json::Value = response.json().await.expect("JSON");
        assert_eq!(body["error"]["code"], "SANDBOX_FAULT");
        assert_eq!(api.get("/customers").await.0, 200);
    }
    assert_eq!(api.sandbox.pending_faults(), 0);
    assert_eq!(api.signals(json!([{}])).await.0, 200);
    assert_eq!(api.sandbox.signals().len(), 1);
}

#[tokio::test]
async fn answers_can_be_anything() {
    let api = api().await;
    let on = || Fault::on("GET", "/customers/{id}");
    api.sandbox.fail(on().status(422).body_json(json!({"error": {"message": "no"}})));
    api.sandbox.fail(on().status(502).body("<html>", "text/html"));
    api.sandbox.fail(on().status(200).body("", ""));
    api.sandbox.fail(on().status(302).header("location", "/elsewhere"));
    api.sandbox.fail(on().status(7));

    assert_error_body(api.get("/customers/a").await, 422);
    let html = api.request("GET", "/customers/a").send().await.expect("an answer");
    assert_eq!(html.status(), 502);
    assert_eq!(html.headers()["content-type"], "text/html");
    assert_eq!(html.text().await.expect("text"), "<html>");
    assert_eq!(api.get("/customers/a").await, (200, json!(null)));
    let moved = api.request("GET", "/customers/a").send().await.expect("an answer");
    assert_eq!(moved.status(), 302);
    assert_eq!(moved.headers()["location"], "/elsewhere");
    assert_error(api.get("/customers/a").await, 500, "SANDBOX_BAD_FAULT");
    assert_error(api.get("/customers/a").await, 404, "NOT_FOUND");
}

fn assert_error_body((status, body): (u16, serde_json::Value), expected: u16) {
    assert_eq!((status, &body["error"]["message"]), (expected, &json!("no")));
}

#[tokio::test]
async fn skip_forever_and_clear() {
    let api = api().await;
    api.sandbox.fail(Fault::on("*", "*").skip(1).forever().status(429));
    assert_eq!(api.get("/customers").await.0, 200);
    assert_eq!(api.get("/customers").await.0, 429);
    assert_eq!(api.post("/agents", json!({})).await.0, 429);
    assert_eq!(api.sandbox.pending_faults(), 1);
    api.sandbox.clear_faults();
    assert_eq!(api.get("/customers").await.0, 200);
}

#[tokio::test]
async fn a_delay_is_only_a_delay() {
    let api = api().await;
    let wait = Duration::from_millis(150);
    api.sandbox.fail(Fault::on("POST", "/customers").delay(wait));
    let begin = Instant::now();
    assert_eq!(api.post("/customers", json!({"name": "a"})).await.0, 201);
    assert!(begin.elapsed() >= wait);
    assert_eq!(api.sandbox.customers().len(), 1);
}

#[tokio::test]
async fn a_hanging_request_ends_when_the_client_gives_up_or_the_sandbox_stops() {
    let api = api().await;
    api.sandbox.fail(Fault::on("POST", "/customers").forever().hang());
    let request = api.request("POST", "/customers").json(&json!({"name": "a"}));
    let hung = request.timeout(Duration::from_millis(100)).send().await;
    assert!(hung.expect_err("no answer").is_timeout());
    assert!(api.sandbox.customers().is_empty());
    assert_eq!(api.sandbox.requests().len(), 1);
    // Others are served meanwhile.
    assert_eq!(api.get("/customers").await.0, 200);

    let (answer, closed) = exchange(&api.sandbox, "POST", "/customers", "{}");
    assert_eq!((answer.as_str(), closed), ("", false));

    let waiting = api.request("POST", "/customers").body("{}").send();
    let waiting = tokio::spawn(waiting);
    while api.sandbox.requests().len() < 4 {
        tokio::task::yield_now().await;
    }
    api.sandbox.shutdown().await;
    let ended = waiting.await.expect("no panic").expect_err("no answer");
    assert!(!ended.is_timeout(), "{ended}");
}

#[tokio::test]
async fn a_cut_closes_the_connection_before_the_answer() {
    let api = api().await;
    api.sandbox.fail(Fault::on("POST", "/customers").times(2).cut());
    let (answer, closed) = exchange(&api.sandbox, "POST", "/customers", r#"{"name":"a"}"#);
    assert_eq!((answer.as_str(), closed), ("", true));
    let request = api.request("POST", "/customers").json(&json!({"name": "a"}));
    assert!(!request.send().await.expect_err("no answer").is_timeout());
    assert!(api.sandbox.customers().is_empty());
    assert_eq!(api.post("/customers", json!({"name": "a"})).await.0, 201);
}

#[tokio::test]
async fn a_cut_midway_sends_half_of_what_it_announced() {
    let api = api().await;
    let fault = Fault::on("GET", "/agents").cut_midway().status(206).body("0123456789", "text/plain");
    api.sandbox.fail(fault);
    let (answer, closed) = exchange(&api.sandbox, "GET", "/agents", "");
    assert!(closed);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 206"), "{head}");
    assert!(head.contains("content-length: 10"), "{head}");
    assert_eq!(body, "01234");

    // The same for a client: the head is there, the body breaks off.
    api.sandbox.fail(Fault::on("GET", "/agents").cut_midway());
    let response = api.request("GET", "/agents").send().await.expect("a head");
    assert_eq!(response.status(), 200);
    response.bytes().await.expect_err("half a body");

    let large = "x".repeat(1_000_000);
    api.sandbox.fail(Fault::on("GET", "/agents").cut_midway().body(large, "text/plain"));
    let (answer, closed) = exchange(&api.sandbox, "GET", "/agents", "");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(closed && head.contains("content-length: 1000000"));
    assert_eq!(body.len(), 500_000);
}

#[tokio::test]
async fn after_processing_the_request_has_happened() {
    let api = api().await;
    let on = || Fault::on("POST", SIGNALS).after_processing();
    let sent = || api.request("POST", SIGNALS).json(&json!({"signals": [{}]}));

    api.sandbox.fail(on().status(503));
    assert_eq!(sent().send().await.expect("an answer").status(), 503);
    assert_eq!(api.sandbox.signals().len(), 1);

    api.sandbox.fail(on().cut());
    sent().send().await.expect_err("no answer");
    assert_eq!(api.sandbox.signals().len(), 2);

    api.sandbox.fail(on().hang());
    let hung = sent().timeout(Duration::from_millis(100)).send().await;
    assert!(hung.expect_err("no answer").is_timeout());
    assert_eq!(api.sandbox.signals().len(), 3);

    // The real answer, {"success":true}, is what breaks off.
    api.sandbox.fail(on().cut_midway());
    let (answer, closed) = exchange(&api.sandbox, "POST", SIGNALS, r#"{"signals":[{}]}"#);
    assert!(closed && answer.contains("content-length: 16"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n{\"succes"), "{answer}");
    assert_eq!(api.sandbox.signals().len(), 4);
}
