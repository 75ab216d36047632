//! Values that JSON can't hold, and values that it must not change.

use paid::types::{
    Address, AgentPricePointTiers, CustomerCreate, CustomerUpdate, Salutation, Signal, TaxExemptStatus,
};
use paid::{JsonObject, Number};
use serde_json::json;

#[tokio::test]
async fn nan_and_infinities_are_refused_with_the_name_of_the_field() {
    let (sandbox, client) = super::start().await;
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error =
            client.customers().create(CustomerCreate::new("A").annual_revenue(value)).await.unwrap_err();
        let paid::Error::InvalidRequest(error) = error else { panic!("{error:?}") };
        assert_eq!(error.field(), "annualRevenue");
        assert!(error.problem().contains("finite"), "{error}");
    }
    #[derive(serde::Serialize)]
    struct Data {
        ratio: f64,
    }
    let signals = [
        Signal::new().event_name("fine"),
        Signal::new().data(JsonObject::from_serialize(&json!({"a": {"b": 1}}))),
        Signal::new().data(JsonObject::from_serialize(&Data { ratio: f64::NAN })),
    ];
    let error = client.usage().record_bulk(signals).await.unwrap_err();
    assert_eq!(error.to_string(), "`signals[2].data`: `ratio` is NaN: JSON has finite numbers only");
    let error = client.usage().record_bulk([Signal::new().data(json!([1]))]).await.unwrap_err();
    assert!(
        error.to_string().contains("signals[0].data") && error.to_string().contains("an array"),
        "{error}"
    );
    for call in [
        client.customers().list().query("n", f64::NAN),
        client.customers().list().body_field("n", [1.0, f64::NAN]),
    ] {
        let paid::Error::InvalidRequest(error) = call.await.unwrap_err() else { panic!("it is refused") };
        assert!(error.field().ends_with(" n") && error.problem().contains("NaN"), "{error}");
    }
    assert_eq!(sandbox.requests().len(), 0);
}

#[tokio::test]
async fn a_number_that_json_has_not_is_refused_however_it_is_given() {
    let (sandbox, client) = super::start().await;
    let inserted = |value: f64| {
        let mut data = JsonObject::from(json!({"a": 1}));
        data.insert("x", value);
        data
    };
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let cases: Vec<(JsonObject, &str)> = vec![
            (JsonObject::from([("x", value)]), "`x` is"),
            (JsonObject::from([("x", value as f32)]), "`x` is"),
            (JsonObject::from([("x", vec![1.0, value])]), "`x[1]` is"),
            (JsonObject::from([("x", Some(value))]), "`x` is"),
            (vec![("x", 1.0), ("y", value)].into_iter().collect(), "`y` is"),
            (JsonObject::from([("x", std::collections::BTreeMap::from([("y", value)]))]), "`x.y` is"),
            (inserted(value), "`x` is"),
            (JsonObject::from([("x", JsonObject::from([("y", value)]))]), "`y` is"),
        ];
        for (data, words) in cases {
            assert!(data.problem().is_some_and(|problem| problem.contains(words)), "{data:?}");
            let signal = Signal::new().event_name("e").customer_id("cus_1").data(data);
            let error = client.usage().record_bulk([signal]).await.unwrap_err();
            let paid::Error::InvalidRequest(error) = error else { panic!("{error:?}") };
            assert_eq!(error.field(), "signals[0].data");
            assert!(error.problem().contains(words), "{error}");
        }
    }
    assert_eq!(sandbox.requests().len(), 0);
    let data = JsonObject::from([("x", 0.1), ("y", 1e300)]);
    assert_eq!(serde_json::to_string(&data).unwrap(), r#"{"x":0.1,"y":1e+300}"#);
    assert!(JsonObject::from([("x", i128::MAX)]).problem().unwrap().contains("64 bits"));
}

#[tokio::test]
async fn a_number_that_json_has_not_is_refused_as_an_attribute_of_usage() {
    let (sandbox, client) = super::start().await;
    for value in [f64::NAN, f64::INFINITY] {
        let usage = paid::cost::CostData::usage("v").unwrap().attribute("x", value).attribute("y", 1);
        let signal = Signal::new().event_name("e").customer_id("cus_1").data(usage);
        let error = client.usage().record_bulk([signal]).await.unwrap_err();
        let paid::Error::InvalidRequest(error) = error else { panic!("{error:?}") };
        assert_eq!(error.field(), "signals[0].data");
        assert!(error.problem().starts_with("costData.attributes: `x` is"), "{error}");
    }
    assert_eq!(sandbox.requests().len(), 0);
}

/// Signals that nobody could be billed for, and the field that says why.
fn incomplete_signals() -> Vec<(Signal, &'static str, &'static str)> {
    let named = || Signal::new().event_name("e");
    let complete = || named().customer_id("cus_1");
    vec![
        (Signal::new(), "event_name", "missing"),
        (Signal::new().customer_id("cus_1"), "event_name", "missing"),
        (complete().event_name("  "), "event_name", "blank"),
        (named(), "customer_id", "external_customer_id"),
        (named().external_agent_id("bot").data(json!({"a": 1})), "customer_id", "missing"),
        (complete().clear_customer_id(), "customer_id", "missing"),
        (named().customer_id(""), "customer_id", "blank"),
        (named().external_customer_id("\t"), "external_customer_id", "blank"),
        (complete().external_customer_id(" "), "external_customer_id", "blank"),
        (complete().agent_id(" "), "agent_id", "blank"),
        (complete().external_agent_id(""), "external_agent_id", "blank"),
    ]
}

#[tokio::test]
async fn a_signal_without_a_name_or_a_customer_is_refused_before_anything_is_sent() {
    let (sandbox, client) = super::start().await;
    let good = || Signal::new().event_name("e").external_customer_id("acme");
    for (signal, field, word) in incomplete_signals() {
        let error = client.usage().record_bulk([good(), good(), good(), signal]).await.unwrap_err();
        let paid::Error::InvalidRequest(error) = error else { panic!("{error:?}") };
        assert_eq!(error.field(), format!("signals[3].{field}"));
        assert!(error.problem().contains(word), "{error}");
    }
    assert_eq!(sandbox.requests().len(), 0);
    client.usage().record_bulk([good(), good().customer_id("cus_1")]).await.unwrap();
    // The way around, for an API that wants less.
    client.usage().record_bulk([]).body_field("signals", json!([{"event_name": "e"}])).await.unwrap();
    assert_eq!(sandbox.signals().len(), 3);
}

#[test]
fn the_blocking_client_refuses_incomplete_signals_too() {
    let (sandbox, client) = super::start_blocking();
    for (signal, field, _) in incomplete_signals() {
        let error = client.usage().record_bulk([signal]).send().unwrap_err();
        let paid::Error::InvalidRequest(error) = error else { panic!("{error:?}") };
        assert_eq!(error.field(), format!("signals[0].{field}"));
    }
    assert_eq!(sandbox.requests().len(), 0);
}

#[tokio::test]
async fn numbers_keep_their_digits_on_the_way() {
    let (sandbox, client) = super::start().await;
    let new = CustomerCreate::new("A").employee_count(9_007_199_254_740_993_i64).annual_revenue(1e-7);
    client.customers().create(new).await.unwrap();
    let body = String::from_utf8(sandbox.requests()[0].body().to_vec()).unwrap();
    assert_eq!(body, r#"{"name":"A","employeeCount":9007199254740993,"annualRevenue":1e-7}"#);
}

#[test]
fn setters_take_what_is_at_hand() {
    let name = String::from("A");
    let customer = CustomerCreate::new(&*name)
        .tax_exempt_status("exempt")
        .employee_count(3_u8)
        .annual_revenue(2.5_f32)
        .billing_address(Address::new("1", "c", "s", "z", "GB"));
    assert_eq!(customer.tax_exempt_status.as_ref(), Some(&TaxExemptStatus::Exempt));
    assert_eq!(customer.annual_revenue.as_ref().map(|number| number.as_f64()), Some(2.5));
    let mut update = CustomerUpdate::new();
    update.email = Some("x".to_string()).into();
    assert_eq!(update.email.as_ref().map(String::as_str), Some("x"));
    assert_eq!(AgentPricePointTiers::new(1).unit_price, Number::from(1.0));
}

#[test]
fn enums_read_and_write_every_value() {
    for value in Salutation::VALUES {
        let read: Salutation = serde_json::from_value(json!(value)).unwrap();
        assert_eq!((read.as_str(), read.to_string().as_str()), (*value, *value));
        assert!(!matches!(read, Salutation::Unknown(_)), "{value}");
    }
    let read: Salutation = serde_json::from_value(json!("Mx.")).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), json!("Mx."));
    assert_eq!(read, Salutation::from("Mx."));
}

#[test]
fn numbers_compare_by_value_and_convert_only_when_exact() {
    assert_eq!(Number::from(u64::MAX).as_i64(), None);
    assert_eq!(Number::from(5.0).as_i64(), Some(5));
    assert_eq!(Number::from(5.5).as_i64(), None);
    assert_eq!(Number::from(9.3e18).as_i64(), None);
    assert_ne!(Number::from(9_007_199_254_740_993_i64), Number::from(9_007_199_254_740_992_i64));
    assert_ne!(Number::from(-1), Number::from(u64::MAX));
    assert_ne!(Number::from(f64::NAN), Number::from(f64::NAN));
}
