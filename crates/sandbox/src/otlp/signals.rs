//! Signals that came as spans, and the costs of traces that belong to them.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use super::ReceivedSpan;
use super::value::AttributeValue;
use crate::costs::{self, CostTrace};
use crate::state::ReceivedSignal;

/// The name of a span that is a signal.
const SIGNAL: &str = "paid.trace.signal";

/// A signal that came as a span.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TracedSignal {
    /// The name of the event.
    pub event_name: Option<String>,
    /// The customer, by the caller's own id.
    pub external_customer_id: Option<String>,
    /// The agent, by the caller's own id.
    pub external_agent_id: Option<String>,
    /// What else the signal carried: the JSON of its attribute `data`. Text that is not
    /// JSON is shown as that text.
    pub data: Option<Value>,
    /// Whether the signal asks for the costs of its trace.
    pub enable_cost_tracing: bool,
    /// The trace that it is part of.
    pub trace_id: String,
    /// Its span.
    pub span_id: String,
    /// With `enable_cost_tracing`, every cost of the trace so far: AI calls, and signals
    /// with `costData`, this one included. Each counts once, however often it was sent.
    pub linked: Vec<LinkedCost>,
    /// What is wrong with the signal's `costData`, which therefore counts as none.
    pub cost_error: Option<String>,
}

/// A cost that belongs to a signal, because both are of the same trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LinkedCost {
    /// The span that the cost is of.
    pub span_id: String,
    /// The name of that span.
    pub span_name: String,
    /// The cost.
    pub cost: CostTrace,
}

/// The signals among the spans, in the order of arrival, copies included.
pub(crate) fn traced_signals(spans: &[ReceivedSpan]) -> Vec<TracedSignal> {
    let signals = || spans.iter().filter(|span| span.name == SIGNAL);
    let asking: HashSet<&str> =
        signals().filter(|span| asks(span)).map(|span| span.trace_id.as_str()).collect();
    let costs = costs_by_trace(spans, &asking);
    let view = |span: &ReceivedSpan| {
        let enable_cost_tracing = asks(span);
        let linked = if enable_cost_tracing { costs.get(span.trace_id.as_str()) } else { None };
        TracedSignal {
            event_name: plain(span, "event_name"),
            external_customer_id: plain(span, "external_customer_id"),
            external_agent_id: plain(span, "external_agent_id"),
            data: data(span),
            enable_cost_tracing,
            trace_id: span.trace_id.clone(),
            span_id: span.span_id.clone(),
            linked: linked.cloned().unwrap_or_default(),
            cost_error: cost_of(span).err(),
        }
    };
    signals().map(view).collect()
}

/// The cost trace that a span amounts to, and the customer that it names.
pub(crate) fn cost_for_customer(span: &ReceivedSpan) -> Option<(String, CostTrace)> {
    let customer = plain(span, "external_customer_id").filter(|customer| !customer.is_empty())?;
    cost_of(span).ok().flatten().map(|cost| (customer, cost))
}

fn costs_by_trace<'a>(
    spans: &'a [ReceivedSpan],
    wanted: &HashSet<&str>,
) -> HashMap<&'a str, Vec<LinkedCost>> {
    let mut known = HashSet::new();
    let mut costs: HashMap<&str, Vec<LinkedCost>> = HashMap::new();
    for span in spans.iter().filter(|span| wanted.contains(span.trace_id.as_str())) {
        if !known.insert(span.identity()) {
            continue;
        }
        if let Ok(Some(cost)) = cost_of(span) {
            let (span_id, span_name) = (span.span_id.clone(), span.name.clone());
            costs.entry(&span.trace_id).or_default().push(LinkedCost { span_id, span_name, cost });
        }
    }
    costs
}

/// The cost of a span: of a signal what its `costData` says, of others what they used.
fn cost_of(span: &ReceivedSpan) -> Result<Option<CostTrace>, String> {
    let cost = if span.name == SIGNAL {
        let Some(Value::Object(data)) = data(span) else {
            return Ok(None);
        };
        let event_name = plain(span, "event_name");
        let signal = ReceivedSignal { event_name, data: Some(data), ..ReceivedSignal::default() };
        costs::of_signal(&signal, SIGNAL).map_err(|error| error.explanation())?
    } else {
        let usage = span.attributes.iter().filter(|(name, _)| name.starts_with("gen_ai."));
        costs::of_usage(&span.name, usage.map(|(name, value)| (name.clone(), value.to_json())).collect())
    };
    Ok(cost.map(|cost| cost.time(span.start_unix_nano, span.end_unix_nano)))
}

fn asks(span: &ReceivedSpan) -> bool {
    span.attribute("enable_cost_tracing").and_then(AttributeValue::as_bool) == Some(true)
}

fn data(span: &ReceivedSpan) -> Option<Value> {
    let data = span.attribute("data")?;
    let parsed = data.as_str().and_then(|text| serde_json::from_str(text).ok());
    Some(parsed.unwrap_or_else(|| data.to_json()))
}

/// The text of an attribute; a number counts as its digits.
fn plain(span: &ReceivedSpan, name: &str) -> Option<String> {
    span.attribute(name).map(ToString::to_string)
}
