//! The operations of tracing, beside those of the API.

use std::time::Duration;

use paid::tracing::{self, TracingOptions};
use serde_json::{Value, json};

use crate::answer::{self, Answer, Refusal};
use crate::script::{self, Signal, Trace};
use crate::step::Step;
use crate::traces::{self, World};

const FLUSH_PATIENCE: Duration = Duration::from_secs(10);

/// Whether there is such an operation.
pub fn knows(op: &str) -> bool {
    let ops = [
        "trace",
        "signal",
        "initialize_tracing",
        "flush",
        "token.generate",
        "token.generate_and_set",
        "token.set",
        "token.unset",
    ];
    ops.contains(&op)
}

/// Does what a step says.
pub fn run(world: &World, mut step: Step) -> Answer {
    match step.op.as_str() {
        "trace" => return traces::run(world, Trace::read(step)?),
        "signal" => return traces::send(Signal::read(step)?),
        "token.set" => return set_token(step),
        _ => step.nothing_left()?,
    }
    let value = match step.op.as_str() {
        "initialize_tracing" => {
            tracing::initialize_tracing(TracingOptions::new())?;
            Value::Null
        }
        "flush" => flush(world, step.seconds("timeout_in_seconds")?.unwrap_or(FLUSH_PATIENCE)),
        "token.generate" => tracing::generate_tracing_token().to_string().into(),
        "token.generate_and_set" => tracing::generate_and_set_tracing_token().to_string().into(),
        "token.unset" => {
            tracing::unset_tracing_token();
            Value::Null
        }
        other => return Err(Refusal::local("unknown_op", other)),
    };
    Ok(answer::ok(value))
}

fn set_token(mut step: Step) -> Answer {
    let text: Option<String> = step.argument("token")?;
    step.nothing_left()?;
    let text = text.ok_or_else(|| Refusal::invalid("token", "is missing in token.set"))?;
    match script::token("token", &text)? {
        Some(token) => tracing::set_tracing_token(token),
        None => tracing::unset_tracing_token(),
    }
    Ok(answer::ok(Value::Null))
}

/// Waits for delivery, whether or not all of it goes out, and says where the spans are.
fn flush(world: &World, timeout: Duration) -> Value {
    let wait = move || tracing::flush(timeout);
    match &world.runtime {
        Some(runtime) => {
            // It fails only if the waiting panics, and then there is nothing to wait for.
            let _ = runtime.block_on(runtime.spawn_blocking(wait));
        }
        None => {
            wait();
        }
    }
    let stats = tracing::delivery().stats();
    json!({
        "emitted": stats.emitted,
        "acknowledged": stats.acknowledged,
        "held": stats.held,
        "dead_lettered": stats.dead_lettered,
        "dropped": stats.dropped,
    })
}
