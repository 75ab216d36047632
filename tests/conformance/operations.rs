//! Every operation of the spec works through the driver, with both clients.

use std::collections::BTreeSet;

use paid_sandbox::{CostTrace, Sandbox};
use serde_json::{Value, json};

use crate::driver::{Driver, Mode};

const SPEC: &str = include_str!("../../openapi/paid-v1.json");

#[test]
fn every_operation_works_with_the_async_client() {
    every_operation(Mode::Async);
}

#[test]
fn every_operation_works_with_the_blocking_client() {
    every_operation(Mode::Blocking);
}

/// A driver that remembers what it was asked to do.
struct Caller {
    driver: Driver,
    called: BTreeSet<String>,
}

impl Caller {
    #[track_caller]
    fn call(&mut self, op: &str, args: &[&str], kwargs: Value) -> Value {
        let mut answer = self.driver.call(op, args, kwargs);
        let Some(value) = answer.get_mut("ok") else { panic!("{op}: {answer}") };
        self.called.insert(op.to_string());
        value.take()
    }

    #[track_caller]
    fn list(&mut self, op: &str) -> usize {
        self.call(op, &[], json!({})).as_array().unwrap().len()
    }
}

fn every_operation(mode: Mode) {
    let sandbox = Sandbox::start_blocking().unwrap();
    let driver = Driver::start(mode, &sandbox.base_url(), Some(sandbox.api_key()));
    let mut caller = Caller { driver, called: BTreeSet::new() };
    customers(&mut caller, &sandbox);
    agents(&mut caller);
    contacts(&mut caller);
    orders(&mut caller);
    usage(&mut caller, &sandbox);
    deletes(&mut caller);
    assert_eq!(caller.called, of_the_spec());
    assert!(caller.driver.finish().success());
}

fn customers(caller: &mut Caller, sandbox: &Sandbox) {
    let address =
        json!({"line1": "1 Main St", "city": "London", "state": "LDN", "zipCode": "N1", "country": "GB"});
    let acme =
        json!({"name": "Acme", "external_id": "acme", "employee_count": 12, "billing_address": address});
    let acme = caller.call("customers.create", &[], acme);
    assert_eq!((&acme["id"], &acme["employeeCount"]), (&json!("cus_1"), &json!(12)));
    assert_eq!(acme["billingAddress"]["zipCode"], "N1");
    caller.call("customers.create", &[], json!({"name": "Other", "external_id": "other"}));
    assert_eq!(caller.call("customers.get", &["cus_1"], json!({})), acme);
    assert_eq!(caller.call("customers.get_by_external_id", &["acme"], json!({})), acme);
    let updated = caller.call("customers.update", &["cus_1"], json!({"vat_number": "GB123"}));
    assert_eq!(updated["vatNumber"], "GB123");
    let updated = caller.call("customers.update_by_external_id", &["acme"], json!({"annual_revenue": 0.5}));
    assert_eq!((&updated["vatNumber"], &updated["annualRevenue"]), (&json!("GB123"), &json!(0.5)));
    assert_eq!(caller.list("customers.list"), 2);

    let entitlement = json!({
        "id": "ent_1", "organizationId": "org_1", "customerId": "cus_1", "entitlementId": "e", "productId": "p",
        "startDate": "2025-01-01T00:00:00Z", "total": 100, "available": 40, "used": 60,
    });
    sandbox.add_entitlement("cus_1", entitlement);
    assert_eq!(caller.call("customers.get_entitlements", &["cus_1"], json!({}))[0]["available"], 40);

    // In 2025-01-01T00:00:00Z to 00:00:02Z, one a second.
    for second in 0..3 {
        let begun = (1_735_689_600 + second) * 1_000_000_000;
        sandbox.add_cost_trace("acme", CostTrace::new("openai", 0.25, "USD").time(begun, begun + 1));
    }
    let mut costs = |kwargs| {
        let costs = caller.call("customers.get_costs_by_external_id", &["acme"], kwargs);
        (costs["traces"].as_array().unwrap().len(), costs["meta"]["offset"].clone())
    };
    assert_eq!(costs(json!({})), (3, json!(0)));
    assert_eq!(costs(json!({"limit": 1, "offset": 2})), (1, json!(2)));
    assert_eq!(costs(json!({"limit": null})), (3, json!(0)));
    // The first second is 05:30 o'clock in India; the last is excluded.
    let (from, to) = ("2025-01-01T05:30:01+05:30", "2025-01-01T00:00:02+00:00");
    assert_eq!(
        costs(json!({"start_time": {"$datetime": from}, "end_time": {"$datetime": to}})),
        (1, json!(0))
    );
}

fn agents(caller: &mut Caller) {
    let bot = json!({"name": "Bot", "description": "Writes", "external_id": "bot", "active": true});
    let bot = caller.call("agents.create", &[], bot);
    assert_eq!((&bot["id"], &bot["externalId"]), (&json!("agt_1"), &json!("bot")));
    caller.call(
        "agents.create",
        &[],
        json!({"name": "Other", "description": "Reads", "external_id": "other"}),
    );
    assert_eq!(caller.call("agents.get", &["agt_1"], json!({})), bot);
    assert_eq!(caller.call("agents.get_by_external_id", &["bot"], json!({})), bot);
    let pricing = json!({
        "eventName": "report_done", "taxable": true, "chargeType": "usage", "pricingModel": "PerUnit",
        "billingFrequency": "monthly", "pricePoints": {"USD": {"unitPrice": 2.5, "tiers": [{"unitPrice": 1}]}},
    });
    let attributes = json!([{"name": "report", "active": true, "pricing": pricing}]);
    let updated = caller.call("agents.update", &["agt_1"], json!({"agent_attributes": attributes}));
    assert_eq!(updated["agentAttributes"][0]["pricing"]["pricePoints"]["USD"]["unitPrice"], 2.5);
    let updated = caller.call("agents.update_by_external_id", &["bot"], json!({"agent_code": "b"}));
    assert_eq!(updated["agentCode"], "b");
    assert_eq!(caller.list("agents.list"), 2);
}

fn contacts(caller: &mut Caller) {
    let ann = json!({
        "salutation": "Dr.", "first_name": "Ann", "last_name": "Bee", "email": "ann@acme.test",
        "customer_external_id": "acme", "external_id": "ann", "billing_postal_code": "N1",
    });
    let ann = caller.call("contacts.create", &[], ann);
    assert_eq!((&ann["id"], &ann["salutation"]), (&json!("con_1"), &json!("Dr.")));
    assert_eq!(ann["billingPostalCode"], "N1");
    let bob = json!({"salutation": "Mr.", "first_name": "B", "last_name": "C", "email": "b@c.test", "external_id": "bob"});
    caller.call("contacts.create", &[], bob);
    assert_eq!(caller.call("contacts.get", &["con_1"], json!({})), ann);
    assert_eq!(caller.call("contacts.get_by_external_id", &["ann"], json!({})), ann);
    assert_eq!(caller.list("contacts.list"), 2);
}

fn orders(caller: &mut Caller) {
    let plan = json!({"name": "Plan", "start_date": "2025-01-01", "currency": "USD", "customer_external_id": "acme"});
    assert_eq!(caller.call("orders.create", &[], plan)["id"], "ord_1");
    let attribute = json!({
        "agentAttributeName": "report", "quantity": 4, "pricing": {"pricePoint": {"currency": "USD", "unitPrice": 2.5}},
    });
    let lines = json!([{"agentExternalId": "bot", "agentAttributes": [attribute]}, {"name": "Setup"}]);
    let order = caller.call("orders.lines.update", &["ord_1"], json!({"lines": lines}));
    assert_eq!(
        (&order["totalAmount"], &order["orderLines"][0]["agent"]["id"]),
        (&json!(10.0), &json!("agt_1"))
    );
    assert_eq!(caller.call("orders.get", &["ord_1"], json!({})), order);
    assert_eq!(caller.call("orders.activate", &["ord_1"], json!({}))["creationState"], "active");
    assert_eq!(caller.list("orders.list"), 1);
}

fn usage(caller: &mut Caller, sandbox: &Sandbox) {
    let data = json!({"pages": 3, "at": {"$datetime": "2025-01-01T00:00:00Z"}, "score": {"$float": "0.5"}});
    let signals = json!([{"event_name": "report_done", "external_customer_id": "acme", "data": data}, {"event_name": "e"}]);
    assert_eq!(caller.call("usage.record_bulk", &[], json!({"signals": signals})), Value::Null);
    let received = sandbox.signals();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].event_name.as_deref(), Some("report_done"));
    let sent = sandbox.requests().pop().unwrap().json().unwrap();
    let data = &sent["signals"][0]["data"];
    assert_eq!(*data, json!({"pages": 3, "at": "2025-01-01T00:00:00Z", "score": 0.5}));
}

fn deletes(caller: &mut Caller) {
    for (op, id) in [
        ("orders.delete", "ord_1"),
        ("contacts.delete", "con_1"),
        ("contacts.delete_by_external_id", "bob"),
        ("agents.delete", "agt_1"),
        ("agents.delete_by_external_id", "other"),
        ("customers.delete", "cus_1"),
        ("customers.delete_by_external_id", "other"),
    ] {
        assert_eq!(caller.call(op, &[id], json!({})), Value::Null, "{op}");
    }
    for op in ["customers.list", "agents.list", "contacts.list", "orders.list"] {
        assert_eq!(caller.list(op), 0, "{op}");
    }
}

/// The names of the spec's operations, as callers write them.
fn of_the_spec() -> BTreeSet<String> {
    let spec: Value = serde_json::from_str(SPEC).unwrap();
    let paths = spec["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    operations.filter_map(name).collect()
}

fn name(operation: &Value) -> Option<String> {
    let method = operation.get("x-fern-sdk-method-name")?.as_str()?;
    let group = operation["x-fern-sdk-group-name"].as_array()?;
    let words: Vec<&str> = group.iter().filter_map(Value::as_str).chain([method]).collect();
    Some(words.join("."))
}
