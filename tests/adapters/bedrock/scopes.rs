//! Scopes: none, one of a spawned task, one of code without `async`, and two hooks.

use std::error::Error;
use std::iter::successors;

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::error::SdkError;
use aws_sdk_bedrockruntime::primitives::Blob;
use paid::ai::bedrock::PaidInterceptor;
use paid::ai::{AiCall, UntracedCall};
use paid::tracing::InCurrentScope;
use paid_sandbox::{Script, StatusCode};

use super::{CONVERSE_STREAM, all, config, converse, converse_stream, count, world, world_with};

fn is_untraced<E: Error + 'static, R: std::fmt::Debug>(error: &SdkError<E, R>) -> bool {
    matches!(error, SdkError::ConstructionFailure(_))
        && successors(error.source(), |&error| error.source()).any(|error| error.is::<UntracedCall>())
}

#[tokio::test]
async fn outside_of_a_scope_calls_go_through_as_they_are() {
    let world = world().await;
    assert!(converse(&world.bedrock).send().await.is_ok());
    let (events, _) = all(converse_stream(&world.bedrock).send().await.unwrap()).await;
    assert!(!events.is_empty());
    assert_eq!((world.calls().await.len(), world.received().len()), (0, 2));
}

#[tokio::test]
async fn outside_of_a_scope_calls_can_be_refused() {
    let world = world_with(PaidInterceptor::new().optional_tracing(false)).await;
    let (model, body) = ("meta.llama3-8b-instruct-v1:0", || Blob::new(r#"{"prompt": "hello there"}"#));
    let invoke = world.bedrock.invoke_model().model_id(model).body(body());
    let stream = world.bedrock.invoke_model_with_response_stream().model_id(model).body(body());
    assert!(is_untraced(&converse(&world.bedrock).send().await.unwrap_err()));
    assert!(is_untraced(&converse_stream(&world.bedrock).send().await.unwrap_err()));
    assert!(is_untraced(&invoke.send().await.unwrap_err()));
    assert!(is_untraced(&stream.send().await.unwrap_err()));
    assert_eq!(world.received().len(), 0, "nothing was sent");
    // What is no call of a model is nobody's business.
    assert!(!is_untraced(&world.bedrock.list_async_invokes().send().await.unwrap_err()));
    assert_eq!(world.received().len(), 1);
    let (answer, call) = world.traced_call(converse(&world.bedrock).send()).await;
    assert!(answer.is_ok());
    assert_eq!(call.status.code, StatusCode::Ok);
}

#[tokio::test]
async fn an_interceptor_of_one_call_counts_that_call() {
    let world = world().await;
    let (answer, call) = world
        .traced_call(async {
            converse(&world.plain).send().await.unwrap();
            converse(&world.plain).customize().interceptor(PaidInterceptor::new()).send().await
        })
        .await;
    assert!(answer.is_ok());
    assert_eq!(count(&call, "input_tokens"), Some(3));
}

#[tokio::test]
async fn two_interceptors_are_one_span() {
    let world = world().await;
    let twice =
        config(&world.sandbox).interceptor(PaidInterceptor::new()).interceptor(PaidInterceptor::new());
    let twice = Client::from_conf(twice.build());
    let (_, call) = world.traced_call(converse(&twice).send()).await;
    assert_eq!((call.status.code, count(&call, "input_tokens")), (StatusCode::Ok, Some(3)));
    let more = || PaidInterceptor::new();
    let (_, call) = world.traced_call(converse(&twice).customize().interceptor(more()).send()).await;
    assert_eq!((call.status.code, count(&call, "output_tokens")), (StatusCode::Ok, Some(6)));
    let stream = converse_stream(&twice).customize().interceptor(more());
    // Cut so that what is fed twice can't be read.
    world.sandbox.provider_script(Script::on(CONVERSE_STREAM).pieces([7]));
    let (read, call) = world.traced_call(async { all(stream.send().await.unwrap()).await }).await;
    assert_eq!((read.1, call.status.code, count(&call, "output_tokens")), (None, StatusCode::Ok, Some(6)));
    let (_, call) = world.traced_call(async { drop(converse_stream(&twice).send().await.unwrap()) }).await;
    assert_eq!(call.status.code, StatusCode::Error);
}

#[tokio::test]
async fn a_call_that_is_counted_by_hand_is_one_span() {
    let world = world_with(PaidInterceptor::new().optional_tracing(false)).await;
    let (_, call) = world
        .traced_call(async {
            let call = AiCall::start("by.hand", "bedrock", "converse");
            call.inside_async(converse(&world.bedrock).send()).await.unwrap();
            all(call.inside_async(converse_stream(&world.bedrock).send()).await.unwrap()).await;
            call.finish();
        })
        .await;
    assert_eq!((call.name.as_str(), world.received().len()), ("paid.trace.by.hand", 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spawned_task_counts_if_the_scope_is_carried_into_it() {
    let world = world().await;
    let bedrock = world.bedrock.clone();
    world
        .scope()
        .run_async(async {
            let carried = converse(&bedrock).send().in_current_scope();
            tokio::spawn(carried).await.unwrap().unwrap();
            // A task starts without a scope, here as everywhere.
            tokio::spawn(converse(&bedrock).send()).await.unwrap().unwrap();
        })
        .await;
    let calls = world.calls().await;
    assert_eq!((calls.len(), world.received().len()), (1, 2));
    assert_eq!(calls[0].text("external_customer_id"), Some("acme"));
}

#[test]
fn code_that_blocks_on_a_call_is_counted() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(world());
    world.client.paid_tracing("acme").run(|| {
        assert!(runtime.block_on(converse(&world.bedrock).send()).is_ok());
        let read = async { all(converse_stream(&world.bedrock).send().await.unwrap()).await };
        assert_eq!(runtime.block_on(read).1, None);
    });
    let calls = runtime.block_on(world.calls());
    assert_eq!(calls.len(), 2);
    for call in calls {
        assert_eq!((call.text("external_customer_id"), call.status.code), (Some("acme"), StatusCode::Ok));
        assert_eq!(count(&call, "input_tokens"), Some(3));
    }
}
