use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use paid::ai::tower::{PaidService, PeekedBody};
use paid::ai::{PaidLayer, Provider, Providers};
use serde_json::json;
use tower::{Layer, ServiceExt};

use super::{Case, Load, check, prompt, side};
use crate::Result;

type Http<B> = Client<HttpConnector, B>;

pub fn case(base_url: &str) -> Result<Case> {
    let host = base_url.trim_start_matches("http://").to_string();
    let layer = PaidLayer::new().providers(Providers::new().host(host, Provider::OpenAi));
    let paid = layer.layer(Client::builder(TokioExecutor::new()).build_http());
    let bare: Http<Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let url = format!("{base_url}/v1/chat/completions");
    Ok(Case {
        name: "tower, hyper-util, OpenAI",
        paths: &["/v1/chat/completions"],
        paid: side((paid, url.clone()), with),
        bare: side((bare, url), without),
    })
}

async fn with(client: (PaidService<Http<PeekedBody<Full<Bytes>>>>, String), load: Load) -> Result<()> {
    let (http, url) = client;
    let answer = http.oneshot(request(&url, load)?).await.map_err(|error| error.to_string())?;
    read(answer.into_body(), load).await
}

async fn without(client: (Http<Full<Bytes>>, String), load: Load) -> Result<()> {
    let (http, url) = client;
    read(http.oneshot(request(&url, load)?).await?.into_body(), load).await
}

fn request(url: &str, load: Load) -> Result<Request<Full<Bytes>>> {
    let messages = json!([{"role": "user", "content": prompt(load)}]);
    let body = json!({"model": "gpt-4.1-mini", "messages": messages, "stream": load.stream}).to_string();
    let request = Request::post(url).header("authorization", "Bearer sk-bench");
    Ok(request.header("content-type", "application/json").body(body.into())?)
}

async fn read<B>(mut body: B, load: Load) -> Result<()>
where
    B: http_body::Body<Data = Bytes, Error: std::error::Error + 'static> + Unpin,
{
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame?.data_ref().map_or(0, Bytes::len);
    }
    check(load, bytes)
}
