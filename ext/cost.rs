//! Cost data of a signal: a cost that you know, or the usage that Paid prices.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::tracing::SignalData;
use crate::{JsonObject, Number};

/// What is wrong with cost data.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CostError {
    /// The vendor is empty.
    EmptyVendor,
    /// The amount is negative, NaN or infinite.
    InvalidAmount(String),
    /// The currency is not three letters.
    InvalidCurrency(String),
}

impl std::fmt::Display for CostError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CostError::EmptyVendor => f.write_str("`vendor` is empty: name who charges, such as \"openai\""),
            CostError::InvalidAmount(amount) => {
                write!(f, "`amount` is {amount}: give a finite number that is not negative")
            }
            CostError::InvalidCurrency(currency) => {
                write!(f, "`currency` is {currency:?}: give a code of three letters, such as \"USD\"")
            }
        }
    }
}

impl std::error::Error for CostError {}

/// Cost data of a signal: made by [`cost`](CostData::cost) or by [`usage`](CostData::usage), never both.
///
/// ```no_run
/// use paid::cost::CostData;
/// use paid::types::Signal;
///
/// let cost = CostData::cost("openai", 0.002, "USD")?.model("gpt-4.1-mini");
/// let usage = CostData::usage("openai")?.model("gpt-4.1-mini").input_tokens(100).output_tokens(300);
///
/// // For usage().record_bulk(..); the same value goes into tracing::signal(..).data(..).
/// let signals = [Signal::new().event_name("a").data(cost), Signal::new().event_name("b").data(usage)];
/// # Ok::<(), paid::cost::CostError>(())
/// ```
#[derive(Debug)]
pub enum CostData {}

impl CostData {
    /// A cost that you know: who charges, how much in currency units, and the currency's code.
    ///
    /// # Errors
    ///
    /// An empty vendor, an amount that is negative or not finite, a currency that is not three letters.
    pub fn cost(
        vendor: impl Into<String>,
        amount: impl Into<Number>,
        currency: impl Into<String>,
    ) -> Result<ManualCost, CostError> {
        let (amount, currency) = (amount.into(), currency.into());
        if !amount.is_finite() || amount.as_f64() < 0.0 {
            return Err(CostError::InvalidAmount(amount.to_string()));
        }
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(CostError::InvalidCurrency(currency));
        }
        Ok(ManualCost { vendor: named(vendor)?, amount, currency, model: None })
    }

    /// Usage that Paid prices: who provides it; the amounts are set on what is returned.
    ///
    /// # Errors
    ///
    /// An empty vendor.
    pub fn usage(vendor: impl Into<String>) -> Result<ManualUsage, CostError> {
        Ok(ManualUsage { vendor: named(vendor)?, attributes: JsonObject::new() })
    }
}

fn named(vendor: impl Into<String>) -> Result<String, CostError> {
    let vendor = vendor.into();
    if vendor.trim().is_empty() { Err(CostError::EmptyVendor) } else { Ok(vendor) }
}

const MODEL: &str = "gen_ai.response.model";

/// A cost that you know. See [`CostData::cost`].
#[derive(Clone, Debug, PartialEq)]
pub struct ManualCost {
    vendor: String,
    amount: Number,
    currency: String,
    model: Option<String>,
}

impl ManualCost {
    /// The model that caused it.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }
}

/// Usage that Paid prices. See [`CostData::usage`].
#[derive(Clone, Debug, PartialEq)]
pub struct ManualUsage {
    vendor: String,
    attributes: JsonObject,
}

impl ManualUsage {
    /// The model that answered.
    #[must_use]
    pub fn model(self, model: impl Into<String>) -> Self {
        self.attribute(MODEL, model.into())
    }

    /// Tokens of the prompt.
    #[must_use]
    pub fn input_tokens(self, count: u64) -> Self {
        self.attribute("gen_ai.usage.input_tokens", count)
    }

    /// Tokens of the answer.
    #[must_use]
    pub fn output_tokens(self, count: u64) -> Self {
        self.attribute("gen_ai.usage.output_tokens", count)
    }

    /// Tokens of the prompt that were read from the provider's cache.
    #[must_use]
    pub fn cached_input_tokens(self, count: u64) -> Self {
        self.attribute("gen_ai.usage.cached_input_tokens", count)
    }

    /// Any other attribute, such as `gen_ai.usage.reasoning_output_tokens`.
    ///
    /// With a value that JSON can't hold, such as NaN, the signal is refused by the attribute's name.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.attributes.insert(name, value);
        self
    }
}

fn wrapped(data: Map<String, Value>) -> JsonObject {
    JsonObject::from([("costData", Value::Object(data))])
}

impl From<ManualCost> for JsonObject {
    fn from(cost: ManualCost) -> Self {
        let amount = serde_json::to_value(cost.amount).unwrap_or_default();
        let parts = [("amount".to_string(), amount), ("currency".to_string(), cost.currency.into())];
        let mut data = Map::from_iter([
            ("vendor".to_string(), Value::String(cost.vendor)),
            ("cost".to_string(), Value::Object(Map::from_iter(parts))),
        ]);
        if let Some(model) = cost.model {
            data.insert(MODEL.into(), model.into());
        }
        wrapped(data)
    }
}

impl From<ManualUsage> for JsonObject {
    fn from(usage: ManualUsage) -> Self {
        match usage.attributes.into_map() {
            Ok(attributes) => wrapped(Map::from_iter([
                ("vendor".to_string(), Value::String(usage.vendor)),
                ("attributes".to_string(), Value::Object(attributes)),
            ])),
            Err(problem) => JsonObject::refused(format!("costData.attributes: {problem}")),
        }
    }
}

/// As the signal's data: `{"costData": {..}}`.
impl Serialize for ManualCost {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        JsonObject::from(self.clone()).serialize(serializer)
    }
}

/// As the signal's data: `{"costData": {..}}`.
impl Serialize for ManualUsage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        JsonObject::from(self.clone()).serialize(serializer)
    }
}

#[cfg(feature = "schemars")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{MODEL, ManualCost, ManualUsage};

    impl JsonSchema for ManualCost {
        fn schema_name() -> Cow<'static, str> {
            "ManualCost".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({"type": "object", "required": ["costData"], "properties": {"costData": {
                "type": "object",
                "required": ["vendor", "cost"],
                "properties": {
                    "vendor": {"type": "string", "minLength": 1},
                    "cost": {"type": "object", "required": ["amount", "currency"], "properties": {
                        "amount": {"type": "number", "minimum": 0},
                        "currency": {"type": "string", "pattern": "^[A-Za-z]{3}$"},
                    }},
                    (MODEL): {"type": "string"},
                },
            }}})
        }
    }

    impl JsonSchema for ManualUsage {
        fn schema_name() -> Cow<'static, str> {
            "ManualUsage".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({"type": "object", "required": ["costData"], "properties": {"costData": {
                "type": "object",
                "required": ["vendor", "attributes"],
                "properties": {
                    "vendor": {"type": "string", "minLength": 1},
                    "attributes": {"type": "object", "additionalProperties": true},
                },
            }}})
        }
    }
}

impl From<ManualCost> for SignalData {
    fn from(cost: ManualCost) -> Self {
        JsonObject::from(cost).into()
    }
}

impl From<ManualUsage> for SignalData {
    fn from(usage: ManualUsage) -> Self {
        JsonObject::from(usage).into()
    }
}
