//! Scopes: none, one, two hooks, and a thousand calls at once.

use paid::ai::AiCall;
use paid::ai::anthropic::{Error, MessageRequest};
use paid_sandbox::StatusCode;

use super::{MODEL, hello, world, world_with};
use crate::support::crowd::assert_each_of_a_thousand_is_counted;

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
    assert_each_of_a_thousand_is_counted(world().await, |caller| async move {
        let request = MessageRequest::new(MODEL, 100).user(caller.prompt());
        let messages = caller.world.anthropic.messages();
        if caller.streams() {
            let stream = caller.scope.run_async(messages.stream(request)).await.unwrap();
            // Read elsewhere, outside of every scope.
            tokio::spawn(stream.final_message()).await.unwrap().unwrap();
        } else {
            caller.scope.run_async(messages.create(request)).await.unwrap();
        }
    })
    .await;
}
