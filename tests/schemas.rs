//! The JSON schemas of the models, under the feature `schemars`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use paid::types::{CustomerCreate, CustomerUpdate, Order, Salutation, Signal};
use schemars::schema_for;
use serde_json::{Value, json};

fn schema<T: schemars::JsonSchema>() -> Value {
    serde_json::to_value(schema_for!(T)).unwrap()
}

#[test]
fn wire_names_and_required_fields_are_those_of_the_api() {
    let schema = schema::<CustomerCreate>();
    assert_eq!(schema["required"], json!(["name"]));
    assert_eq!(schema["properties"]["employeeCount"]["type"], json!(["number", "null"]));
    assert!(schema["properties"]["billingAddress"].to_string().contains("Address"));
    assert_eq!(schema["$defs"]["Address"]["properties"]["zipCode"]["type"], json!("string"));
}

#[test]
fn what_can_be_cleared_allows_null() {
    let schema = schema::<CustomerUpdate>();
    assert_eq!(schema["properties"]["phone"]["type"], json!(["string", "null"]));
    assert_eq!(schema.get("required"), None);
}

#[test]
fn enums_allow_values_that_are_not_known_yet() {
    let schema = schema::<Salutation>();
    assert_eq!(schema["type"], "string");
    assert_eq!(schema.get("enum"), None);
    assert!(schema["examples"].as_array().unwrap().contains(&json!("Dr.")));
}

#[test]
fn free_form_data_is_an_object_and_descriptions_are_carried() {
    let schema = schema::<Signal>();
    assert!(schema["properties"]["data"].to_string().contains("object"));
    assert!(schema["properties"]["event_name"]["description"].as_str().is_some_and(|text| !text.is_empty()));
    assert!(self::schema::<Order>()["$defs"]["OrderLine"].is_object());
}
