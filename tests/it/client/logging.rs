//! Log lines under `PAID_LOG_LEVEL`, in a program of their own.

use std::sync::{Arc, Mutex};

use paid_sandbox::{Fault, Sandbox};
use tracing_subscriber::layer::SubscriberExt;

use super::diagnose;

/// The log lines of a program whose call is repeated once.
fn lines(level: Option<&str>) -> Vec<String> {
    let sandbox = Sandbox::start_blocking().unwrap();
    sandbox.fail(Fault::on("GET", "*").status(503).header("retry-after-ms", "1").times(1));
    let mut command = diagnose(Some(sandbox.api_key()), Some(&sandbox.base_url()));
    level.map(|level| command.env("PAID_LOG_LEVEL", level));
    let output = command.arg("cus_secret").output().unwrap();
    assert_eq!(sandbox.requests().len(), 2, "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    text.lines().map(str::to_string).collect()
}

#[test]
fn the_level_decides_what_is_written() {
    let has =
        |lines: &[String], level: &str| lines.iter().any(|line| line.contains(&format!(" {level} paid:")));
    let debug = lines(Some("debug"));
    assert!(has(&debug, "DEBUG") && has(&debug, "INFO") && has(&debug, "WARNING"), "{debug:?}");
    let info = lines(Some("INFO"));
    assert!(!has(&info, "DEBUG") && has(&info, "INFO") && has(&info, "WARNING"), "{info:?}");
    let warning = lines(Some("WARNING"));
    assert!(!has(&warning, "INFO") && has(&warning, "WARNING"), "{warning:?}");
    for level in [None, Some(""), Some("ERROR"), Some("CRITICAL")] {
        assert_eq!(lines(level), Vec::<String>::new(), "{level:?}");
    }
}

#[test]
fn a_level_that_is_none_is_reported_and_taken_as_error() {
    let lines = lines(Some("LOUD"));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("ERROR paid:") && lines[0].contains("LOUD"), "{lines:?}");
}

/// What a server may write of its customers, in an answer to each attempt.
#[test]
fn no_line_holds_what_the_server_wrote() {
    let sandbox = Sandbox::start_blocking().unwrap();
    let body = serde_json::json!({"error": {
        "message": "no room for ann@acme.test", "code": "E_BUSY", "details": "cus_secret",
    }});
    let answer = Fault::on("GET", "*").header("retry-after-ms", "1").header("x-request-id", "req_7");
    sandbox.fail(answer.clone().status(503).body_json(body.clone()).times(1));
    let odd = serde_json::json!({"error": {"message": "m", "code": "ann@acme.test is busy"}});
    sandbox.fail(answer.status(429).body_json(odd).header("x-request-id", "for ann@acme.test").times(1));
    sandbox.fail(Fault::on("GET", "*").status(400).body_json(body));
    let mut command = diagnose(Some(sandbox.api_key()), Some(&sandbox.base_url()));
    let output = command.env("PAID_LOG_LEVEL", "DEBUG").arg("cus_secret").output().unwrap();
    let lines = String::from_utf8(output.stderr).unwrap();
    assert_eq!(sandbox.requests().len(), 3, "{lines}");
    assert!(lines.contains("WARNING") && lines.contains("repeating after 503 E_BUSY"), "{lines}");
    assert!(lines.contains("request_id=req_7") && lines.contains("repeating after 429"), "{lines}");
    for private in ["acme.test", "no room", "cus_secret", "is busy"] {
        assert!(!lines.contains(private), "{lines}");
    }
    // The error has it: it is for the caller.
    assert!(String::from_utf8(output.stdout).unwrap().contains("no room for ann@acme.test"));
}

#[test]
fn no_line_holds_why_a_connection_failed() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = diagnose(Some("key-SECRET"), Some(&format!("http://{closed}/api/v1")));
    let output = command.env("PAID_LOG_LEVEL", "DEBUG").arg("cus_secret").output().unwrap();
    let lines = String::from_utf8(output.stderr).unwrap();
    assert!(
        lines.contains("GET /customers/{customer_id}: connect") && lines.contains("repeating after connect"),
        "{lines}"
    );
    for private in ["SECRET", "cus_secret", "127.0.0.1", "os error"] {
        assert!(!lines.contains(private), "{lines}");
    }
}

/// The lines that this process logs while it does something.
fn lines_while(work: impl FnOnce()) -> Vec<String> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let subscriber = tracing_subscriber::registry().with(Kept(lines.clone()));
    tracing::subscriber::with_default(subscriber, work);
    let kept = std::mem::take(&mut *lines.lock().unwrap());
    kept.into_iter().filter(|line: &String| line.contains("plain http")).collect()
}

struct Kept(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Kept {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        struct Text(String);
        impl tracing::field::Visit for Text {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0.push_str(&format!(" {field}={value:?}"));
            }
        }
        let mut text = Text(event.metadata().level().to_string());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }
}

#[test]
fn plain_http_to_another_machine_is_warned_of_once_per_host() {
    let build = |url: &str| {
        paid::AsyncPaid::builder().token("key-SECRET").base_url(url).build().unwrap();
        paid::Paid::builder().token("key-SECRET").base_url(url).build().unwrap();
    };
    let lines = lines_while(|| {
        build("http://one.example.test/api/v1");
        build("http://one.example.test:8080/api/v1");
        build("http://192.0.2.1/api/v1");
        for fine in [
            "http://localhost:1/api",
            "http://127.0.0.1:1/",
            "http://[::1]:1",
            "https://two.example.test/api",
        ] {
            build(fine);
        }
    });
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("WARN") && lines[0].contains("one.example.test"), "{lines:?}");
    assert!(lines[1].contains("192.0.2.1") && !lines[1].contains("SECRET"), "{lines:?}");
}

#[test]
fn no_line_holds_a_key_an_id_or_a_host() {
    let lines = lines(Some("DEBUG")).join("\n");
    assert!(
        lines.contains("customers.get") && lines.contains("GET /customers/{customer_id}: 404"),
        "{lines}"
    );
    for private in ["sandbox_key", "cus_secret", "127.0.0.1"] {
        assert!(!lines.contains(private), "{lines}");
    }
}
