//! Every v1 operation, through both clients, against the sandbox.

use paid::types::{
    Address, AgentCreate, AgentUpdate, ChargeType, ContactCreate, CustomerCreate, CustomerUpdate,
    OrderCreate, OrderLineAttributeCreate, OrderLineAttributePricing, OrderLineCreate, PricePoint,
    Salutation, Signal,
};
use paid::{AsyncPaid, Error, Nullable, Paid};
use serde_json::json;

/// Makes a call with either client.
macro_rules! finish {
    (async, $call:expr) => {
        $call.await
    };
    (blocking, $call:expr) => {
        $call.send()
    };
}

/// The 31 operations, once; the number of distinct routes that were called is checked by the caller.
macro_rules! every_operation {
    ($client:expr, $kind:tt) => {{
        let client = $client;

        let agents = client.agents();
        let agent = finish!($kind, agents.create(AgentCreate::new("Bot", "Answers").external_id("bot").active(true)))?;
        assert_eq!((agent.name.as_str(), agent.active), ("Bot", true));
        assert_eq!(finish!($kind, agents.get(&agent.id))?.external_id.as_deref(), Some("bot"));
        assert_eq!(finish!($kind, agents.get_by_external_id("bot"))?.id, agent.id);
        let renamed = finish!($kind, agents.update(&agent.id, AgentUpdate::new().name("Bot 2")))?;
        assert_eq!(renamed.name, "Bot 2");
        let cleared = finish!($kind, agents.update_by_external_id("bot", AgentUpdate::new().clear_description()))?;
        assert_eq!(cleared.description, None);
        assert_eq!(finish!($kind, agents.list())?.len(), 1);

        let customers = client.customers();
        let address = Address::new("1 Main St", "London", "LDN", "N1 9GU", "GB");
        let new = CustomerCreate::new("Acme").external_id("acme").billing_address(address).employee_count(12);
        let customer = finish!($kind, customers.create(new))?;
        let address = customer.billing_address.as_ref().unwrap();
        assert_eq!((address.city.as_str(), &address.line2), ("London", &Nullable::Omitted));
        assert_eq!(finish!($kind, customers.get(&customer.id))?.name, "Acme");
        assert_eq!(finish!($kind, customers.get_by_external_id("acme"))?.id, customer.id);
        let updated = finish!($kind, customers.update(&customer.id, CustomerUpdate::new().phone("+44 20")))?;
        assert_eq!((updated.phone.as_deref(), updated.employee_count), (Some("+44 20"), Some(12.into())));
        let cleared = finish!($kind, customers.update_by_external_id("acme", CustomerUpdate::new().clear_phone()))?;
        assert_eq!(cleared.phone, None);
        assert_eq!(finish!($kind, customers.list())?.len(), 1);
        assert!(finish!($kind, customers.get_entitlements(&customer.id))?.is_empty());

        let contacts = client.contacts();
        let new = ContactCreate::new(Salutation::Dr, "Ada", "Lovelace", "ada@acme.test")
            .external_id("ada")
            .customer_id(customer.id.as_str());
        let contact = finish!($kind, contacts.create(new))?;
        let contact_id = contact.id.as_deref().unwrap();
        assert_eq!(contact.salutation, Some(Salutation::Dr));
        assert_eq!(finish!($kind, contacts.get(contact_id))?.last_name.as_deref(), Some("Lovelace"));
        assert_eq!(finish!($kind, contacts.get_by_external_id("ada"))?.id.as_deref(), Some(contact_id));
        assert_eq!(finish!($kind, contacts.list())?.len(), 1);

        let orders = client.orders();
        let new = OrderCreate::new("First", "2026-01-01", "USD").customer_id(customer.id.as_str());
        let order = finish!($kind, orders.create(new))?;
        let order_id = order.id.as_deref().unwrap();
        let pricing = OrderLineAttributePricing::new()
            .charge_type(ChargeType::OneTime)
            .price_point(PricePoint::new().currency("USD").unit_price(2.5));
        let line = OrderLineCreate::new()
            .agent_external_id("bot")
            .name("Setup")
            .agent_attributes([OrderLineAttributeCreate::new("setup", pricing).quantity(2)]);
        let order = finish!($kind, orders.lines().update(order_id, [line]))?;
        assert_eq!(order.order_lines.as_deref().map(|lines| lines.len()), Some(1));
        assert_eq!(finish!($kind, orders.get(order_id))?.name.as_deref(), Some("First"));
        let active = finish!($kind, orders.activate(order_id))?;
        assert_eq!(active.creation_state.unwrap().as_str(), "active");
        assert_eq!(finish!($kind, orders.list())?.len(), 1);

        let signal = Signal::new().event_name("done").external_agent_id("bot").external_customer_id("acme").data(json!({
            "costData": {"vendor": "openai", "cost": {"amount": 0.002, "currency": "USD"}},
        }));
        finish!($kind, client.usage().record_bulk([signal]))?;
        let costs = finish!($kind, customers.get_costs_by_external_id("acme").limit(10))?;
        assert_eq!((costs.traces[0].vendor.as_str(), costs.traces[0].cost.amount), ("openai", 0.002.into()));

        finish!($kind, orders.delete(order_id))?;
        finish!($kind, contacts.delete_by_external_id("ada"))?;
        let new = ContactCreate::new("Ms.", "Grace", "Hopper", "grace@acme.test").customer_external_id("acme");
        let contact = finish!($kind, contacts.create(new))?;
        finish!($kind, contacts.delete(contact.id.unwrap()))?;
        finish!($kind, customers.delete_by_external_id("acme"))?;
        let other = finish!($kind, customers.create(CustomerCreate::new("Other")))?;
        finish!($kind, customers.delete(&other.id))?;
        finish!($kind, agents.delete_by_external_id("bot"))?;
        let other = finish!($kind, agents.create(AgentCreate::new("Other", "")))?;
        finish!($kind, agents.delete(&other.id))?;
        assert!(finish!($kind, customers.get(&customer.id)).unwrap_err().is_not_found());
        Ok::<(), Error>(())
    }};
}

async fn with_async(client: AsyncPaid) -> Result<(), Error> {
    every_operation!(client, async)
}

fn with_blocking(client: Paid) -> Result<(), Error> {
    every_operation!(client, blocking)
}

/// The operations of the spec that no request was for.
fn not_called(sandbox: &paid_sandbox::Sandbox) -> Vec<String> {
    let spec: serde_json::Value =
        serde_json::from_str(include_str!("../../../openapi/paid-v1.json")).unwrap();
    let requests = sandbox.requests();
    let mut missing = Vec::new();
    for (path, item) in spec["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|key| key.as_str() != "parameters") {
            // `/customers/external/{id}` also looks like `/customers/{id}/..`: the most literal route is the one.
            let full = format!("/api/v1{path}");
            let called = requests.iter().any(|request| {
                request.matches(&method.to_uppercase(), &full)
                    && (path.contains("/external/") || !request.path().contains("/external/"))
            });
            if !called {
                missing.push(format!("{method} {path}"));
            }
        }
    }
    missing
}

#[tokio::test]
async fn every_operation_works_async() {
    let (sandbox, client) = super::start().await;
    with_async(client).await.unwrap();
    assert_eq!(not_called(&sandbox), Vec::<String>::new());
}

#[test]
fn every_operation_works_blocking() {
    let (sandbox, client) = super::start_blocking();
    with_blocking(client).unwrap();
    assert_eq!(not_called(&sandbox), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_works_on_a_multi_thread_runtime_in_a_spawned_task() {
    let (_sandbox, client) = super::start().await;
    tokio::spawn(with_async(client)).await.unwrap().unwrap();
}
