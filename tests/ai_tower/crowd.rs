//! A thousand calls at once.

use std::sync::Arc;

use paid_sandbox::StatusCode;
use tokio::sync::{Barrier, Semaphore};
use tower::ServiceExt;

use super::{bytes, chat_of, count, world};

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
                let request = chat_of(&world.sandbox, &"x".repeat(4 * (index + 1)), index % 2 == 0);
                let scope = world.client.paid_tracing(format!("c{index}"));
                let answer = scope.run_async(world.http.clone().oneshot(request)).await.unwrap();
                // Read elsewhere, outside of every scope.
                let (seen, error) = tokio::spawn(bytes(answer)).await.unwrap();
                assert!(error.is_none() && !super::unnumbered(&seen).contains("\"choices\":[]"));
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
