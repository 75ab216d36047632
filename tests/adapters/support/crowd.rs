//! Many calls at once.

use std::sync::Arc;

use paid::tracing::PaidTracing;
use paid_sandbox::ReceivedSpan;
use tokio::sync::{Barrier, Semaphore};

use super::spans::{assert_ok, count};
use super::world::World;

/// So many at a time that descriptors last.
const AT_ONCE: usize = 100;

/// One of a crowd, with a scope of its own.
pub struct Caller<C> {
    pub world: Arc<World<C>>,
    pub scope: PaidTracing,
    pub number: usize,
}

impl<C> Caller<C> {
    /// By its length it is known whose it was.
    pub fn prompt(&self) -> String {
        "x".repeat(4 * (self.number + 1))
    }

    /// Half of a crowd asks for a stream.
    pub fn streams(&self) -> bool {
        self.number % 2 == 1
    }
}

/// A thousand callers with their prompts, each counted for its customer.
pub async fn assert_each_of_a_thousand_is_counted<C, F>(world: World<C>, call: impl Fn(Caller<C>) -> F)
where
    C: Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    for (number, span) in crowd(world, 1000, call).await.iter().enumerate() {
        assert_eq!(count(span, "input_tokens"), Some(number as i64 + 1));
    }
}

/// The spans of a crowd's calls, in the order of the callers: one for the customer of each.
pub async fn crowd<C, F>(world: World<C>, size: usize, call: impl Fn(Caller<C>) -> F) -> Vec<ReceivedSpan>
where
    C: Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    assert_eq!(size % AT_ONCE, 0, "the last ones would wait for others");
    let world = Arc::new(world);
    let (room, together) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(Barrier::new(AT_ONCE)));
    let start = |number| {
        let (room, together) = (room.clone(), together.clone());
        let scope = world.client.paid_tracing(customer(number));
        let call = call(Caller { world: world.clone(), scope, number });
        tokio::spawn(async move {
            let _room = room.acquire().await.unwrap();
            together.wait().await;
            call.await;
        })
    };
    for task in (0..size).map(start).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let mut calls = world.calls().await;
    assert_eq!(calls.len(), size);
    calls.sort_by_key(|call| call.text("external_customer_id").map(str::to_string));
    for (number, call) in calls.iter().enumerate() {
        assert_eq!(call.text("external_customer_id"), Some(customer(number).as_str()));
        assert_ok(call);
    }
    calls
}

/// In the order of their numbers.
fn customer(number: usize) -> String {
    format!("customer_{number:04}")
}
