//! The clients that are compared, each with its adapter and without.

mod anthropic;
mod bedrock;
mod gemini;
mod openai;
mod reqwest_middleware;
mod tower;

use std::pin::Pin;

use crate::Result;

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Load {
    pub words: usize,
    /// A chunk for each word.
    pub stream: bool,
}

/// Makes a call and reads its answer to the end.
pub type Side = Box<dyn Fn(Load) -> Pin<Box<dyn Future<Output = Result<()>>>>>;

/// One client.
pub struct Case {
    pub name: &'static str,
    /// Where it calls.
    pub paths: &'static [&'static str],
    pub paid: Side,
    pub bare: Side,
}

pub fn all(base_url: &str) -> Result<Vec<Case>> {
    Ok(vec![
        openai::case(base_url)?,
        anthropic::case(base_url)?,
        bedrock::case(base_url)?,
        gemini::case(base_url)?,
        reqwest_middleware::case(base_url)?,
        tower::case(base_url)?,
    ])
}

/// A side, from what it calls with.
fn side<C: Clone + 'static, F: Future<Output = Result<()>> + 'static>(
    client: C,
    call: fn(C, Load) -> F,
) -> Side {
    Box::new(move |load| Box::pin(call(client.clone(), load)))
}

/// Differs with the load, so that the answers do.
fn prompt(load: Load) -> String {
    format!("Write {} words.", load.words)
}

/// An answer that is shorter than what was asked for would make both sides look fast.
fn check(load: Load, bytes: usize) -> Result<()> {
    if bytes < load.words * "word".len() { Err(format!("an answer of {bytes} bytes").into()) } else { Ok(()) }
}
