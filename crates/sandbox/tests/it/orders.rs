//! Orders: drafted for a customer, given lines, activated.

use crate::common::{Api, api, assert_error};
use serde_json::{Value, json};

fn order(more: Value) -> Value {
    let mut order = json!({"name": "Plan", "startDate": "2025-01-01", "currency": "USD"});
    let fields = order.as_object_mut().expect("an object");
    fields.extend(more.as_object().cloned().unwrap_or_default());
    order
}

fn line(agent: Value, quantity: f64) -> Value {
    let attribute = json!({"agentAttributeName": "report", "quantity": quantity, "pricing": {
        "eventName": "report_done", "pricePoint": {"currency": "USD", "unitPrice": 2.5},
    }});
    let mut line = agent;
    line["agentAttributes"] = json!([attribute]);
    line
}

async fn with_customer_and_agent() -> Api {
    let api = api().await;
    api.customer("acme").await;
    let agent = json!({"name": "Bot", "description": "Writes", "externalId": "bot"});
    api.create("/agents", agent).await;
    api
}

#[tokio::test]
async fn an_order_goes_from_draft_to_active() {
    let api = with_customer_and_agent().await;
    let lines = [line(json!({"agentExternalId": "bot"}), 4.0), json!({"name": "Setup"})];
    let body = order(json!({"customerExternalId": "acme", "orderLines": lines}));
    let created = api.create("/orders", body).await;
    assert_eq!(created["id"], "ord_1");
    assert_eq!(created["creationState"], "draft");
    assert_eq!(created["customerId"], "cus_1");
    assert_eq!(created["customer"]["externalId"], "acme");
    assert_eq!(created["totalAmount"], 10.0);
    let first = &created["orderLines"][0];
    assert_eq!(first["id"], "lin_1");
    assert_eq!(first["orderId"], "ord_1");
    assert_eq!(first["agentId"], "agt_1");
    assert_eq!(first["agent"]["name"], "Bot");
    assert_eq!(first["name"], "Bot");
    assert_eq!(first["orderLineAttributes"][0]["quantity"], 4.0);
    assert_eq!(created["orderLines"][1]["agent"], Value::Null);

    assert_eq!(api.get("/orders/ord_1").await, (200, created.clone()));
    assert_eq!(api.get("/orders").await, (200, json!([created])));
    assert_eq!(api.sandbox.orders(), [created]);

    let activate = api.request("POST", "/orders/ord_1/activate");
    let (status, active) = crate::common::read(activate).await;
    assert_eq!((status, &active["creationState"]), (200, &json!("active")));
    assert_eq!(active["orderLines"][0]["creationState"], "active");
    assert_eq!(api.get("/orders/ord_1").await, (200, active));

    assert_eq!(api.delete("/orders/ord_1").await, 204);
    assert_error(api.get("/orders/ord_1").await, 404, "ord_1");
    let activate = api.request("POST", "/orders/ord_1/activate");
    assert_error(crate::common::read(activate).await, 404, "ord_1");
}

#[tokio::test]
async fn lines_are_replaced_as_a_whole() {
    let api = with_customer_and_agent().await;
    let body = order(json!({"customerId": "cus_1"}));
    let created = api.create("/orders", body).await;
    assert_eq!(created["orderLines"], json!([]));

    let lines = json!({"lines": [line(json!({"agentId": "agt_1"}), 2.0)]});
    let (status, updated) = api.put("/orders/ord_1/lines", lines).await;
    assert_eq!(status, 200);
    assert_eq!(updated["totalAmount"], 5.0);
    assert_eq!(updated["orderLines"][0]["id"], "lin_1");

    let (_, unchanged) = api.put("/orders/ord_1/lines", json!({})).await;
    assert_eq!(unchanged, updated);

    let wrong = json!({"lines": [{"agentId": "agt_1"}, {"agentId": "agt_9"}]});
    let answer = api.put("/orders/ord_1/lines", wrong).await;
    assert_error(answer, 404, "lines[1].agentId");
    let wrong = json!({"lines": [{"agentAttributes": [{"agentAttributeName": "x"}]}]});
    let answer = api.put("/orders/ord_1/lines", wrong).await;
    assert_error(answer, 400, "lines[0].agentAttributes[0].pricing is required");
    assert_eq!(api.get("/orders/ord_1").await, (200, updated));

    let (_, cleared) = api.put("/orders/ord_1/lines", json!({"lines": null})).await;
    assert_eq!(cleared["orderLines"], json!([]));
    let answer = api.put("/orders/ord_9/lines", json!({"lines": []})).await;
    assert_error(answer, 404, "ord_9");
}

#[tokio::test]
async fn an_order_names_things_that_exist() {
    let api = with_customer_and_agent().await;
    let create = |more| api.post("/orders", order(more));
    assert_error(create(json!({})).await, 400, "customerId or customerExternalId");
    assert_error(create(json!({"customerId": "acme"})).await, 404, "customerId");
    let nobody = json!({"customerExternalId": "nobody"});
    assert_error(create(nobody).await, 404, "customerExternalId");
    let contact = json!({"customerId": "cus_1", "billingContactId": "con_9"});
    assert_error(create(contact).await, 404, "billingContactId");
    let agent = json!({"customerId": "cus_1", "orderLines": [{"agentExternalId": "x"}]});
    assert_error(create(agent).await, 404, "orderLines[0].agentExternalId");
    let answer = api.post("/orders", json!({"name": "Plan"})).await;
    assert_error(answer, 400, "startDate is required; currency is required");
    assert!(api.sandbox.orders().is_empty());
}

#[tokio::test]
async fn a_sum_of_nothing_is_zero_and_not_negative_zero() {
    let api = with_customer_and_agent().await;
    let nothing = json!({"name": "Free", "agentAttributes": []});
    let free = line(json!({"agentExternalId": "bot"}), -0.0);
    for lines in [json!([]), json!([nothing]), json!([free]), json!([nothing, free]), Value::Null] {
        let body = order(json!({"customerExternalId": "acme", "orderLines": lines}));
        let answer = api.request("POST", "/orders").json(&body).send().await.expect("an answer");
        let text = answer.text().await.expect("a body").replace("\"quantity\":-0.0", "");
        assert!(text.contains("\"totalAmount\":0.0") && !text.contains(":-0"), "{text}");
    }
}
