//! The main job from end to end: a customer, its usage, its costs, an error.
//!
//! `cargo run --example quickstart` needs no account: it talks to a sandbox in this process. With
//! `PAID_API_KEY` set it talks to the real API instead (and leaves nothing behind but the signals).

use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use paid::AsyncPaid;
use paid::cost::CostData;
use paid::tracing::{SignalError, TracingOptions, TracingToken};
use paid::types::{CustomerCreate, CustomerUpdate, Signal};
use paid_sandbox::Sandbox;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    paid::logging::init();
    if std::env::var_os("PAID_API_KEY").is_some() {
        let client = AsyncPaid::from_env()?;
        println!("PAID_API_KEY is set: this runs against {}\n", client.base_url());
        run(&client).await?;
        let token = traced_work(&client)?;
        println!("traced     trace {}", token.to_hex());
        return Ok(()); // The end of the process sends what is still in memory.
    }
    let sandbox = Sandbox::start().await?;
    let client = AsyncPaid::builder().token(sandbox.api_key()).base_url(sandbox.base_url()).build()?;
    println!("PAID_API_KEY is not set: this runs against a sandbox in this process\n");
    client.initialize_tracing_with(TracingOptions::new().collector_endpoint(sandbox.collector_endpoint()))?;
    run(&client).await?;
    let token = traced_work(&client)?;
    sandbox.wait_for_spans(4, Duration::from_secs(10)).await;
    println!("\nThe trace, as the collector has it:\n{}", sandbox.trace_tree(&token.to_hex()));
    println!("What the API received:");
    for request in sandbox.requests() {
        println!("  {:6} {} ({} bytes)", request.method(), request.target(), request.body().len());
    }
    Ok(())
}

async fn run(client: &AsyncPaid) -> Result<(), Box<dyn Error>> {
    let external_id = format!("quickstart-{}", SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis());
    let new = CustomerCreate::new("Acme, Inc.").external_id(&external_id).email("ops@acme.test");
    let customer = client.customers().create(new).await?;
    println!("created    {} ({})", customer.name, customer.id);

    let found = client.customers().get_by_external_id(&external_id).await?;
    println!("found      {} by its external id {external_id}", found.id);

    let update = CustomerUpdate::new().phone("+44 20 0000 0000").clear_email();
    let updated = client.customers().update(&customer.id, update).await?;
    println!("updated    phone {:?}, email {:?}", updated.phone, updated.email);

    let signals = read_signals(&external_id)?;
    let count = signals.len();
    client.usage().record_bulk(signals).await?;
    println!("recorded   {count} signals from examples/data/signals.json");

    let mut costs = client.customers().get_costs_by_external_id(&external_id).limit(2).items();
    while let Some(cost) = costs.next().await {
        let cost = cost?;
        println!("cost       {:<12} {} {}", cost.vendor, cost.cost.amount, cost.cost.currency);
    }

    match client.customers().get("no-such-customer").await {
        Err(error) if error.is_not_found() => println!("an error   {error}"),
        other => return Err(format!("expected a 404, got {other:?}").into()),
    }

    client.customers().delete(&customer.id).await?;
    println!("deleted    {}", customer.id);
    Ok(())
}

/// A workflow for a customer: a nested step, its cost, and the signal that is billed with the costs of the trace.
fn traced_work(client: &AsyncPaid) -> Result<TracingToken, SignalError> {
    let token = paid::tracing::generate_tracing_token();
    let scope = |customer: &str| client.paid_tracing(customer).external_agent_id("quickstart-agent");
    scope("quickstart-customer").tracing_token(token).metadata([("plan", "pro")]).try_run(|| {
        scope("quickstart-customer").try_run(|| match CostData::cost("ocr-service", 0.0015, "USD") {
            Ok(cost) => client.signal("page_scanned").data(cost).send(),
            Err(error) => Err(SignalError::InvalidData(error.to_string())),
        })?;
        client.signal("report_written").enable_cost_tracing(true).send()
    })?;
    Ok(token)
}

/// The signals of the file, billed to one customer.
fn read_signals(external_customer_id: &str) -> Result<Vec<Signal>, serde_json::Error> {
    let signals: Vec<Signal> = serde_json::from_str(include_str!("../data/signals.json"))?;
    Ok(signals.into_iter().map(|signal| signal.external_customer_id(external_customer_id)).collect())
}
