// `gemini-rust` calls `generate_content` deprecated. It works, and is what most programs use.
#![allow(deprecated)]

use std::future::poll_fn;
use std::pin::Pin;

use futures_core::Stream;
use gemini_rust::{ContentBuilder, Gemini, GeminiBuilder, GenerationStream, Model};
use paid::ai::gemini::PaidExt;

use super::{Case, Load, check, prompt, side};
use crate::Result;

pub fn case(base_url: &str) -> Result<Case> {
    let client = || {
        GeminiBuilder::new("AIza-bench")
            .with_model(Model::Custom("models/gemini-2.5-flash".into()))
            .with_base_url(format!("{}/v1beta/", base_url).parse()?)
            .build()
            .map_err(Box::<dyn std::error::Error>::from)
    };
    Ok(Case {
        name: "gemini-rust",
        paths: &["/v1beta/models/{model}:generateContent", "/v1beta/models/{model}:streamGenerateContent"],
        paid: side(client()?, paid),
        bare: side(client()?, bare),
    })
}

fn request(client: &Gemini, load: Load) -> ContentBuilder {
    client.generate_content().with_user_message(prompt(load))
}

async fn paid(client: Gemini, load: Load) -> Result<()> {
    let request = request(&client, load).paid();
    if load.stream {
        return read(request.execute_stream().await?, load).await;
    }
    check(load, request.execute().await?.text().len())
}

async fn bare(client: Gemini, load: Load) -> Result<()> {
    let request = request(&client, load);
    if load.stream {
        return read(request.execute_stream().await?, load).await;
    }
    check(load, request.execute().await?.text().len())
}

async fn read(mut stream: GenerationStream, load: Load) -> Result<()> {
    let mut bytes = 0;
    while let Some(part) = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await {
        bytes += part?.text().len();
    }
    check(load, bytes)
}
