//! Cost traces: how they look, and how the cost data of a signal becomes one.

use serde::Serialize;
use serde_json::Value;

use crate::time::{as_text, now_unix_nano};
use crate::validate::{Object, refuse};
use crate::{error::ApiError, state::ReceivedSignal};

/// What one token costs in the sandbox, in US dollars, whatever the model.
///
/// A signal with raw usage gets the cost `tokens × PRICE_PER_TOKEN_USD`, where `tokens`
/// is the sum of its `gen_ai.usage.…_tokens` attributes, `total_tokens` left out unless
/// it is the only one, and those left out that are a part of another one: audio, images,
/// what tools put into the prompt, and what was cached for an hour. The price says nothing about what the real service would compute.
pub const PRICE_PER_TOKEN_USD: f64 = 1.0 / TOKENS_PER_DOLLAR;

// Dividing by a million rounds better than multiplying by a millionth.
const TOKENS_PER_DOLLAR: f64 = 1_000_000.0;

/// What one AI call (or anything else with a price) cost a customer.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use paid_sandbox::{CostTrace, Sandbox};
///
/// let sandbox = Sandbox::start_blocking()?;
/// let trace = CostTrace::new("openai", 0.0021, "USD")
///     .name("paid.trace.openai.chat.completions.create")
///     .attribute("gen_ai.usage.input_tokens", 12);
/// sandbox.add_cost_trace("acme", trace);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CostTrace {
    name: String,
    vendor: String,
    cost: CostAmount,
    #[serde(serialize_with = "as_text")]
    start_time_unix_nano: u64,
    #[serde(serialize_with = "as_text")]
    end_time_unix_nano: u64,
    attributes: Object,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct CostAmount {
    amount: f64,
    currency: String,
}

impl CostTrace {
    /// A cost of this amount, at this moment.
    pub fn new(vendor: impl Into<String>, amount: f64, currency: impl Into<String>) -> Self {
        let now = now_unix_nano();
        Self {
            name: "manual_cost".to_owned(),
            vendor: vendor.into(),
            // Adding zero makes zero of a negative zero.
            cost: CostAmount { amount: amount + 0.0, currency: currency.into() },
            start_time_unix_nano: now,
            end_time_unix_nano: now,
            attributes: Object::new(),
        }
    }

    /// Names the trace.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets when the call began and ended, in nanoseconds since 1970.
    #[must_use]
    pub fn time(mut self, start_unix_nano: u64, end_unix_nano: u64) -> Self {
        self.start_time_unix_nano = start_unix_nano;
        self.end_time_unix_nano = end_unix_nano;
        self
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attribute(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.attributes.insert(key.into(), value.into());
        self
    }

    /// Who is paid.
    pub fn vendor(&self) -> &str {
        &self.vendor
    }

    /// The cost, in units of the [`currency`](Self::currency).
    pub fn amount(&self) -> f64 {
        self.cost.amount
    }

    /// The currency of the cost.
    pub fn currency(&self) -> &str {
        &self.cost.currency
    }

    pub(crate) fn started_at(&self) -> i128 {
        i128::from(self.start_time_unix_nano)
    }
}

/// The cost trace of a signal, if its data has any `costData`.
///
/// `at` is where the signal stands in the request, for the error that names a wrong field.
pub(crate) fn of_signal(signal: &ReceivedSignal, at: &str) -> Result<Option<CostTrace>, ApiError> {
    let cost_data = signal.data.as_ref().and_then(|data| data.get("costData"));
    let cost_data = match cost_data {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(cost_data)) => cost_data,
        Some(_) => {
            let message = format!("{at}.data.costData must be an object");
            return Err(ApiError::invalid(message));
        }
    };
    let at = format!("{at}.data.costData");
    let mut problems = Vec::new();
    let trace = read(cost_data, &at, &mut problems);
    refuse(problems)?;
    let name = signal.event_name.as_deref().unwrap_or("signal");
    Ok(trace.map(|trace| trace.name(name)))
}

/// The cost trace of an AI call that was traced, if its span says what it used.
pub(crate) fn of_usage(name: &str, attributes: Object) -> Option<CostTrace> {
    if !attributes.keys().any(|key| key.starts_with("gen_ai.usage.")) {
        return None;
    }
    let vendor = attributes.get("gen_ai.system").and_then(Value::as_str).unwrap_or("unknown").to_owned();
    Some(usage_trace(&vendor, attributes).name(name))
}

fn read(cost_data: &Object, at: &str, problems: &mut Vec<String>) -> Option<CostTrace> {
    let given = |key: &str| cost_data.get(key).filter(|value| !value.is_null());
    let vendor = given("vendor").and_then(Value::as_str).unwrap_or_default();
    if vendor.is_empty() {
        problems.push(format!("{at}.vendor must be a non-empty string"));
    }
    let mut trace = match (given("cost"), given("attributes")) {
        (Some(cost), None) => manual_cost(vendor, cost, at, problems),
        (None, Some(usage)) => priced_usage(vendor, usage, at, problems),
        (Some(_), Some(_)) => {
            problems.push(format!("{at} has both cost and attributes: give one"));
            None
        }
        (None, None) => {
            problems.push(format!("{at} has neither cost nor attributes: give one"));
            None
        }
    }?;
    for (key, value) in cost_data {
        if !["vendor", "cost", "attributes"].contains(&key.as_str()) {
            trace = trace.attribute(key, value.clone());
        }
    }
    Some(trace)
}

fn manual_cost(vendor: &str, cost: &Value, at: &str, problems: &mut Vec<String>) -> Option<CostTrace> {
    let amount = cost.get("amount").and_then(Value::as_f64);
    let amount = amount.filter(|amount| *amount >= 0.0);
    if amount.is_none() {
        problems.push(format!("{at}.cost.amount must be a number of 0 or more"));
    }
    let currency = cost.get("currency").and_then(Value::as_str);
    let currency = currency.filter(|currency| !currency.is_empty());
    if currency.is_none() {
        problems.push(format!("{at}.cost.currency must be a non-empty string"));
    }
    Some(CostTrace::new(vendor, amount?, currency?))
}

fn priced_usage(vendor: &str, usage: &Value, at: &str, problems: &mut Vec<String>) -> Option<CostTrace> {
    let Value::Object(usage) = usage else {
        problems.push(format!("{at}.attributes must be an object"));
        return None;
    };
    Some(usage_trace(vendor, usage.clone()))
}

fn usage_trace(vendor: &str, usage: Object) -> CostTrace {
    let mut trace = CostTrace::new(vendor, tokens(&usage) / TOKENS_PER_DOLLAR, "USD");
    trace.attributes = usage;
    trace
}

/// Counts that are told beside the whole that they are a part of.
const PARTS: [&str; 6] = [
    "gen_ai.usage.cache_creation_1h_input_tokens",
    "gen_ai.usage.audio.input_tokens",
    "gen_ai.usage.audio.output_tokens",
    "gen_ai.usage.image.input_tokens",
    "gen_ai.usage.image.output_tokens",
    "gen_ai.usage.tool_use_prompt_tokens",
];

fn tokens(usage: &Object) -> f64 {
    let mut sum = None;
    for (key, value) in usage {
        let counted = key.starts_with("gen_ai.usage.")
            && key.ends_with("_tokens")
            && key != "gen_ai.usage.total_tokens"
            && !PARTS.contains(&key.as_str());
        if let (true, Some(count)) = (counted, value.as_f64()) {
            sum = Some(sum.unwrap_or(0.0) + count.max(0.0));
        }
    }
    let total = || usage.get("gen_ai.usage.total_tokens")?.as_f64();
    // Adding zero makes zero of a negative zero.
    sum.or_else(total).unwrap_or(0.0).max(0.0) + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_count_costs_nothing_beside_the_whole() {
        let mut usage = Object::new();
        for (key, count) in [("input_tokens", 100), ("output_tokens", 20), ("audio.input_tokens", 90)] {
            usage.insert(format!("gen_ai.usage.{key}"), count.into());
        }
        usage.insert("gen_ai.usage.tool_use_prompt_tokens".to_owned(), 80.into());
        usage.insert("gen_ai.response.finish_reasons".to_owned(), serde_json::json!(["stop"]));
        let trace = of_usage("call", usage).map(|trace| (trace.amount(), trace.attributes.len()));
        assert_eq!(trace, Some((120.0 / TOKENS_PER_DOLLAR, 5)));
    }
}
