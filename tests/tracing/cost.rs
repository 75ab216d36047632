//! Cost data: the JSON of every form, and what is refused.

use paid::cost::{CostData, CostError};
use paid::types::Signal;
use serde_json::json;

#[test]
fn a_known_cost_has_the_documented_form() {
    let cost = CostData::cost("openai", 0.002, "USD").unwrap().model("gpt-4.1-mini");
    let signal = Signal::new().event_name("e").agent_id("bot").customer_id("acme").data(cost);
    assert_eq!(
        serde_json::to_value(&signal).unwrap(),
        json!({
            "event_name": "e", "agent_id": "bot", "customer_id": "acme",
            "data": {"costData": {
                "vendor": "openai", "cost": {"amount": 0.002, "currency": "USD"}, "gen_ai.response.model": "gpt-4.1-mini",
            }},
        })
    );
}

#[test]
fn raw_usage_has_the_documented_form() {
    let usage = CostData::usage("openai")
        .unwrap()
        .model("gpt-4.1-mini")
        .input_tokens(100)
        .output_tokens(300)
        .cached_input_tokens(600);
    assert_eq!(
        serde_json::to_value(paid::JsonObject::from(usage)).unwrap(),
        json!({"costData": {"vendor": "openai", "attributes": {
            "gen_ai.response.model": "gpt-4.1-mini", "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 300, "gen_ai.usage.cached_input_tokens": 600,
        }}})
    );
}

#[test]
fn what_can_not_be_billed_is_refused_by_name() {
    for amount in [f64::NAN, f64::INFINITY, -0.01] {
        let error = CostData::cost("v", amount, "USD").unwrap_err();
        assert!(
            matches!(error, CostError::InvalidAmount(_)) && error.to_string().contains("`amount`"),
            "{error}"
        );
    }
    for currency in ["", "US", "USDT", "U$D", "€€€"] {
        assert!(matches!(CostData::cost("v", 1, currency), Err(CostError::InvalidCurrency(_))), "{currency}");
    }
    assert_eq!(CostData::cost(" ", 1, "USD"), Err(CostError::EmptyVendor));
    assert_eq!(CostData::usage(""), Err(CostError::EmptyVendor));
    assert!(CostData::cost("v", 0, "usd").is_ok());
}
