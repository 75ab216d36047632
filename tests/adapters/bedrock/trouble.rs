//! Calls that are not answered, or not well: one ERROR span each, and the error for the caller.

use std::time::Duration;

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::timeout::TimeoutConfig;
use aws_sdk_bedrockruntime::error::SdkError;
use aws_sdk_bedrockruntime::types::ConverseStreamOutput as Event;
use paid::ai::bedrock::PaidInterceptor;
use paid_sandbox::{Fault, ReceivedSpan, Script, StatusCode};

use super::{
    CONVERSE, CONVERSE_STREAM, World, all, assert_failed, assert_failed_as, config, converse,
    converse_stream, count, world,
};

/// A client that makes one attempt.
fn once(world: &World, timeouts: TimeoutConfig) -> Client {
    let config = config(&world.sandbox).retry_config(RetryConfig::disabled()).timeout_config(timeouts);
    Client::from_conf(config.interceptor(PaidInterceptor::new()).build())
}

fn patient(world: &World) -> Client {
    once(world, TimeoutConfig::builder().build())
}

#[tokio::test]
async fn no_answer_in_time_is_an_error() {
    let world = world().await;
    world.sandbox.fail(Fault::on("POST", CONVERSE).hang().forever());
    let short = Duration::from_millis(200);
    let timeouts = [
        (TimeoutConfig::builder().operation_timeout(short), "TimeoutError"),
        (TimeoutConfig::builder().operation_attempt_timeout(short), "TimeoutError"),
        (TimeoutConfig::builder().read_timeout(short), "DispatchFailure"),
    ];
    for (timeouts, kind) in timeouts {
        let client = once(&world, timeouts.build());
        let (result, span) = world.traced_call(converse(&client).send()).await;
        match (result.unwrap_err(), kind) {
            (SdkError::TimeoutError(_), "TimeoutError")
            | (SdkError::DispatchFailure(_), "DispatchFailure") => {}
            (other, _) => panic!("{other:?}"),
        }
        assert_failed_as(&span, &format!("{kind}: "));
        assert!(span.status.message.contains("200ms"), "{}", span.status.message);
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_is_an_error_span() {
    let world = world().await;
    world.sandbox.fail(Fault::on("POST", CONVERSE).hang());
    let (_, span) = world.traced_call(world.give_up(converse(&world.bedrock).send())).await;
    assert_failed(&span, "Cancelled: the call was dropped before its answer");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error() {
    let world = world().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = config(&world.sandbox).endpoint_url(format!("http://{closed}/a/path"));
    let client = Client::from_conf(config.interceptor(PaidInterceptor::new()).build());
    let (result, span) = world.traced_call(converse(&client).send()).await;
    assert!(matches!(&result, Err(SdkError::DispatchFailure(error)) if error.is_io()), "{result:?}");
    assert_failed_as(&span, "DispatchFailure: ");
}

#[tokio::test]
async fn a_call_without_credentials_is_an_error() {
    let world = world().await;
    let builder = aws_sdk_bedrockruntime::Config::builder()
        .behavior_version(aws_sdk_bedrockruntime::config::BehaviorVersion::latest())
        .region(aws_sdk_bedrockruntime::config::Region::new("us-east-1"))
        .endpoint_url(world.sandbox.bedrock_base())
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    let client = Client::from_conf(builder.interceptor(PaidInterceptor::new()).build());
    let (result, span) = world.traced_call(converse(&client).send()).await;
    assert!(matches!(&result, Err(SdkError::DispatchFailure(_))), "{result:?}");
    assert_failed_as(&span, "DispatchFailure: ");
    assert_eq!(world.received().len(), 0);
}

#[tokio::test]
async fn a_request_that_cannot_be_built_is_no_call() {
    let world = world().await;
    let build = world.bedrock.converse().send();
    let result = world.scope().run_async(build).await;
    assert!(matches!(&result, Err(SdkError::ConstructionFailure(_))), "{result:?}");
    assert_eq!((world.calls().await.len(), world.received().len()), (0, 0));
}

#[tokio::test]
async fn answers_that_break_off_or_are_none() {
    let world = world().await;
    let client = patient(&world);
    world.sandbox.fail(Fault::on("POST", CONVERSE).after_processing().cut_midway());
    let (result, span) = world.traced_call(converse(&client).send()).await;
    assert!(matches!(&result, Err(SdkError::ResponseError(_))), "{result:?}");
    assert_failed_as(&span, "ResponseError: ");
    world.sandbox.fail(Fault::on("POST", CONVERSE).cut());
    let (result, span) = world.traced_call(converse(&client).send()).await;
    assert!(matches!(&result, Err(SdkError::DispatchFailure(_))), "{result:?}");
    assert_failed_as(&span, "DispatchFailure: ");
    world.sandbox.provider_script(Script::on(CONVERSE).malformed_at(0));
    let (result, span) = world.traced_call(converse(&client).send()).await;
    let error = result.unwrap_err();
    let raw = error.raw_response().unwrap().body().bytes().unwrap();
    assert!(raw.starts_with(b"{\"output\""), "{error:?}");
    assert_failed_as(&span, "ServiceError: ");
    // The provider has done its work, and will be paid.
    let answer = r#"{"output": "none", "usage": {"inputTokens": 7, "outputTokens": 8}}"#;
    world.sandbox.fail(Fault::on("POST", CONVERSE).status(200).body(answer, "application/json"));
    let (result, span) = world.traced_call(converse(&client).send()).await;
    assert!(matches!(&result, Err(SdkError::ServiceError(_))), "{result:?}");
    assert_eq!((span.status.code, count(&span, "output_tokens")), (StatusCode::Ok, Some(8)));
}

/// Reads a stream to its end, with and without the interceptor: the same events, and the same error.
async fn read(world: &World, script: impl Fn() -> Script) -> (Vec<Event>, String, ReceivedSpan) {
    world.sandbox.provider_script(script().times(2));
    let stream = async { all(converse_stream(&world.bedrock).send().await.unwrap()).await };
    let ((events, error), span) = world.traced_call(stream).await;
    let (plain, plain_error) = all(converse_stream(&world.plain).send().await.unwrap()).await;
    assert_eq!(events, plain);
    // The bodies that errors show are boxed alike.
    assert_eq!(error, plain_error);
    (events, error.expect("an error"), span)
}

#[tokio::test]
async fn an_exception_amid_a_stream_is_told() {
    let world = world().await;
    for (status, kind) in [
        (429, "throttlingException"),
        (400, "validationException"),
        (424, "modelStreamErrorException"),
        (503, "serviceUnavailableException"),
        (500, "internalServerException"),
    ] {
        let script = || Script::on(CONVERSE_STREAM).error_after(3, status);
        let (events, error, span) = read(&world, script).await;
        assert_eq!(events.len(), 3);
        assert!(error.contains("service error"), "{error}");
        assert_failed(&span, &format!("{kind}: the sandbox was told to fail with {status}"));
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_an_error() {
    let world = world().await;
    let (events, _, span) = read(&world, || Script::on(CONVERSE_STREAM).cut_after(3)).await;
    assert_eq!(events.len(), 3);
    assert_failed_as(&span, "DispatchFailure: ");
    let (events, _, span) = read(&world, || Script::on(CONVERSE_STREAM).malformed_at(2)).await;
    assert_eq!(events.len(), 2);
    assert_failed(&span, "StreamDropped: the stream was dropped before its end");
}

#[tokio::test]
async fn a_stream_that_is_waited_for_too_long_is_an_error() {
    let world = world().await;
    world.sandbox.provider_script(Script::on(CONVERSE_STREAM).chunk_delay(Duration::from_secs(60)));
    let read = async { all(converse_stream(&world.bedrock).send().await.unwrap()).await };
    let hasty = tokio::time::timeout(Duration::from_millis(500), read);
    let (result, span) = world.traced_call(hasty).await;
    assert!(result.is_err());
    assert_failed(&span, "StreamDropped: the stream was dropped before its end");
}
