//! What the calls of both clients have in common: options, and an answer.

use paid::{Operation, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::answer::{Answer, Refusal};
use crate::options::Options;
use crate::step::Step;

/// A call of either client.
pub trait AnyCall: Sized {
    type Output: Serialize;

    fn with(self, options: Options) -> Self;
    fn value(self) -> paid::Result<Self::Output>;
    fn response(self) -> paid::Result<Response<Self::Output>>;
}

/// Makes a call with the step's options.
pub fn finish(call: impl AnyCall, step: &mut Step) -> Answer {
    step.nothing_left()?;
    let call = call.with(step.options()?);
    let mut answer = Map::new();
    if step.raw {
        let response = call.response()?;
        answer.insert("ok".into(), to_value(&response.data)?);
        answer.insert("status".into(), response.status.into());
        answer.insert("headers".into(), response.headers.iter().collect());
    } else {
        answer.insert("ok".into(), to_value(&call.value()?)?);
    }
    Ok(answer)
}

fn to_value(data: &impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(data)
        .map_err(|error| Refusal::local("decode", format!("the answer is not JSON: {error}")))
}

macro_rules! with_options {
    ($call:expr, $options:expr) => {{
        let (mut call, options) = ($call, $options);
        if let Some(timeout) = options.timeout {
            call = call.timeout(timeout);
        }
        if let Some(retries) = options.max_retries {
            call = call.max_retries(retries);
        }
        for (name, value) in options.headers {
            call = call.header(name, value);
        }
        for (name, value) in options.query {
            call = call.query(name, value);
        }
        for (name, value) in options.body {
            call = call.body_field(name, value);
        }
        call
    }};
}

/// Waited for in the runtime that is entered.
impl<O: Operation> AnyCall for paid::Call<O>
where
    O::Output: Serialize,
{
    type Output = O::Output;

    fn with(self, options: Options) -> Self {
        with_options!(self, options)
    }

    fn value(self) -> paid::Result<Self::Output> {
        tokio::runtime::Handle::current().block_on(self.into_future())
    }

    fn response(self) -> paid::Result<Response<Self::Output>> {
        tokio::runtime::Handle::current().block_on(self.raw())
    }
}

impl<O: Operation> AnyCall for paid::blocking::Call<O>
where
    O::Output: Serialize,
{
    type Output = O::Output;

    fn with(self, options: Options) -> Self {
        with_options!(self, options)
    }

    fn value(self) -> paid::Result<Self::Output> {
        self.send()
    }

    fn response(self) -> paid::Result<Response<Self::Output>> {
        self.raw()
    }
}
