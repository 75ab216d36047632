//! The typed client of Anthropic's Messages API: what the provider receives, what the caller gets, and the spans that
//! arrive at a collector.

mod errors;
mod messages;
mod scopes;
mod settings;
mod streams;

use paid::ai::anthropic::{Builder, MessageRequest, PaidAnthropic};
use paid_sandbox::ReceivedSpan;

use crate::support::spans::{assert_told, count};
use crate::support::{KEY, PROMPT};

const MODEL: &str = "claude-sonnet-4-5";
const PATH: &str = "/v1/messages";
const SPAN: &str = "paid.trace.anthropic.messages.create";

type World = crate::support::world::World<Clients>;

struct Clients {
    anthropic: PaidAnthropic,
}

async fn world() -> World {
    world_with(|builder| builder).await
}

async fn world_with(settings: impl FnOnce(Builder) -> Builder) -> World {
    World::start(|sandbox| {
        let builder = PaidAnthropic::builder(KEY).base_url(sandbox.anthropic_base()).max_retries(0);
        Clients { anthropic: settings(builder).build().unwrap() }
    })
    .await
}

fn hello() -> MessageRequest {
    MessageRequest::new(MODEL, 100).user(PROMPT)
}

#[track_caller]
fn assert_failed(span: &ReceivedSpan, message: &str) {
    assert_eq!(span.name, SPAN);
    crate::support::spans::assert_failed(span, message);
}
