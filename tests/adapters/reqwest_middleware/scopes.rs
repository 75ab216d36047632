//! Scopes: none, one that two hooks see, and a thousand at once.

use paid::ai::UntracedCall;
use reqwest_middleware::ClientBuilder;

use super::{client_of, middleware, text, world};
use crate::support::crowd::assert_each_of_a_thousand_is_counted;

#[tokio::test]
async fn outside_of_a_scope_calls_go_through_unless_that_is_forbidden() {
    let world = world().await;
    assert!(text(world.chat(false)).await.contains("chat.completion"));
    let strict = client_of(middleware(&world.sandbox).optional_tracing(false));
    let before = world.received().len();
    let error = strict.execute(world.chat(false).build().unwrap()).await.unwrap_err();
    let reqwest_middleware::Error::Middleware(error) = error else { panic!("{error}") };
    assert!(error.is::<UntracedCall>(), "{error}");
    assert_eq!(world.received().len(), before, "nothing was sent");
    // What is no AI call is nobody's business.
    let other = strict.get(world.sandbox.base_url()).send().await.unwrap();
    assert_eq!(other.status().as_u16(), 401);
    assert!(world.calls().await.is_empty());
}

#[tokio::test]
async fn a_call_that_two_hooks_see_is_one_span() {
    let world = world().await;
    let twice = ClientBuilder::new(reqwest::Client::new())
        .with(middleware(&world.sandbox))
        .with(middleware(&world.sandbox))
        .build();
    let request = world.chat(true).build().unwrap();
    let (answer, _) =
        world.traced_call(async { twice.execute(request).await.unwrap().text().await.unwrap() }).await;
    assert!(!answer.contains("\"choices\":[]"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_calls_at_once_are_each_counted_for_their_customer() {
    assert_each_of_a_thousand_is_counted(world().await, |caller| async move {
        let call = text(caller.world.chat_of(&caller.prompt(), caller.streams()));
        assert!(!caller.scope.run_async(call).await.contains("\"choices\":[]"));
    })
    .await;
}
