use paid::ai::{PaidMiddleware, Provider, Providers};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use serde_json::json;

use super::{Case, Load, check, prompt, side};
use crate::Result;

#[derive(Clone)]
struct Client {
    http: ClientWithMiddleware,
    url: String,
}

pub fn case(base_url: &str) -> Result<Case> {
    let url = format!("{}/v1/chat/completions", base_url);
    let host = base_url.trim_start_matches("http://").to_string();
    let middleware = PaidMiddleware::new().providers(Providers::new().host(host, Provider::OpenAi));
    let bare = ClientBuilder::new(reqwest::Client::new()).build();
    let paid = ClientBuilder::new(reqwest::Client::new()).with(middleware).build();
    Ok(Case {
        name: "reqwest-middleware, OpenAI",
        paths: &["/v1/chat/completions"],
        paid: side(Client { http: paid, url: url.clone() }, call),
        bare: side(Client { http: bare, url }, call),
    })
}

async fn call(client: Client, load: Load) -> Result<()> {
    let messages = json!([{"role": "user", "content": prompt(load)}]);
    let body = json!({"model": "gpt-4.1-mini", "messages": messages, "stream": load.stream});
    let request = client.http.post(&client.url).bearer_auth("sk-bench").body(body.to_string());
    let mut answer = request.header("content-type", "application/json").send().await?;
    let mut bytes = 0;
    while let Some(chunk) = answer.chunk().await? {
        bytes += chunk.len();
    }
    check(load, bytes)
}
