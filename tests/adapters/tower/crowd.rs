//! A thousand calls at once.

use tower::ServiceExt;

use super::{bytes, chat_of, unnumbered, world};
use crate::support::crowd::assert_each_of_a_thousand_is_counted;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_calls_at_once_are_each_counted_for_their_customer() {
    assert_each_of_a_thousand_is_counted(world().await, |caller| async move {
        let request = chat_of(&caller.world.sandbox, &caller.prompt(), caller.streams());
        let answer = caller.scope.run_async(caller.world.http.clone().oneshot(request)).await.unwrap();
        // Read elsewhere, outside of every scope.
        let (seen, error) = tokio::spawn(bytes(answer)).await.unwrap();
        assert!(error.is_none() && !unnumbered(&seen).contains("\"choices\":[]"));
    })
    .await;
}
