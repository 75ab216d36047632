//! Calls that fail: one ERROR span each, and the error for the caller.

use std::time::Duration;

use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use paid::ai::openai::PaidOpenAILayer;
use paid_sandbox::{Fault, Script, StatusCode};

use super::{CHAT, CHAT_SPAN, KEY, World, assert_failed, config, count, hello, world};

fn fault() -> Fault {
    // Without a wait, where it is repeated.
    Fault::on("POST", CHAT).header("retry-after", "0")
}

async fn chat(world: &World, stream: bool) -> Result<(), OpenAIError> {
    match stream {
        false => world.openai.chat().create(hello()).await.map(|_| ()),
        true => world.openai.chat().create_stream(hello()).await.map(|_| ()),
    }
}

#[tokio::test]
async fn refusals_are_passed_on_and_told() {
    let world = world().await;
    for (status, kind, reason, attempts) in [
        (400, "invalid_request_error", "400 Bad Request", 1),
        (401, "invalid_request_error", "401 Unauthorized", 1),
        (429, "requests", "429 Too Many Requests", 4),
        (500, "server_error", "500 Internal Server Error", 4),
    ] {
        for stream in [false, true] {
            let before = world.received().len();
            // A stream is asked for its usage, which the refusal may be about: it is sent once more as it was.
            let attempts = if stream && status == 400 { attempts + 1 } else { attempts };
            world.sandbox.fail(fault().status(status).times(attempts));
            let (result, call) = world.traced_call(chat(&world, stream)).await;
            let Err(OpenAIError::ApiError(error)) = result else { panic!("{result:?}") };
            assert_eq!(error.status_code.as_u16(), status);
            assert!(error.api_error.message.contains(&format!("the sandbox was told to answer {status}")));
            let told = format!("ApiError: {reason}: {kind}: the sandbox was told to answer {status}");
            assert_failed(&call, &told);
            assert_eq!((call.name.as_str(), count(&call, "input_tokens")), (CHAT_SPAN, None));
            assert_eq!(world.received().len() - before, attempts as usize);
        }
    }
}

#[tokio::test]
async fn a_call_that_is_repeated_is_one_span() {
    let world = world().await;
    for stream in [false, true] {
        let before = world.received().len();
        world.sandbox.fail(fault().status(429));
        world.sandbox.fail(fault().status(503));
        let (result, call) = world
            .traced_call(async {
                match stream {
                    false => world.openai.chat().create(hello()).await.map(|_| ()),
                    true => {
                        let (chunks, error) =
                            super::all(world.openai.chat().create_stream(hello()).await?).await;
                        assert!(error.is_none() && chunks.iter().all(|chunk| !chunk.choices.is_empty()));
                        Ok(())
                    }
                }
            })
            .await;
        assert!(result.is_ok(), "{result:?}");
        assert_eq!((call.status.code, count(&call, "input_tokens")), (StatusCode::Ok, Some(3)));
        let received = world.received();
        let bodies: Vec<_> = received[before..].iter().map(|request| request.body()).collect();
        assert_eq!(bodies.len(), 3);
        assert!(bodies.iter().all(|body| *body == bodies[0]), "every attempt is the same");
        let asked = received[before].json().unwrap().get("stream_options").is_some();
        assert_eq!(asked, stream);
    }
}

#[tokio::test]
async fn no_answer_in_time_is_an_error() {
    let world = world().await;
    world.sandbox.fail(fault().hang().forever());
    let http = reqwest::Client::builder().timeout(Duration::from_millis(200)).build().unwrap();
    let openai = PaidOpenAILayer::new().client_with(http, config(&world.sandbox));
    let (result, call) = world.traced_call(openai.chat().create(hello())).await;
    assert!(matches!(&result, Err(OpenAIError::Reqwest(error)) if error.is_timeout()), "{result:?}");
    assert_failed(&call, "OpenAIError: http error: error sending request for url ([url])");
}

#[tokio::test]
async fn a_call_that_is_given_up_is_an_error_span() {
    let world = world().await;
    world.sandbox.fail(fault().hang());
    let (_, call) = world.traced_call(world.give_up(chat(&world, false))).await;
    assert_failed(&call, "Cancelled: the call was dropped before its answer");
}

#[tokio::test]
async fn answers_that_break_off_or_are_none() {
    let world = world().await;
    world.sandbox.fail(fault().after_processing().cut_midway());
    let (result, call) = world.traced_call(chat(&world, false)).await;
    assert!(matches!(&result, Err(OpenAIError::Reqwest(_))), "{result:?}");
    assert_failed(&call, "Error: request or response body error");
    world.sandbox.fail(fault().cut());
    let (result, call) = world.traced_call(chat(&world, false)).await;
    assert!(matches!(&result, Err(OpenAIError::Reqwest(_))), "{result:?}");
    assert_failed(&call, "OpenAIError: http error: error sending request for url ([url])");
    // The provider has answered, and will be paid.
    world.sandbox.provider_script(Script::on(CHAT).malformed_at(0));
    let (result, call) = world.traced_call(chat(&world, false)).await;
    assert!(matches!(&result, Err(OpenAIError::JSONDeserialize(..))), "{result:?}");
    assert_eq!(call.status.code, StatusCode::Ok);
    assert_eq!(call.text("paid.usage.missing"), Some("the answer was cut off"));
}

#[tokio::test]
async fn an_error_that_quotes_the_answer_is_told_without_it() {
    let world = world().await;
    world.sandbox.fail(fault().status(429).body("<html>You said hello there</html>", "text/html"));
    let (result, call) = world.traced_call(chat(&world, false)).await;
    let Err(OpenAIError::JSONDeserialize(_, content)) = result else { panic!("{result:?}") };
    assert_eq!(content, "<html>You said hello there</html>");
    assert_failed(&call, "OpenAIError: failed to deserialize api response: line 1, column 1");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error() {
    let world = world().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = OpenAIConfig::new().with_api_base(format!("http://{closed}/v1")).with_api_key(KEY);
    let openai = paid::ai::openai::client(config);
    let (result, call) = world.traced_call(openai.chat().create(hello())).await;
    assert!(matches!(&result, Err(OpenAIError::Reqwest(error)) if error.is_connect()), "{result:?}");
    assert_failed(&call, "OpenAIError: http error: error sending request for url ([url])");
}

#[tokio::test]
async fn a_request_that_cannot_be_built_is_no_call() {
    let world = world().await;
    let config = OpenAIConfig::new().with_api_base("no address").with_api_key(KEY);
    let openai = paid::ai::openai::client(config);
    let (result, calls) = world.traced(openai.chat().create(hello())).await;
    assert!(matches!(&result, Err(OpenAIError::Reqwest(error)) if error.is_builder()), "{result:?}");
    assert_eq!((calls.len(), world.received().len()), (0, 0));
}
