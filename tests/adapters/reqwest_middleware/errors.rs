//! Calls that fail, and calls that are repeated.

use std::time::Duration;

use paid_sandbox::{Fault, Script};
use reqwest_middleware::ClientBuilder;
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;

use super::{CHAT, middleware, world};
use crate::support::spans::{assert_failed_as, assert_ok, count};

#[tokio::test]
async fn failures_are_recorded_once_and_passed_on() {
    let world = world().await;
    for status in [400, 401, 429, 500] {
        world.sandbox.fail(Fault::on("POST", CHAT).status(status));
        let (text, span) = world
            .traced_call(async {
                let answer = world.chat(false).send().await.unwrap();
                assert_eq!(answer.status().as_u16(), status);
                assert!(answer.url().path().ends_with("/chat/completions"));
                answer.text().await.unwrap()
            })
            .await;
        assert!(text.contains("error"), "{text}");
        assert_failed_as(&span, &format!("ApiError: {status} "));
    }
    world.sandbox.fail(Fault::on("POST", CHAT).cut());
    let (answer, span) = world.traced_call(async { world.chat(false).send().await }).await;
    assert!(answer.is_err());
    assert_failed_as(&span, "Error: ");
    world.sandbox.provider_script(Script::on(CHAT).chunks(20).cut_after(5));
    let (answer, span) =
        world.traced_call(async { world.chat(true).send().await.unwrap().text().await }).await;
    assert!(answer.is_err());
    assert_failed_as(&span, "Error: ");
}

#[tokio::test]
async fn a_call_that_is_repeated_below_is_one_span() {
    let world = world().await;
    let policy = ExponentialBackoff::builder()
        .retry_bounds(Duration::from_millis(1), Duration::from_millis(1))
        .build_with_max_retries(2);
    let http = ClientBuilder::new(reqwest::Client::new())
        .with(middleware(&world.sandbox))
        .with(RetryTransientMiddleware::new_with_policy(policy))
        .build();
    for stream in [false, true] {
        let before = world.received().len();
        world.sandbox.fail(Fault::on("POST", CHAT).status(429));
        world.sandbox.fail(Fault::on("POST", CHAT).cut());
        world.sandbox.provider_script(Script::on(CHAT).input_tokens(100));
        let request = world.chat(stream).build().unwrap();
        let call = async { http.execute(request).await.unwrap().text().await.unwrap() };
        let (answer, span) = world.traced_call(call).await;
        assert_eq!(world.received().len() - before, 3);
        assert!(!answer.contains("\"choices\":[]"), "{answer}");
        assert_ok(&span);
        assert_eq!(count(&span, "input_tokens"), Some(100));
    }
}
