//! The JSON schemas of the models, under the feature `schemars`.

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

#[test]
fn cost_data_has_a_schema_that_its_json_fits() {
    use paid::cost::{CostData, ManualCost, ManualUsage};
    let cost = serde_json::to_value(CostData::cost("v", 1.5, "USD").unwrap().model("m")).unwrap();
    let described = &schema::<ManualCost>()["properties"]["costData"];
    for name in described["required"].as_array().unwrap() {
        assert!(cost["costData"].get(name.as_str().unwrap()).is_some(), "{name}");
    }
    for name in cost["costData"].as_object().unwrap().keys() {
        assert!(described["properties"].get(name).is_some(), "{name}");
    }
    let usage = serde_json::to_value(CostData::usage("v").unwrap().input_tokens(1)).unwrap();
    assert_eq!(usage["costData"]["attributes"]["gen_ai.usage.input_tokens"], 1);
    assert_eq!(
        schema::<ManualUsage>()["properties"]["costData"]["required"],
        json!(["vendor", "attributes"])
    );
}
