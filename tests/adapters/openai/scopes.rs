//! Scopes: none, one of a spawned task, one of code without `async`, and two hooks.

use async_openai::error::OpenAIError;
use paid::ai::openai::PaidOpenAILayer;
use paid::ai::{AiCall, UntracedCall};
use paid::tracing::InCurrentScope;
use paid_sandbox::StatusCode;

use super::{CHAT_SPAN, all, count, hello, world, world_with};

#[tokio::test]
async fn outside_of_a_scope_calls_go_through_as_they_are() {
    let world = world().await;
    assert!(world.openai.chat().create(hello()).await.is_ok());
    let (with, _) = all(world.openai.chat().create_stream(hello()).await.unwrap()).await;
    assert!(!with.is_empty());
    assert_eq!((world.calls().await.len(), world.received().len()), (0, 2));
    assert_eq!(world.received()[1].json().unwrap().get("stream_options"), None, "nothing is asked");
}

#[tokio::test]
async fn outside_of_a_scope_calls_can_be_refused() {
    let world = world_with(PaidOpenAILayer::new().optional_tracing(false)).await;
    let results = [
        world.openai.chat().create(hello()).await.map(|_| ()),
        world.openai.chat().create_stream(hello()).await.map(|_| ()),
    ];
    for result in results {
        let Err(OpenAIError::Boxed(error)) = result else { panic!("{result:?}") };
        assert!(error.is::<UntracedCall>(), "{error}");
    }
    assert_eq!(world.received().len(), 0, "nothing was sent");
    // What is no call of a model is nobody's business.
    assert!(!matches!(world.openai.models().list().await, Err(OpenAIError::Boxed(_))));
    assert_eq!(world.received().len(), 1);
    let (answer, call) = world.traced_call(world.openai.chat().create(hello())).await;
    assert!(answer.is_ok());
    assert_eq!((call.name.as_str(), call.status.code), (CHAT_SPAN, StatusCode::Ok));
}

#[tokio::test]
async fn a_call_that_two_hooks_see_is_one_span() {
    let world = world_with(PaidOpenAILayer::new().optional_tracing(false)).await;
    let (_, call) = world
        .traced_call(async {
            let call = AiCall::start("by.hand", "openai", "chat");
            call.inside_async(world.openai.chat().create(hello())).await.unwrap();
            let stream = call.inside_async(world.openai.chat().create_stream(hello())).await.unwrap();
            all(stream).await;
            call.finish();
        })
        .await;
    assert_eq!((call.name.as_str(), world.received().len()), ("paid.trace.by.hand", 2));
    assert_eq!(world.received()[1].json().unwrap().get("stream_options"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spawned_task_counts_if_the_scope_is_carried_into_it() {
    let world = world().await;
    let scope = world.scope();
    let openai = world.openai.clone();
    scope
        .run_async(async {
            let (carried, left) = (openai.clone(), openai);
            let carried = async move { carried.chat().create(hello()).await.map(|_| ()) };
            tokio::spawn(carried.in_current_scope()).await.unwrap().unwrap();
            // A task starts without a scope, here as everywhere.
            tokio::spawn(async move { left.chat().create(hello()).await.map(|_| ()) })
                .await
                .unwrap()
                .unwrap();
        })
        .await;
    let calls = world.calls().await;
    assert_eq!((calls.len(), world.received().len()), (1, 2));
    assert_eq!(calls[0].text("external_customer_id"), Some("acme"));
}

#[tokio::test]
async fn a_scope_in_a_spawned_task_is_that_tasks() {
    let world = world().await;
    let (openai, client) = (world.openai.clone(), world.client.clone());
    let task = tokio::spawn(async move {
        let stream = client.paid_tracing("acme").run_async(openai.chat().create_stream(hello())).await;
        all(stream.unwrap()).await
    });
    assert!(task.await.unwrap().1.is_none());
    let calls = world.calls().await;
    assert_eq!((calls.len(), calls[0].text("external_customer_id")), (1, Some("acme")));
    assert_eq!(count(&calls[0], "input_tokens"), Some(3));
}

#[test]
fn code_that_blocks_on_a_call_is_counted() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(world());
    let answer = world.client.paid_tracing("acme").run(|| {
        let answer = runtime.block_on(world.openai.chat().create(hello())).unwrap();
        let read = async { all(world.openai.chat().create_stream(hello()).await.unwrap()).await };
        assert!(runtime.block_on(read).1.is_none());
        answer
    });
    assert_eq!(answer.choices[0].message.content.as_deref(), Some("You said: hello there"));
    let calls = runtime.block_on(world.calls());
    assert_eq!(calls.len(), 2);
    for call in calls {
        assert_eq!((call.text("external_customer_id"), call.status.code), (Some("acme"), StatusCode::Ok));
        assert_eq!(count(&call, "input_tokens"), Some(3));
    }
}
