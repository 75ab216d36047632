//! Scopes: none, one, two hooks, and a thousand calls at once.

use std::sync::Arc;

use paid::ai::AiCall;
use paid::ai::anthropic::{Error, MessageRequest};
use paid_sandbox::StatusCode;
use tokio::sync::{Barrier, Semaphore};

use super::{MODEL, count, hello, world, world_with};

#[tokio::test]
async fn outside_of_a_scope_calls_go_through_untraced() {
    let world = world().await;
    assert_eq!(world.anthropic.messages().create(hello()).await.unwrap().text(), "You said: hello there");
    let stream = world.anthropic.messages().stream(hello()).await.unwrap();
    assert_eq!(stream.final_message().await.unwrap().text(), "You said: hello there");
    assert_eq!((world.calls().await.len(), world.received().len()), (0, 2));
}

#[tokio::test]
async fn outside_of_a_scope_calls_can_be_refused() {
    let world = world_with(|builder| builder.optional_tracing(false)).await;
    let messages = world.anthropic.messages();
    assert!(matches!(messages.clone().create(hello()).await, Err(Error::Untraced(_))));
    assert!(matches!(messages.clone().stream(hello()).await, Err(Error::Untraced(_))));
    assert_eq!(world.received().len(), 0);
    let (message, call) = world.traced_call(messages.create(hello())).await;
    assert!(message.is_ok());
    assert_eq!(call.status.code, StatusCode::Ok);
}

#[tokio::test]
async fn a_call_that_two_hooks_see_is_counted_once() {
    let world = world_with(|builder| builder.optional_tracing(false)).await;
    let (_, call) = world
        .traced_call(async {
            let call = AiCall::start("by.hand", "anthropic", "messages");
            call.inside_async(world.anthropic.messages().create(hello())).await.unwrap();
            let stream = call.inside_async(world.anthropic.messages().stream(hello())).await.unwrap();
            stream.final_message().await.unwrap();
            call.finish();
        })
        .await;
    assert_eq!((call.name.as_str(), world.received().len()), ("paid.trace.by.hand", 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_calls_at_once_are_each_counted_for_their_customer() {
    const CALLS: usize = 1000;
    let world = Arc::new(world().await);
    // So many at a time that descriptors last.
    let (room, together) = (Arc::new(Semaphore::new(100)), Arc::new(Barrier::new(100)));
    let tasks: Vec<_> = (0..CALLS)
        .map(|index| {
            let (world, room, together) = (world.clone(), room.clone(), together.clone());
            tokio::spawn(async move {
                let _room = room.acquire().await.unwrap();
                together.wait().await;
                let request = MessageRequest::new(MODEL, 100).user("x".repeat(4 * (index + 1)));
                let scope = world.client.paid_tracing(format!("c{index}"));
                let messages = world.anthropic.messages();
                if index % 2 == 0 {
                    scope.run_async(messages.create(request)).await.unwrap();
                } else {
                    let stream = scope.run_async(messages.stream(request)).await.unwrap();
                    // Read elsewhere, outside of every scope.
                    tokio::spawn(stream.final_message()).await.unwrap().unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut calls = world.calls().await;
    assert_eq!(calls.len(), CALLS);
    calls.sort_by_key(|call| count(call, "input_tokens"));
    for (index, call) in calls.iter().enumerate() {
        assert_eq!(call.text("external_customer_id"), Some(format!("c{index}").as_str()));
        assert_eq!(count(call, "input_tokens"), Some(index as i64 + 1));
        assert_eq!(call.status.code, StatusCode::Ok);
    }
}
