//! A small client for the sandbox's API, and the sandbox that it talks to.

pub mod otlp;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use paid_sandbox::Sandbox;
use reqwest::Method;
use serde_json::{Value, json};

pub struct Api {
    pub sandbox: Sandbox,
    pub http: reqwest::Client,
}

/// A fresh sandbox and a client for it.
pub async fn api() -> Api {
    let sandbox = Sandbox::start().await.expect("the sandbox starts");
    // A test that waits for an answer that never comes should fail, not hang.
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    Api { sandbox, http }
}

impl Api {
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let url = format!("{}{path}", self.sandbox.base_url());
        self.http.request(method, url).bearer_auth(self.sandbox.api_key())
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        read(self.request("GET", path)).await
    }

    pub async fn delete(&self, path: &str) -> u16 {
        let response = self.request("DELETE", path).send().await.expect("an answer");
        response.status().as_u16()
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        read(self.request("POST", path).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        read(self.request("PUT", path).json(&body)).await
    }

    /// Creates something, which must work, and returns it.
    pub async fn create(&self, path: &str, body: Value) -> Value {
        let (status, created) = self.post(path, body).await;
        assert_eq!(status, 201, "{created}");
        created
    }

    pub async fn customer(&self, external_id: &str) -> Value {
        let body = json!({"name": "Acme", "externalId": external_id});
        self.create("/customers", body).await
    }

    pub async fn signals(&self, signals: Value) -> (u16, Value) {
        let body = json!({"signals": signals});
        self.post("/usage/signals/bulk", body).await
    }
}

/// The status and the JSON body of an answer; null stands for no body.
pub async fn read(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let body = response.bytes().await.expect("a whole body");
    if body.is_empty() {
        return (status, Value::Null);
    }
    let body = serde_json::from_slice(&body).expect("a JSON body");
    (status, body)
}

/// Asserts that an answer is an error of this status that speaks of this.
#[track_caller]
pub fn assert_error((status, body): (u16, Value), expected: u16, mentions: &str) {
    assert_eq!(status, expected, "{body}");
    let error = &body["error"];
    assert!(error["message"].is_string() && error["code"].is_string(), "{body}");
    assert!(body.to_string().contains(mentions), "no {mentions} in {body}");
}

/// Where the server at an origin listens.
pub fn address(origin: &str) -> String {
    origin.replace("http://", "")
}

/// A request without any runtime. The connection stays open.
pub fn get(origin: &str, key: &str, path: &str) -> TcpStream {
    let address = address(origin);
    let mut stream = TcpStream::connect(&address).expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    stream
}

/// The first bytes of an answer: `HTTP/1.1 200`.
pub fn status_line(stream: &mut TcpStream) -> String {
    let mut line = [0; 12];
    stream.read_exact(&mut line).expect("a status");
    String::from_utf8_lossy(&line).into_owned()
}
