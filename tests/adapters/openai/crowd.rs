//! A thousand calls at once.

use super::{all, chat_of, world};
use crate::support::crowd::assert_each_of_a_thousand_is_counted;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_calls_at_once_are_each_counted_for_their_customer() {
    assert_each_of_a_thousand_is_counted(world().await, |caller| async move {
        let request = chat_of(&caller.prompt());
        let chat = caller.world.openai.chat();
        if caller.streams() {
            let stream = caller.scope.run_async(chat.create_stream(request)).await.unwrap();
            // Read elsewhere, outside of every scope.
            let (chunks, error) = tokio::spawn(all(stream)).await.unwrap();
            assert!(error.is_none() && chunks.iter().all(|chunk| !chunk.choices.is_empty()));
        } else {
            caller.scope.run_async(chat.create(request)).await.unwrap();
        }
    })
    .await;
}
