//! Calls that the provider refuses, with and without another attempt.

use std::time::Duration;

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::timeout::TimeoutConfig;
use aws_sdk_bedrockruntime::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_bedrockruntime::operation::RequestId;
use paid::ai::bedrock::PaidInterceptor;
use paid_sandbox::{Fault, Script};

use super::calls::told;
use super::{
    CONVERSE, CONVERSE_STREAM, MODEL, World, all, assert_failed, assert_failed_as, assert_told, config,
    converse, converse_stream, count, world,
};

/// What the caller learns of an error: its code, message, request id, status and raw body.
type Refused = (Option<String>, Option<String>, Option<String>, u16, Vec<u8>);

fn refused<E: ProvideErrorMetadata + RequestId>(
    error: &SdkError<E, aws_sdk_bedrockruntime::config::http::HttpResponse>,
) -> Refused {
    let SdkError::ServiceError(service) = error else { panic!("no error of the service") };
    let (raw, error) = (service.raw(), service.err());
    let text = |text: Option<&str>| text.map(str::to_string);
    let body = raw.body().bytes().unwrap().to_vec();
    (text(error.code()), text(error.message()), text(error.request_id()), raw.status().as_u16(), body)
}

async fn call(client: &Client, stream: bool) -> Result<(), Refused> {
    match stream {
        false => converse(client).send().await.map(|_| ()).map_err(|error| refused(&error)),
        true => converse_stream(client).send().await.map(|_| ()).map_err(|error| refused(&error)),
    }
}

fn route(stream: bool) -> &'static str {
    if stream { CONVERSE_STREAM } else { CONVERSE }
}

#[tokio::test]
async fn refusals_are_passed_on_and_told() {
    let world = world().await;
    for (status, kind, reason, attempts) in [
        (400, "ValidationException", "400 Bad Request", 1),
        (401, "UnrecognizedClientException", "401 Unauthorized", 1),
        (403, "AccessDeniedException", "403 Forbidden", 1),
        (404, "ResourceNotFoundException", "404 Not Found", 1),
        (429, "ThrottlingException", "429 Too Many Requests", 3),
        (500, "InternalServerException", "500 Internal Server Error", 3),
        (503, "ServiceUnavailableException", "503 Service Unavailable", 3),
    ] {
        for stream in [false, true] {
            let before = world.received().len();
            world.sandbox.fail(Fault::on("POST", route(stream)).status(status).times(2 * attempts));
            let (error, span) = world.traced_call(call(&world.bedrock, stream)).await;
            assert_eq!(world.received().len() - before, attempts as usize);
            let error = error.unwrap_err();
            assert_eq!(error, call(&world.plain, stream).await.unwrap_err());
            assert_eq!((error.0.as_deref(), error.3), (Some(kind), status));
            let told = format!("ApiError: {reason}: {kind}: the sandbox was told to answer {status}");
            assert_failed(&span, &told);
            let name = if stream { "converse_stream" } else { "converse" };
            assert_eq!(
                (span.name, world.sandbox.pending_faults()),
                (format!("paid.trace.bedrock.{name}"), 0)
            );
        }
    }
}

#[tokio::test]
async fn a_call_that_is_repeated_is_one_span() {
    let world = world().await;
    let counts = told(MODEL, "3", "6");
    for stream in [false, true] {
        let before = world.received().len();
        world.sandbox.fail(Fault::on("POST", route(stream)).status(429));
        world.sandbox.fail(Fault::on("POST", route(stream)).status(500));
        let (result, span) = world.traced_call(whole(&world, stream)).await;
        assert!(result);
        assert_told(&span, if stream { "converse_stream" } else { "converse" }, &counts);
        let received = world.received();
        assert_eq!(received.len() - before, 3);
        assert!(received[before..].iter().all(|request| request.body() == received[before].body()));
    }
    // An answer that broke off is not counted beside the one that came after it.
    world.sandbox.provider_script(Script::on(CONVERSE).input_tokens(1_000_000));
    world.sandbox.fail(Fault::on("POST", CONVERSE).after_processing().cut_midway());
    let (result, span) = world.traced_call(whole(&world, false)).await;
    assert!(result);
    assert_told(&span, "converse", &counts);
}

/// Whether a call brings its whole answer.
async fn whole(world: &World, stream: bool) -> bool {
    match stream {
        false => converse(&world.bedrock).send().await.is_ok(),
        true => all(converse_stream(&world.bedrock).send().await.unwrap()).await.1.is_none(),
    }
}

#[tokio::test]
async fn without_retries_the_first_refusal_is_the_last() {
    let world = world().await;
    let once =
        config(&world.sandbox).interceptor(PaidInterceptor::new()).retry_config(RetryConfig::disabled());
    let once = Client::from_conf(once.build());
    for stream in [false, true] {
        let before = world.received().len();
        world.sandbox.fail(Fault::on("POST", route(stream)).status(429));
        let (error, span) = world.traced_call(call(&once, stream)).await;
        assert_eq!(error.unwrap_err().3, 429);
        assert_failed(
            &span,
            "ApiError: 429 Too Many Requests: ThrottlingException: the sandbox was told to answer 429",
        );
        assert_eq!(world.received().len() - before, 1);
    }
}

#[tokio::test]
async fn a_refusal_that_is_no_json_is_told_by_its_status() {
    let world = world().await;
    let page = Fault::on("POST", CONVERSE).status(400).body("<html>hello there</html>", "text/html");
    world.sandbox.fail(page);
    let (result, span) = world.traced_call(converse(&world.bedrock).send()).await;
    let error = result.unwrap_err();
    assert_eq!(error.raw_response().unwrap().body().bytes(), Some(&b"<html>hello there</html>"[..]));
    assert_failed(&span, "ApiError: 400 Bad Request");
}

#[tokio::test]
async fn a_refusal_before_another_attempt_is_not_the_end() {
    let world = world().await;
    let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_millis(500)).build();
    // The time is up in the second attempt, and before it.
    for backoff in [Duration::from_millis(1), Duration::from_secs(60)] {
        world.sandbox.clear_faults();
        world.sandbox.fail(Fault::on("POST", CONVERSE).status(429));
        world.sandbox.fail(Fault::on("POST", CONVERSE).hang());
        let retries = RetryConfig::standard().with_initial_backoff(backoff);
        let hasty = config(&world.sandbox).retry_config(retries).timeout_config(timeouts.clone());
        let hasty = Client::from_conf(hasty.interceptor(PaidInterceptor::new()).build());
        let (result, span) = world.traced_call(converse(&hasty).send()).await;
        assert!(matches!(&result, Err(SdkError::TimeoutError(_))), "{result:?}");
        assert_failed_as(&span, "TimeoutError: ");
        assert_eq!(count(&span, "input_tokens"), None);
    }
}
