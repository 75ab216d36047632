//! Orders: drafts for a customer, their lines, and their activation.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::{get, post, put};
use serde_json::{Value, json};

use super::reference::{customer_of, reference};
use super::{Answer, PathId, Sandbox, created, deleted, ok, record};
use crate::error::ApiError;
use crate::server::Shared;
use crate::state::{Key, Store, text};
use crate::validate::Kind::{Model, Models, Number, Text};
use crate::validate::{self, Field, Object, optional, required};

const CREATE: &[Field] = &[
    optional("customerId", Text),
    optional("customerExternalId", Text),
    optional("billingContactId", Text),
    required("name", Text),
    optional("description", Text),
    required("startDate", Text),
    optional("endDate", Text),
    required("currency", Text),
    optional("orderLines", Models(LINE)),
];

const UPDATE_LINES: &[Field] = &[optional("lines", Models(LINE))];

const LINE: &[Field] = &[
    optional("agentId", Text),
    optional("agentExternalId", Text),
    optional("name", Text),
    optional("description", Text),
    optional("agentAttributes", Models(LINE_ATTRIBUTE)),
];

const LINE_ATTRIBUTE: &[Field] = &[
    required("agentAttributeName", Text),
    optional("quantity", Number),
    required("pricing", Model(PRICING)),
];

const PRICING: &[Field] = &[
    optional("eventName", Text),
    optional("chargeType", Text),
    optional("pricePoint", Model(PRICE_POINT)),
    optional("pricingModel", Text),
    optional("billingFrequency", Text),
];

const PRICE_POINT: &[Field] = &[
    optional("currency", Text),
    optional("unitPrice", Number),
    optional("minQuantity", Number),
    optional("tiers", Models(TIER)),
];

const TIER: &[Field] =
    &[optional("lowerBound", Number), optional("upperBound", Number), optional("price", Number)];

const MODEL: &[&str] = &["description", "billingContactId", "endDate"];

pub(super) fn routes() -> Router<std::sync::Arc<Shared>> {
    Router::new()
        .route("/orders", get(list).post(create))
        .route("/orders/{id}", get(by_id).delete(delete))
        .route("/orders/{id}/activate", post(activate))
        .route("/orders/{id}/lines", put(update_lines))
}

async fn list(State(shared): Sandbox) -> Answer {
    ok(&shared.store().shown_orders())
}

async fn create(State(shared): Sandbox, body: Bytes) -> Answer {
    let mut body = validate::body(&body, CREATE)?;
    let mut store = shared.store();
    let customer = customer_of(&store, &body)?
        .ok_or_else(|| ApiError::invalid("customerId or customerExternalId is required"))?;
    if let Some(contact) = text(&body, "billingContactId") {
        let found = store.contacts.get(Key::Id(contact));
        found.map_err(|error| error.about("billingContactId"))?;
    }
    let lines = body.remove("orderLines").unwrap_or_default();
    let agents = agents_of(&store, &lines, "orderLines")?;
    body.remove("customerExternalId");
    body.insert("customerId".to_owned(), customer.into());
    body.insert("creationState".to_owned(), "draft".into());
    let order = store.orders.create(record(MODEL, Object::new(), body))?;
    created(&with_lines(&mut store, &order, &lines, agents)?)
}

async fn by_id(State(shared): Sandbox, PathId(id): PathId) -> Answer {
    let store = shared.store();
    ok(&store.shown_order(store.orders.get(Key::Id(&id))?))
}

async fn delete(State(shared): Sandbox, PathId(id): PathId) -> Answer {
    shared.store().orders.delete(Key::Id(&id))?;
    deleted()
}

async fn activate(State(shared): Sandbox, PathId(id): PathId) -> Answer {
    let mut store = shared.store();
    let mut order = store.orders.get(Key::Id(&id))?.clone();
    order.insert("creationState".to_owned(), "active".into());
    if let Some(Value::Array(lines)) = order.get_mut("orderLines") {
        for line in lines.iter_mut().filter_map(Value::as_object_mut) {
            line.insert("creationState".to_owned(), "active".into());
        }
    }
    let order = store.orders.update(Key::Id(&id), order, &[])?;
    ok(&store.shown_order(&order))
}

async fn update_lines(State(shared): Sandbox, PathId(id): PathId, body: Bytes) -> Answer {
    let mut body = validate::body(&body, UPDATE_LINES)?;
    let mut store = shared.store();
    let order = store.orders.get(Key::Id(&id))?.clone();
    let Some(lines) = body.remove("lines") else {
        return ok(&store.shown_order(&order));
    };
    let agents = agents_of(&store, &lines, "lines")?;
    ok(&with_lines(&mut store, &order, &lines, agents)?)
}

/// The agent of each line, by id. All are looked up before anything is written, so that
/// a refused request changes nothing.
fn agents_of(store: &Store, lines: &Value, at: &str) -> Result<Vec<Option<String>>, ApiError> {
    let fields = ["agentId", "agentExternalId"];
    let lines = lines.as_array().into_iter().flatten();
    lines
        .filter_map(Value::as_object)
        .enumerate()
        .map(|(index, line)| reference(&store.agents, line, fields, &format!("{at}[{index}].")))
        .collect()
}

/// Gives an order these lines in place of those it had, and the sums that follow.
fn with_lines(
    store: &mut Store,
    order: &Object,
    lines: &Value,
    agents: Vec<Option<String>>,
) -> Result<Object, ApiError> {
    let lines = lines.as_array().into_iter().flatten();
    let lines: Vec<Value> = lines
        .filter_map(Value::as_object)
        .zip(agents)
        .map(|(line, agent)| order_line(store, order, line, agent))
        .collect();
    let total = sum(lines.iter().filter_map(|line| line["totalAmount"].as_f64()));
    let changes = Object::from_iter([
        ("orderLines".to_owned(), lines.into()),
        ("totalAmount".to_owned(), total.into()),
        ("pendingBillingAmount".to_owned(), total.into()),
        ("estimatedTax".to_owned(), 0.into()),
        ("billedAmountNoTax".to_owned(), 0.into()),
        ("billedTax".to_owned(), 0.into()),
        ("totalBilledAmount".to_owned(), 0.into()),
    ]);
    let id = text(order, "id").unwrap_or_default();
    let order = store.orders.update(Key::Id(id), changes, &[])?;
    Ok(store.shown_order(&order))
}

fn order_line(store: &mut Store, order: &Object, line: &Object, agent: Option<String>) -> Value {
    let found = agent.as_deref().and_then(|id| store.agents.find(Key::Id(id)));
    let agent_name = found.and_then(|agent| agent.get("name")).cloned();
    let attributes = line.get("agentAttributes").and_then(Value::as_array);
    let attributes: Vec<&Value> = attributes.into_iter().flatten().collect();
    let total = sum(attributes.iter().map(|attribute| price(attribute)));
    let shown: Vec<Value> = attributes
        .into_iter()
        .map(|attribute| {
            json!({
                "agentAttributeId": store.order_line_attributes.next(),
                "quantity": attribute["quantity"],
                "currency": order.get("currency"),
                "pricing": attribute["pricing"],
            })
        })
        .collect();
    json!({
        "id": store.order_lines.next(),
        "orderId": order.get("id"),
        "agentId": agent,
        "name": line.get("name").cloned().or(agent_name),
        "description": line.get("description"),
        "startDate": order.get("startDate"),
        "endDate": order.get("endDate"),
        "totalAmount": total,
        "billedAmountWithoutTax": 0,
        "billedTax": 0,
        "totalBilledAmount": 0,
        "creationState": order.get("creationState"),
        "orderLineAttributes": shown,
    })
}

/// A sum of nothing, or of nothing but negative zeros, is zero. `Iterator::sum` makes negative zero of it.
fn sum(amounts: impl Iterator<Item = f64>) -> f64 {
    amounts.fold(0.0, |sum, amount| sum + amount)
}

/// Quantity (1 unless given) × unit price. The sandbox prices neither tiers nor taxes.
fn price(attribute: &Value) -> f64 {
    let quantity = attribute["quantity"].as_f64().unwrap_or(1.0);
    let unit_price = attribute["pricing"]["pricePoint"]["unitPrice"].as_f64();
    quantity * unit_price.unwrap_or(0.0)
}
