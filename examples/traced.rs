//! Cost tracing from end to end: scopes in scopes, signals, a failure, and a trace that goes on elsewhere by its token.
//!
//! `cargo run --example traced` needs no account: it traces to a sandbox in this process and draws what arrived. With
//! `PAID_API_KEY` set it traces to Paid instead, or to the collector of `PAID_OTEL_COLLECTOR_ENDPOINT`.

use std::error::Error;
use std::fmt;
use std::thread;
use std::time::Duration;

use paid::cost::CostData;
use paid::tracing::{self, TracingOptions, TracingToken, paid_tracing, signal};
use paid_sandbox::Sandbox;
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    paid::logging::init();
    if std::env::var_os("PAID_API_KEY").is_some() {
        // Nothing to set up: the first scope starts tracing from the environment.
        let token = write_report()?;
        return delivered().map(|()| println!("trace {}", token.to_hex()));
    }
    let sandbox = Sandbox::start_blocking()?;
    let options = TracingOptions::new().api_key(sandbox.api_key());
    tracing::initialize_tracing(options.collector_endpoint(sandbox.collector_endpoint()))?;
    let token = write_report()?;
    delivered()?;
    println!("PAID_API_KEY is not set: this traced to a sandbox in this process\n");
    print!("{}", sandbox.trace_tree(&token.to_hex()));
    for signal in sandbox.traced_signals().iter().filter(|signal| signal.enable_cost_tracing) {
        let cost: f64 = signal.linked.iter().map(|linked| linked.cost.amount()).sum();
        println!("\n{} cost {cost} USD", signal.event_name.as_deref().unwrap_or_default());
    }
    Ok(())
}

/// One trace for one customer, whose last step is done elsewhere.
fn write_report() -> Result<TracingToken, Box<dyn Error>> {
    let token = tracing::generate_tracing_token();
    let metadata = json!({"plan": "pro", "run": {"attempt": 1, "share": 0.5}, "sources": ["web", "files"]});
    let scope = paid_tracing("customer_1").external_agent_id("writer").tracing_token(token);
    scope.metadata(metadata).try_run(draft)?;
    // A token is text where it is stored, and the same for every Paid SDK.
    let stored = token.to_string();
    let elsewhere = thread::spawn(move || publish(&stored).map_err(|error| error.to_string()));
    elsewhere.join().map_err(|_| "publishing panicked")??;
    Ok(token)
}

fn draft() -> Result<(), Box<dyn Error>> {
    signal("sources_read").data(CostData::cost("search", 0.25, "USD")?).send()?;
    // A scope inside is part of the same trace, and has a customer, an agent and metadata of its own.
    if let Err(error) = paid_tracing("customer_1").external_agent_id("reviewer").try_run(review) {
        println!("goes on without a review: {error}\n");
    }
    signal("draft_written").data(json!({"title": "Übersicht", "pages": 12})).send()?;
    Ok(())
}

/// Fails, and the span says so.
fn review() -> Result<(), ReviewError> {
    Err(ReviewError("no reviewer is free"))
}

/// In another thread, process or machine.
fn publish(stored: &str) -> Result<(), Box<dyn Error>> {
    let token: TracingToken = stored.parse()?;
    let scope = paid_tracing("customer_1").external_agent_id("publisher").tracing_token(token);
    // The one signal that all costs of the trace are joined to.
    scope.try_run(|| signal("report_published").enable_cost_tracing(true).send())?;
    Ok(())
}

/// Waits until the collector has everything.
fn delivered() -> Result<(), Box<dyn Error>> {
    let in_time = tracing::flush(Duration::from_secs(10));
    let stats = tracing::delivery().stats();
    if in_time && stats.acknowledged == stats.emitted {
        return Ok(());
    }
    Err(format!("not everything was delivered: {stats:?}").into())
}

#[derive(Debug)]
struct ReviewError(&'static str);

impl fmt::Display for ReviewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
