//! A typed client of Anthropic's Messages API. Python: `PaidAnthropic`, `PaidAsyncAnthropic`.
//!
//! Every call inside of a scope is a span `anthropic.messages.create` with what it used, cache tokens included. Streams
//! are measured at the event that tells their usage; one that is dropped before is recorded as failed. Outside of a
//! scope, calls go through untraced, or with [`optional_tracing(false)`](Builder::optional_tracing) not at all.
//!
//! ```no_run
//! use paid::ai::anthropic::{MessageRequest, PaidAnthropic};
//! use paid::tracing::paid_tracing;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let anthropic = PaidAnthropic::new("ANTHROPIC_API_KEY")?;
//! let request = MessageRequest::new("claude-sonnet-4-5", 1024).user("Say hello");
//! let message = paid_tracing("customer_1").run_async(anthropic.messages().create(&request)).await?;
//! println!("{}", message.text());
//! # Ok(())
//! # }
//! ```
//!
//! # Other crates
//!
//! The clients on crates.io take a base URL, not a transport that could be hooked, and their types drop the counts of
//! cache tokens. One of them, such as `anthropic-ai-sdk` 0.2, is counted by hand with what its types do tell; where an
//! error comes instead, [`fail`](crate::ai::AiCall::fail) tells it:
//!
//! ```no_run
//! use paid::ai::AiCall;
//! # struct Usage { input_tokens: u32, output_tokens: u32 }
//! # struct Answer { usage: Usage }
//! # fn create_message() -> Answer { Answer { usage: Usage { input_tokens: 1, output_tokens: 2 } } }
//!
//! let mut call = AiCall::start("anthropic.messages.create", "anthropic", "messages");
//! let usage = create_message().usage; // client.create_message(Some(&params)).await
//! call.usage("input_tokens", usage.input_tokens.into()).usage("output_tokens", usage.output_tokens.into());
//! ```

mod call;
mod client;
mod collect;
mod content;
mod error;
mod event;
mod events;
mod message;
mod request;
mod stream;

pub use client::{Builder, Messages, PaidAnthropic};
pub use collect::MessageCollector;
pub use content::{
    CacheControl, Content, ContentBlock, ImageBlock, ImageSource, TextBlock, ThinkingBlock, ToolResultBlock,
    ToolUseBlock,
};
pub use error::{ApiError, Error};
pub use event::{Delta, MessageDelta, StreamEvent};
pub use message::{Message, StopReason, Usage};
pub use request::{MessageParam, MessageRequest, Metadata, Role, Thinking, Tool, ToolChoice};
pub use stream::MessageStream;
