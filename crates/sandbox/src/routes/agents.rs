//! Agents: records by id and external id.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::get;

use super::{Answer, PathId, Sandbox, created, deleted, ok, record};
use crate::server::Shared;
use crate::state::Key;
use crate::validate::Kind::{Flag, Model, ModelMap, Models, Number, Text};
use crate::validate::{self, Field, Object, optional, required};

const CREATE: &[Field] = &[
    required("name", Text),
    required("description", Text),
    optional("agentCode", Text),
    optional("externalId", Text),
    optional("active", Flag),
];

const UPDATE: &[Field] = &[
    optional("name", Text),
    optional("description", Text),
    optional("externalId", Text),
    optional("active", Flag),
    optional("agentCode", Text),
    optional("agentAttributes", Models(ATTRIBUTE)),
];

const ATTRIBUTE: &[Field] =
    &[required("name", Text), required("active", Flag), required("pricing", Model(PRICING))];

const PRICING: &[Field] = &[
    optional("eventName", Text),
    required("taxable", Flag),
    optional("creditCost", Number),
    required("chargeType", Text),
    required("pricingModel", Text),
    required("billingFrequency", Text),
    required("pricePoints", ModelMap(PRICE_POINT)),
];

const PRICE_POINT: &[Field] = &[
    optional("unitPrice", Number),
    optional("minQuantity", Number),
    optional("includedQuantity", Number),
    optional("tiers", Models(TIER)),
];

const TIER: &[Field] =
    &[optional("minQuantity", Number), optional("maxQuantity", Number), required("unitPrice", Number)];

const MODEL: &[&str] = &["externalId", "description", "agentCode", "agentAttributes"];

const NEVER_NULL: &[&str] = &["name", "active"];

pub(super) fn routes() -> Router<std::sync::Arc<Shared>> {
    Router::new()
        .route("/agents", get(list).post(create))
        .route("/agents/{id}", get(by_id).put(update).delete(delete))
        .route(
            "/agents/external/{id}",
            get(by_external_id).put(update_by_external_id).delete(delete_by_external_id),
        )
}

async fn list(State(shared): Sandbox) -> Answer {
    ok(&shared.store().agents.all())
}

async fn create(State(shared): Sandbox, body: Bytes) -> Answer {
    let body = validate::body(&body, CREATE)?;
    let mut defaults = Object::new();
    defaults.insert("active".to_owned(), true.into());
    created(&shared.store().agents.create(record(MODEL, defaults, body))?)
}

async fn by_id(State(shared): Sandbox, PathId(id): PathId) -> Answer {
    ok(shared.store().agents.get(Key::Id(&id))?)
}

async fn by_external_id(State(shared): Sandbox, PathId(id): PathId) -> Answer {
    ok(shared.store().agents.get(Key::ExternalId(&id))?)
}

async fn update(State(shared): Sandbox, PathId(id): PathId, body: Bytes) -> Answer {
    change(&shared, Key::Id(&id), &body)
}

async fn update_by_external_id(State(shared): Sandbox, PathId(id): PathId, body: Bytes) -> Answer {
    change(&shared, Key::ExternalId(&id), &body)
}

async fn delete(State(shared): Sandbox, PathId(id): PathId) -> Answer {
    shared.store().agents.delete(Key::Id(&id))?;
    deleted()
}

async fn delete_by_external_id(State(shared): Sandbox, PathId(id): PathId) -> Answer {
    shared.store().agents.delete(Key::ExternalId(&id))?;
    deleted()
}

fn change(shared: &Shared, key: Key<'_>, body: &[u8]) -> Answer {
    let changes = validate::body(body, UPDATE)?;
    ok(&shared.store().agents.update(key, changes, NEVER_NULL)?)
}
