//! Calls that fail: one ERROR span each, and the error for the caller.

use std::time::Duration;

use hyper_util::client::legacy;
use paid_sandbox::{Fault, Script, StatusCode};
use tower::timeout::TimeoutLayer;
use tower::timeout::error::Elapsed;
use tower::{Layer, ServiceBuilder, ServiceExt};

use super::{CHAT, CHAT_SPAN, assert_failed, assert_failed_as, attributes, bytes, hyper, layer, read, world};

#[tokio::test]
async fn refusals_are_passed_on_and_told() {
    let world = world().await;
    for (status, kind, reason) in [
        (400, "invalid_request_error", "400 Bad Request"),
        (401, "invalid_request_error", "401 Unauthorized"),
        (429, "requests", "429 Too Many Requests"),
        (500, "server_error", "500 Internal Server Error"),
    ] {
        for stream in [false, true] {
            let fault = Fault::on("POST", CHAT).status(status).header("retry-after", "7");
            // A stream is asked for its usage, which the refusal may be about: it is sent once more as it was.
            world.sandbox.fail(fault.times(if stream && status == 400 { 3 } else { 2 }));
            let (answer, call) = world.traced_call(read(world.http.clone(), world.chat(stream))).await;
            let answer = answer.unwrap();
            assert_eq!(
                (answer.status().as_u16(), &answer.headers()["retry-after"]),
                (status, &"7".parse().unwrap())
            );
            assert_eq!(answer.into_body(), world.bare(world.chat(stream)).await.0);
            let told = format!("ApiError: {reason}: {kind}: the sandbox was told to answer {status}");
            assert_failed(&call, &told);
            assert_eq!((call.name.as_str(), attributes(&call).len()), (CHAT_SPAN, 2));
        }
    }
}

#[tokio::test]
async fn a_call_that_is_not_answered_is_an_error() {
    let world = world().await;
    world.sandbox.fail(Fault::on("POST", CHAT).cut());
    let (answer, call) = world.traced_call(read(world.http.clone(), world.chat(false))).await;
    let error = answer.unwrap_err();
    assert!(error.is::<legacy::Error>(), "{error:?}");
    assert_failed(&call, "Error: client error (SendRequest)");
}

#[tokio::test]
async fn no_answer_in_time_is_an_error() {
    let world = world().await;
    world.sandbox.fail(Fault::on("POST", CHAT).hang().times(2));
    let timeout = TimeoutLayer::new(Duration::from_millis(200));
    // Below, where it is an error that is told; it is boxed, and stays so.
    let inside = ServiceBuilder::new().layer(layer(&world.sandbox)).layer(timeout.clone()).service(hyper());
    let (answer, call) = world.traced_call(read(inside, world.chat(false))).await;
    assert!(answer.unwrap_err().is::<Elapsed>());
    assert_failed(&call, "BoxError: request timed out");
    // Above, where the call is given up.
    let outside = timeout.layer(world.http.clone());
    let (answer, call) = world.traced_call(read(outside, world.chat(false))).await;
    assert!(answer.unwrap_err().is::<Elapsed>());
    assert_failed(&call, "Cancelled: the call was dropped before its answer");
}

#[tokio::test]
async fn an_error_within_a_stream_is_told() {
    let world = world().await;
    world.sandbox.provider_script(Script::on(CHAT).chunks(9).error_after(3, 500));
    let (answer, call) = world.traced_call(read(world.http.clone(), world.chat(true))).await;
    assert_eq!(answer.unwrap().status().as_u16(), 200);
    assert_failed(&call, "server_error: the sandbox was told to fail with 500");
}

#[tokio::test]
async fn a_stream_that_is_cut_off_is_an_error() {
    let world = world().await;
    world.sandbox.provider_script(Script::on(CHAT).chunks(20).cut_after(5));
    let work = async { bytes(world.http.clone().oneshot(world.chat(true)).await.unwrap()).await };
    let ((seen, error), call) = world.traced_call(work).await;
    assert!(!seen.is_empty() && error.is_some());
    assert_failed_as(&call, "Error: ");
}

#[tokio::test]
async fn a_malformed_answer_passes_and_says_that_its_usage_is_missing() {
    let world = world().await;
    for stream in [false, true] {
        world.sandbox.provider_script(Script::on(CHAT).chunks(3).malformed_at(0));
        let (answer, call) = world.traced_call(read(world.http.clone(), world.chat(stream))).await;
        assert!(!answer.unwrap().body().is_empty());
        assert_eq!(call.status.code, StatusCode::Ok);
        // A stream tells it in another event.
        assert_eq!(call.text("paid.usage.missing").is_some(), !stream, "{:?}", call.attributes);
    }
}
