//! A thousand calls at once.

use super::{MODEL, all, says, world};
use crate::support::crowd::assert_each_of_a_thousand_is_counted;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_calls_at_once_are_each_counted_for_their_customer() {
    assert_each_of_a_thousand_is_counted(world().await, |caller| async move {
        let message = says(&caller.prompt());
        let bedrock = &caller.world.bedrock;
        if caller.streams() {
            let call = bedrock.converse_stream().model_id(MODEL).messages(message);
            let answer = caller.scope.run_async(call.send()).await.unwrap();
            // Read elsewhere, outside of every scope.
            assert_eq!(tokio::spawn(all(answer)).await.unwrap().1, None);
        } else {
            let call = bedrock.converse().model_id(MODEL).messages(message);
            caller.scope.run_async(call.send()).await.unwrap();
        }
    })
    .await;
}
