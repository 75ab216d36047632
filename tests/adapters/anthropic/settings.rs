//! The client's settings, and what is never shown.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use paid::ai::anthropic::{ContentBlock, Error, MessageRequest, Metadata, PaidAnthropic, Tool};
use serde_json::json;

use super::{KEY, MODEL, hello, world};

#[test]
fn wrong_settings_are_named() {
    let builder = || PaidAnthropic::builder(KEY);
    let field = |result: Result<PaidAnthropic, Error>| match result {
        Err(Error::InvalidRequest(error)) => {
            assert!(!format!("{error} {error:?}").contains("secret"));
            error.field().to_string()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(field(PaidAnthropic::new(" ")), "api_key");
    assert_eq!(field(PaidAnthropic::new("secret\n")), "api_key");
    for url in [
        "secret.com",
        "ftp://secret",
        "https://user:secret@host",
        "https://host?secret",
        "https://host#secret",
    ] {
        assert_eq!(field(builder().base_url(url).build()), "base_url");
    }
    assert_eq!(field(builder().timeout(Duration::ZERO).build()), "timeout");
    assert_eq!(field(builder().version("ü").build()), "version");
    assert_eq!(field(builder().beta("a\nb").build()), "beta");
    assert_eq!(field(builder().header("no name", "secret").build()), "header");
    assert_eq!(field(builder().header("x-name", "secret\r\n").build()), "x-name");
}

#[test]
fn secrets_and_prompts_are_never_shown() {
    let builder =
        PaidAnthropic::builder("HIDDEN").base_url("https://HIDDEN.example").header("x-key", "HIDDEN");
    let request = MessageRequest::new(MODEL, 10)
        .system("HIDDEN")
        .user(vec![ContentBlock::text("HIDDEN"), ContentBlock::image_url("https://HIDDEN")])
        .tool(Tool::new("name", "HIDDEN", json!("HIDDEN")))
        .metadata(Metadata::user("HIDDEN"));
    let parts = (ContentBlock::tool_result("t", "HIDDEN"), Metadata::user("HIDDEN"));
    let shown = format!("{builder:?} {request:?} {parts:?}");
    assert!(!shown.contains("HIDDEN"), "{shown}");
    let client = builder.build().unwrap();
    let shown = format!("{client:?} {:?}", client.messages());
    assert!(!shown.contains("HIDDEN") && !shown.contains("hidden"), "{shown}");
}

#[tokio::test]
async fn answers_show_no_content_either() {
    let world = world().await;
    let message = world.anthropic.messages().create(hello()).await.unwrap();
    let mut stream = world.anthropic.messages().stream(hello()).await.unwrap();
    let mut shown = format!("{message:?} {stream:?}");
    while let Some(event) = stream.next().await {
        shown.push_str(&format!("{event:?}"));
    }
    assert!(!shown.contains("hello"), "{shown}");
}

#[tokio::test]
async fn a_client_of_the_programs_own_sends() {
    let world = world().await;
    let own = reqwest::Client::builder().default_headers([("x-own", "1")].map(header).into_iter().collect());
    let base = format!("{}/v1/", world.sandbox.anthropic_base());
    let builder = PaidAnthropic::builder(KEY).base_url(base).header("user-agent", "mine");
    let client = builder.reqwest_client(own.build().unwrap()).build().unwrap();
    client.messages().create(hello()).await.unwrap();
    let received = world.received();
    assert_eq!((received[0].header("user-agent"), received[0].header("x-own")), (Some("mine"), Some("1")));
}

fn header((name, value): (&'static str, &'static str)) -> (http::HeaderName, http::HeaderValue) {
    (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
}

#[test]
fn without_a_runtime_nothing_is_sent() {
    let client = PaidAnthropic::builder(KEY).base_url("http://127.0.0.1:9").build().unwrap();
    let mut call = Box::pin(client.messages().create(hello()));
    let Poll::Ready(result) = call.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("it waits")
    };
    assert!(matches!(&result, Err(Error::InvalidRequest(error)) if error.field() == "runtime"), "{result:?}");
}
