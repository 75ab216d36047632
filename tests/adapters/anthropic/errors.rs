//! Calls that fail: one ERROR span each, and the error for the caller.

use std::time::Duration;

use paid::ai::anthropic::{Error, MessageRequest};
use paid_sandbox::{Fault, Script, StatusCode};

use super::{MODEL, PATH, assert_failed, count, hello, world, world_with};

fn fault() -> Fault {
    Fault::on("POST", PATH)
}

#[tokio::test]
async fn refusals_are_told_in_anthropics_words() {
    let world = world().await;
    for (status, kind, reason) in [
        (400, "invalid_request_error", "400 Bad Request"),
        (401, "authentication_error", "401 Unauthorized"),
        (429, "rate_limit_error", "429 Too Many Requests"),
        (500, "api_error", "500 Internal Server Error"),
        (529, "overloaded_error", "529"),
    ] {
        for stream in [false, true] {
            world
                .sandbox
                .fail(fault().status(status).header("request-id", "req_1").header("retry-after", "7"));
            let work = async {
                match stream {
                    false => world.anthropic.messages().create(hello()).await.map(|_| ()),
                    true => world.anthropic.messages().stream(hello()).await.map(|_| ()),
                }
            };
            let (result, calls) = world.traced(work).await;
            let Err(Error::Api(error)) = result else { panic!("{result:?}") };
            assert_eq!((error.status_code(), error.kind()), (status, kind));
            assert_eq!(error.message(), format!("the sandbox was told to answer {status}"));
            assert_eq!(
                (error.request_id(), error.retry_after()),
                (Some("req_1"), Some(Duration::from_secs(7)))
            );
            assert_eq!((error.is_retryable(), error.is_in_stream()), (status >= 429, false));
            assert!(error.body().starts_with(b"{\"type\":\"error\""));
            let call = calls.last().unwrap();
            assert_failed(
                call,
                &format!("ApiError: {reason}: {kind}: the sandbox was told to answer {status}"),
            );
            assert_eq!(count(call, "input_tokens"), None);
        }
    }
    assert_eq!(world.calls().await.len(), 10);
}

#[tokio::test]
async fn no_answer_in_time_is_an_error() {
    let world = world_with(|builder| builder.timeout(Duration::from_millis(300)).max_retries(3)).await;
    world.sandbox.fail(fault().hang().forever());
    let expected = "TimeoutError: anthropic.messages.create had no complete answer within 300ms";
    let (result, call) = world.traced_call(world.anthropic.messages().create(hello())).await;
    assert!(matches!(&result, Err(Error::Timeout(error)) if error.attempts() == 1), "{result:?}");
    assert!(call.status.message.starts_with(expected), "{call:?}");
    let (result, calls) = world.traced(world.anthropic.messages().stream(hello())).await;
    assert!(matches!(&result, Err(Error::Timeout(_))), "{result:?}");
    assert!(calls[1].status.message.starts_with(expected), "{calls:?}");
    assert_eq!((calls.len(), world.received().len()), (2, 2));
}

#[tokio::test]
async fn answers_that_break_off_or_are_none_are_errors() {
    let world = world_with(|builder| builder.max_retries(3)).await;
    world.sandbox.fail(fault().after_processing().cut_midway());
    world.sandbox.fail(fault().status(200).body("<html>", "text/html"));
    world.sandbox.fail(fault().status(200).body("{}", "application/json"));
    let (result, calls) = world.traced(world.anthropic.messages().create(hello())).await;
    let Err(Error::Transport(error)) = result else { panic!("{result:?}") };
    assert!(error.may_have_been_processed());
    assert_failed(&calls[0], &format!("TransportError: {error}"));

    let (result, calls) = world.traced(world.anthropic.messages().create(hello())).await;
    let Err(Error::Decode(error)) = result else { panic!("{result:?}") };
    assert_eq!(error.reason(), "no JSON at line 1 column 1");
    assert_failed(&calls[1], &format!("DecodeError: {error}"));

    // To the provider, it was a success.
    let (result, calls) = world.traced(world.anthropic.messages().create(hello())).await;
    assert!(
        matches!(&result, Err(Error::Decode(error)) if error.reason() == "it is no message"),
        "{result:?}"
    );
    assert_eq!(calls[2].status.code, StatusCode::Ok);
    assert_eq!(calls[2].text("paid.usage.missing"), Some("the answer tells none"));

    world.sandbox.provider_script(Script::on(PATH).malformed_at(0));
    let (result, calls) = world.traced(world.anthropic.messages().create(hello())).await;
    assert!(
        matches!(&result, Err(Error::Decode(error)) if error.reason() == "the JSON is cut off"),
        "{result:?}"
    );
    assert_failed(&calls[3], &format!("DecodeError: {}", result.unwrap_err()));
    // An answer that had begun may have been paid for: it is not asked for again.
    assert_eq!((world.received().len(), calls.len()), (4, 4));
}

#[tokio::test]
async fn what_may_pass_is_repeated_within_one_span() {
    let world = world_with(|builder| builder.max_retries(2)).await;
    let soon = |status| fault().status(status).header("retry-after-ms", "1");
    world.sandbox.fail(soon(429));
    world.sandbox.fail(soon(529));
    let (result, call) = world.traced_call(world.anthropic.messages().create(hello())).await;
    assert_eq!(result.unwrap().text(), "You said: hello there");
    assert_eq!((call.status.code, count(&call, "input_tokens")), (StatusCode::Ok, Some(3)));
    assert_eq!(world.received().len(), 3);

    world.sandbox.fail(soon(500).times(3));
    let (result, calls) = world.traced(world.anthropic.messages().stream(hello())).await;
    assert!(matches!(&result, Err(Error::Api(error)) if error.attempts() == 3), "{result:?}");
    assert_eq!((calls.len(), world.received().len()), (2, 6));

    world.sandbox.fail(soon(500).header("x-should-retry", "false"));
    world.sandbox.fail(fault().status(429).header("retry-after", "3600"));
    for _ in 0..2 {
        let result = world.anthropic.messages().create(hello()).await;
        assert!(matches!(&result, Err(Error::Api(error)) if error.attempts() == 1), "{result:?}");
    }
    world.sandbox.fail(fault().cut());
    let (result, calls) = world.traced(world.anthropic.messages().create(hello())).await;
    assert!(result.is_ok());
    assert_eq!((calls.len(), world.received().len()), (3, 10));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let world = world_with(|builder| builder.base_url(format!("http://{closed}/v1/"))).await;
    let (result, call) = world.traced_call(world.anthropic.messages().create(hello())).await;
    let Err(Error::Transport(error)) = result else { panic!("{result:?}") };
    assert!(!error.may_have_been_processed());
    assert_failed(&call, &format!("TransportError: {error}"));
    assert!(!format!("{error} {error:?}").contains("127.0.0.1:"), "{error:?}");
}

#[tokio::test]
async fn a_redirect_does_not_take_the_key_along() {
    let world = world().await;
    world.sandbox.fail(fault().status(307).header("location", "/v1/messages"));
    let (result, call) = world.traced_call(world.anthropic.messages().create(hello())).await;
    assert_eq!(result.unwrap_err().status_code(), Some(307));
    assert_eq!((call.status.code, world.received().len()), (StatusCode::Error, 1));
}

#[tokio::test]
async fn a_wrong_request_is_refused_before_anything_is_sent() {
    let world = world().await;
    let request = MessageRequest::new(MODEL, 1).temperature(f64::NAN);
    let (result, calls) = world.traced(world.anthropic.messages().create(&request)).await;
    assert!(
        matches!(&result, Err(Error::InvalidRequest(error)) if error.field() == "temperature"),
        "{result:?}"
    );
    assert_eq!((calls.len(), world.received().len()), (0, 0));
}

#[tokio::test]
async fn a_call_that_is_given_up_is_an_error_span() {
    let world = world().await;
    world.sandbox.fail(fault().hang());
    let call = world.anthropic.messages().create(hello());
    let (_, call) = world.traced_call(world.give_up(call)).await;
    assert_failed(&call, "Cancelled: the call was dropped before its answer");
}
