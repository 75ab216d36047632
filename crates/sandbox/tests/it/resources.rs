//! Customers, agents and contacts: made, found, changed, removed, by id and by external id.

use crate::common::{api, assert_error};
use serde_json::{Value, json};

fn address() -> Value {
    json!({"line1": "1 Main St", "city": "London", "state": "LDN", "zipCode": "N1", "country": "GB"})
}

fn contact(more: Value) -> Value {
    let mut contact = json!({
        "salutation": "Dr.", "firstName": "Ada", "lastName": "L", "email": "ada@acme.test"
    });
    let fields = contact.as_object_mut().expect("an object");
    fields.extend(more.as_object().cloned().unwrap_or_default());
    contact
}

#[tokio::test]
async fn a_customer_lives_from_creation_to_deletion() {
    let api = api().await;
    let created = api
        .create(
            "/customers",
            json!({
                "name": "Acme", "email": "ops@acme.test", "externalId": "acme", "employeeCount": 12,
                "taxExemptStatus": "a value of tomorrow", "billingAddress": address(),
                "anUnknownField": 1,
            }),
        )
        .await;
    assert_eq!(created["id"], "cus_1");
    assert_eq!(created["organizationId"], "org_1");
    assert_eq!(created["creationState"], "active");
    assert_eq!(created["billingAddress"]["city"], "London");
    assert_eq!(created["vatNumber"], Value::Null);
    assert_eq!(created.get("anUnknownField"), None);

    assert_eq!(api.get("/customers/cus_1").await, (200, created.clone()));
    assert_eq!(api.get("/customers/external/acme").await, (200, created.clone()));
    assert_eq!(api.get("/customers").await, (200, json!([created])));
    assert_eq!(api.sandbox.customers(), [created]);

    assert_eq!(api.delete("/customers/cus_1").await, 204);
    assert_error(api.get("/customers/cus_1").await, 404, "cus_1");
    assert_eq!(api.get("/customers").await, (200, json!([])));
    assert_eq!(api.delete("/customers/cus_1").await, 404);
}

#[tokio::test]
async fn a_null_clears_a_field_and_an_absent_field_stays() {
    let api = api().await;
    let body = json!({"name": "Acme", "externalId": "acme", "email": "a@b.c", "phone": "1"});
    api.create("/customers", body).await;

    let changes = json!({"email": null, "name": null, "vatNumber": "GB1"});
    let (status, updated) = api.put("/customers/cus_1", changes).await;
    assert_eq!(status, 200);
    assert_eq!(updated["email"], Value::Null);
    assert_eq!(updated["phone"], "1");
    assert_eq!(updated["vatNumber"], "GB1");
    // A customer can't be without a name.
    assert_eq!(updated["name"], "Acme");

    let changes = json!({"externalId": "acme-2"});
    let (status, _) = api.put("/customers/external/acme", changes).await;
    assert_eq!(status, 200);
    assert_error(api.get("/customers/external/acme").await, 404, "acme");
    assert_eq!(api.get("/customers/external/acme-2").await.0, 200);

    let nothing = api.request("PUT", "/customers/cus_1");
    let (status, same) = crate::common::read(nothing).await;
    assert_eq!((status, &same["externalId"]), (200, &json!("acme-2")));
    assert_eq!(api.delete("/customers/external/acme-2").await, 204);
    assert_error(api.put("/customers/cus_1", json!({})).await, 404, "cus_1");
}

#[tokio::test]
async fn wrong_bodies_are_refused_by_the_name_of_the_field() {
    let api = api().await;
    let create = |body| api.post("/customers", body);
    assert_error(create(json!({})).await, 400, "name is required");
    assert_error(create(json!({"name": null})).await, 400, "name is required");
    assert_error(create(json!({"name": 1})).await, 400, "name must be a string");
    let body = json!({"name": "a", "employeeCount": "12"});
    assert_error(create(body).await, 400, "employeeCount must be a number");
    let body = json!({"name": "a", "billingAddress": {"line1": "1"}});
    assert_error(create(body).await, 400, "billingAddress.zipCode is required");
    assert_error(create(json!([])).await, 400, "must be an object");
    let broken = api.request("POST", "/customers").body("{\"name\":");
    assert_error(crate::common::read(broken).await, 400, "not valid JSON");
    assert!(api.sandbox.customers().is_empty());

    api.customer("acme").await;
    let twice = json!({"name": "Other", "externalId": "acme"});
    assert_error(create(twice).await, 409, "externalId");
    let body = json!({"phone": 5});
    assert_error(api.put("/customers/cus_1", body).await, 400, "phone");
    api.customer("other").await;
    let body = json!({"externalId": "acme"});
    assert_error(api.put("/customers/cus_2", body).await, 409, "externalId");
    let body = json!({"externalId": "acme"});
    assert_eq!(api.put("/customers/cus_1", body).await.0, 200);
}

#[tokio::test]
async fn ids_in_paths_are_decoded_once() {
    let api = api().await;
    for (sent, id) in [
        ("a%2Fb", "a/b"),
        ("a%252Fb", "a%2Fb"),
        ("a%3Fb%23c", "a?b#c"),
        ("a%20b+c", "a b+c"),
        ("%E9%A1%BE%E5%AE%A2", "顾客"),
        ("external", "external"),
    ] {
        api.customer(id).await;
        let (status, found) = api.get(&format!("/customers/external/{sent}")).await;
        assert_eq!((status, &found["externalId"]), (200, &json!(id)));
        let request = api.sandbox.requests().pop().expect("a request");
        assert!(request.target().ends_with(sent), "{}", request.target());
        let path = format!("/customers/external/{sent}/costs");
        assert_eq!(api.get(&path).await.0, 200, "{path}");
        assert_eq!(api.delete(&format!("/customers/external/{sent}")).await, 204);
    }
    assert_error(api.get("/customers/a%2Fb").await, 404, "a/b");
    assert_error(api.get("/customers/%FF").await, 400, "id");
}

#[tokio::test]
async fn entitlements_are_those_that_were_added() {
    let api = api().await;
    api.customer("acme").await;
    let path = "/customers/cus_1/credit-bundles";
    assert_eq!(api.get(path).await, (200, json!([])));
    let entitlement = json!({"total": 10, "available": 4, "used": 6});
    api.sandbox.add_entitlement("acme", entitlement);
    let (_, found) = api.get(path).await;
    assert_eq!(found[0]["customerId"], "cus_1");
    assert_eq!(found[0]["available"], 4);
    assert!(found[0]["startDate"].is_string());
    assert_error(api.get("/customers/cus_9/credit-bundles").await, 404, "cus_9");
}

#[tokio::test]
async fn an_agent_lives_from_creation_to_deletion() {
    let api = api().await;
    let body = json!({"name": "Bot", "description": "Writes", "externalId": "bot/1"});
    let created = api.create("/agents", body).await;
    assert_eq!(created["id"], "agt_1");
    assert_eq!(created["active"], true);
    assert_eq!(api.get("/agents/agt_1").await, (200, created.clone()));
    assert_eq!(api.get("/agents/external/bot%2F1").await, (200, created.clone()));
    assert_eq!(api.get("/agents").await, (200, json!([created])));
    assert_eq!(api.sandbox.agents(), [created]);

    let attribute = json!({"name": "report", "active": true, "pricing": {
        "taxable": false, "chargeType": "usage", "pricingModel": "PerUnit",
        "billingFrequency": "monthly", "pricePoints": {"USD": {"unitPrice": 0.5}},
    }});
    let changes = json!({"agentAttributes": [attribute], "description": null, "active": null});
    let (status, updated) = api.put("/agents/agt_1", changes).await;
    assert_eq!(status, 200);
    assert_eq!(updated["agentAttributes"], json!([attribute]));
    assert_eq!(updated["description"], Value::Null);
    assert_eq!(updated["active"], true);

    let mut wrong = attribute.clone();
    wrong["pricing"]["pricePoints"]["USD"]["unitPrice"] = json!("free");
    let answer = api.put("/agents/agt_1", json!({"agentAttributes": [wrong]})).await;
    let path = "agentAttributes[0].pricing.pricePoints.USD.unitPrice";
    assert_error(answer, 400, path);

    let answer = api.put("/agents/external/bot%2F1", json!({"active": false})).await;
    assert_eq!((answer.0, &answer.1["active"]), (200, &json!(false)));
    assert_error(api.post("/agents", json!({"name": "x"})).await, 400, "description");
    assert_eq!(api.delete("/agents/external/bot%2F1").await, 204);
    assert_eq!(api.delete("/agents/agt_1").await, 404);
    let body = json!({"name": "Bot", "description": "Writes"});
    assert_eq!(api.create("/agents", body).await["id"], "agt_2");
    assert_eq!(api.delete("/agents/agt_2").await, 204);
}

#[tokio::test]
async fn a_contact_belongs_to_a_customer() {
    let api = api().await;
    api.customer("acme").await;
    let body = contact(json!({"externalId": "ada", "customerExternalId": "acme"}));
    let created = api.create("/contacts", body).await;
    assert_eq!(created["id"], "con_1");
    assert_eq!(created["customerId"], "cus_1");
    assert_eq!(created["customerExternalId"], "acme");
    assert_eq!(api.get("/contacts/con_1").await, (200, created.clone()));
    assert_eq!(api.get("/contacts/external/ada").await, (200, created.clone()));
    assert_eq!(api.get("/contacts").await, (200, json!([created])));
    assert_eq!(api.sandbox.contacts(), [created]);

    let create = |body| api.post("/contacts", body);
    let nobody = contact(json!({"customerId": "cus_9"}));
    assert_error(create(nobody).await, 404, "customerId");
    api.customer("other").await;
    let two = contact(json!({"customerId": "cus_2", "customerExternalId": "acme"}));
    assert_error(create(two).await, 400, "name different records");
    let body = json!({"firstName": "Ada", "lastName": "L", "email": "a@b.c"});
    assert_error(create(body).await, 400, "salutation is required");

    assert_eq!(api.delete("/contacts/external/ada").await, 204);
    let loose = api.create("/contacts", contact(json!({}))).await;
    assert_eq!((&loose["id"], &loose["customerId"]), (&json!("con_2"), &Value::Null));
    assert_eq!(api.delete("/contacts/con_2").await, 204);
    assert_error(api.get("/contacts/external/ada").await, 404, "ada");
}
