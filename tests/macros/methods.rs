//! Methods, by every kind of receiver.

use std::pin::Pin;
use std::sync::Arc;

use paid::tracing::{TracingToken, paid_tracing};
use tokio::task::yield_now;

use crate::{is_inside, token};

#[derive(Default)]
struct Agent {
    id: String,
    customer: Option<String>,
    token: Option<TracingToken>,
    log: Vec<String>,
}

impl Agent {
    const NAME: &'static str = "agent";

    #[paid_tracing("c", Self::NAME)]
    fn new(id: &str) -> Self {
        Self { id: id.to_string(), token: Some(token()), ..Self::default() }
    }

    #[paid_tracing(&self.customer, &self.id, tracing_token = self.token)]
    fn id(&self) -> &str {
        assert!(is_inside(self.token.unwrap()));
        &self.id
    }

    #[paid_tracing(&self.customer, &self.id)]
    fn log(&mut self, line: &str) -> &mut String {
        self.log.push(line.into());
        self.log.last_mut().unwrap()
    }

    #[paid_tracing(&self.customer, &self.id)]
    fn into_log(self) -> Vec<String> {
        self.log
    }

    #[paid_tracing(&self.customer, &self.id)]
    fn mutated(mut self) -> Self {
        self.id.push('!');
        self
    }

    #[paid_tracing(&self.customer, &self.id)]
    fn shared(self: &Arc<Self>) -> usize {
        Arc::strong_count(self)
    }

    #[paid_tracing(&self.customer, &self.id)]
    fn pinned(self: Pin<&mut Self>) -> &mut Vec<String> {
        &mut self.get_mut().log
    }

    #[paid_tracing(&self.customer, &self.id, tracing_token = self.token)]
    async fn id_async(&self) -> &str {
        yield_now().await;
        assert!(is_inside(self.token.unwrap()));
        &self.id
    }

    #[paid_tracing(&self.customer, &self.id)]
    async fn log_async(&mut self, line: &str) -> &mut String {
        self.log.push(line.into());
        yield_now().await;
        self.log.last_mut().unwrap()
    }

    #[paid_tracing(&self.customer, &self.id)]
    async fn into_log_async(self: Box<Self>) -> Vec<String> {
        yield_now().await;
        self.log
    }
}

#[test]
fn methods_have_their_receiver() {
    let mut agent = Agent::new("a");
    assert_eq!(agent.id(), "a");
    agent.log("one").push('!');
    Pin::new(&mut agent).pinned().push("two".into());
    let agent = Arc::new(agent.mutated());
    assert_eq!(agent.shared(), 1);
    let agent = Arc::into_inner(agent).unwrap();
    assert_eq!(agent.id(), "a!");
    assert_eq!(agent.into_log(), ["one!", "two"]);
}

#[tokio::test]
async fn async_methods_have_their_receiver() {
    let mut agent = Agent::new("a");
    assert_eq!(agent.id_async().await, "a");
    agent.log_async("one").await.push('!');
    assert_eq!(Box::new(agent).into_log_async().await, ["one!"]);
}
