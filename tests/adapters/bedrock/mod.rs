//! `aws-sdk-bedrockruntime` with the interceptor: what the provider receives, what the caller gets, and the spans that
//! arrive at a collector.

mod calls;
mod crowd;
mod errors;
mod scopes;
mod streams;
mod trouble;

use std::time::Duration;

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::{BehaviorVersion, Builder, Config, Credentials, Region};
use aws_sdk_bedrockruntime::error::DisplayErrorContext;
use aws_sdk_bedrockruntime::operation::converse::builders::ConverseFluentBuilder;
use aws_sdk_bedrockruntime::operation::converse_stream::ConverseStreamOutput;
use aws_sdk_bedrockruntime::operation::converse_stream::builders::ConverseStreamFluentBuilder;
use aws_sdk_bedrockruntime::types::{ContentBlock, ConversationRole, ConverseStreamOutput as Event, Message};
use paid::ai::bedrock::PaidInterceptor;
use paid_sandbox::{ReceivedSpan, Sandbox};

use crate::support::spans::{assert_failed, assert_failed_as, count};
use crate::support::{KEY, PROMPT};

const SECRET: &str = "a/secret/access/key";
const MODEL: &str = "us.amazon.nova-lite-v1:0";
const CONVERSE: &str = "/model/{id}/converse";
const CONVERSE_STREAM: &str = "/model/{id}/converse-stream";

type World = crate::support::world::World<Clients>;

struct Clients {
    bedrock: Client,
    /// The same client as it is without the interceptor.
    plain: Client,
}

async fn world() -> World {
    world_with(PaidInterceptor::new()).await
}

async fn world_with(interceptor: PaidInterceptor) -> World {
    World::start(|sandbox| Clients {
        bedrock: Client::from_conf(config(sandbox).interceptor(interceptor).build()),
        plain: Client::from_conf(config(sandbox).build()),
    })
    .await
}

fn config(sandbox: &Sandbox) -> Builder {
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(KEY, SECRET, None, None, "test"))
        .endpoint_url(sandbox.bedrock_base())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
}

fn says(text: &str) -> Message {
    let content = ContentBlock::Text(text.to_string());
    Message::builder().role(ConversationRole::User).content(content).build().unwrap()
}

fn converse(bedrock: &Client) -> ConverseFluentBuilder {
    bedrock.converse().model_id(MODEL).messages(says(PROMPT))
}

fn converse_stream(bedrock: &Client) -> ConverseStreamFluentBuilder {
    bedrock.converse_stream().model_id(MODEL).messages(says(PROMPT))
}

/// All of a stream, and the error that it ended with.
async fn all(mut answer: ConverseStreamOutput) -> (Vec<Event>, Option<String>) {
    let mut events = Vec::new();
    loop {
        match answer.stream.recv().await {
            Ok(Some(event)) => events.push(event),
            Ok(None) => return (events, None),
            Err(error) => return (events, Some(DisplayErrorContext(error).to_string())),
        }
    }
}

/// That a span is a success with these attributes and no others but those of every call.
#[track_caller]
fn assert_told(span: &ReceivedSpan, operation: &str, own: &[(&str, &str)]) {
    let every = [("gen_ai.system", "bedrock"), ("gen_ai.operation.name", operation)];
    let name = format!("paid.trace.bedrock.{operation}");
    crate::support::spans::assert_told(span, &name, &[&every, own].concat());
}
