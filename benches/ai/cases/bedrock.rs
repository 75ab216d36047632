use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_bedrockruntime::types::{ContentBlock, ConversationRole, ConverseStreamOutput, Message};
use paid::ai::bedrock::PaidInterceptor;

use super::{Case, Load, check, prompt, side};
use crate::Result;

const MODEL: &str = "us.amazon.nova-lite-v1:0";

pub fn case(base_url: &str) -> Result<Case> {
    let config = || {
        Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("AKIDBENCH", "secret", None, None, "bench"))
            .endpoint_url(base_url)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
    };
    Ok(Case {
        name: "aws-sdk-bedrockruntime",
        paths: &["/model/{id}/converse", "/model/{id}/converse-stream"],
        paid: side(Client::from_conf(config().interceptor(PaidInterceptor::new()).build()), call),
        bare: side(Client::from_conf(config().build()), call),
    })
}

async fn call(client: Client, load: Load) -> Result<()> {
    let content = ContentBlock::Text(prompt(load));
    let message = Message::builder().role(ConversationRole::User).content(content).build()?;
    if load.stream {
        let call = client.converse_stream().model_id(MODEL).messages(message);
        let (mut answer, mut bytes) = (call.send().await?, 0);
        while let Some(event) = answer.stream.recv().await? {
            if let ConverseStreamOutput::ContentBlockDelta(event) = event {
                let text = event.delta().and_then(|delta| delta.as_text().ok());
                bytes += text.map_or(0, String::len);
            }
        }
        return check(load, bytes);
    }
    let answer = client.converse().model_id(MODEL).messages(message).send().await?;
    let message = answer.output().and_then(|output| output.as_message().ok());
    let text = message.and_then(|message| message.content().first()?.as_text().ok());
    check(load, text.map_or(0, String::len))
}
