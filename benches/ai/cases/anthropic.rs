//! There is no crate to compare with: the same client outside of a scope, where it counts nothing.

use paid::ai::anthropic::{Delta, MessageRequest, PaidAnthropic, StreamEvent};

use super::{Case, Load, check, prompt, side};
use crate::Result;

pub fn case(base_url: &str) -> Result<Case> {
    let client = || PaidAnthropic::builder("sk-ant-bench").base_url(base_url).build();
    Ok(Case {
        name: "anthropic",
        paths: &["/v1/messages"],
        paid: side(client()?, call),
        bare: side(client()?, call),
    })
}

async fn call(client: PaidAnthropic, load: Load) -> Result<()> {
    let request = MessageRequest::new("claude-sonnet-4-5", 8192).user(prompt(load));
    if !load.stream {
        return check(load, client.messages().create(request).await?.text().len());
    }
    let (mut stream, mut bytes) = (client.messages().stream(request).await?, 0);
    while let Some(event) = stream.next().await {
        if let StreamEvent::ContentBlockDelta { delta: Delta::TextDelta { text }, .. } = event? {
            bytes += text.len();
        }
    }
    check(load, bytes)
}
