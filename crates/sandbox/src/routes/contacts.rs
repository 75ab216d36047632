//! Contacts: the people of a customer.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::get;

use super::reference::customer_of;
use super::{Answer, PathId, Sandbox, created, deleted, ok, record};
use crate::server::Shared;
use crate::state::Key;
use crate::validate::Kind::Text;
use crate::validate::{self, Field, Object, optional, required};

const CREATE: &[Field] = &[
    optional("externalId", Text),
    optional("customerId", Text),
    optional("customerExternalId", Text),
    required("salutation", Text),
    required("firstName", Text),
    required("lastName", Text),
    required("email", Text),
    optional("phone", Text),
    optional("billingStreet", Text),
    optional("billingCity", Text),
    optional("billingStateProvince", Text),
    optional("billingCountry", Text),
    optional("billingPostalCode", Text),
];

const MODEL: &[&str] = &[
    "externalId",
    "customerId",
    "phone",
    "billingStreet",
    "billingCity",
    "billingStateProvince",
    "billingCountry",
    "billingPostalCode",
];

pub(super) fn routes() -> Router<std::sync::Arc<Shared>> {
    Router::new()
        .route("/contacts", get(list).post(create))
        .route("/contacts/{id}", get(by_id).delete(delete))
        .route("/contacts/external/{id}", get(by_external_id).delete(delete_by_external_id))
}

async fn list(State(shared): Sandbox) -> Answer {
    ok(&shared.store().shown_contacts())
}

async fn create(State(shared): Sandbox, body: Bytes) -> Answer {
    let mut body = validate::body(&body, CREATE)?;
    let mut store = shared.store();
    if let Some(customer) = customer_of(&store, &body)? {
        body.insert("customerId".to_owned(), customer.into());
    }
    body.remove("customerExternalId");
    let contact = store.contacts.create(record(MODEL, Object::new(), body))?;
    created(&store.shown_contact(&contact))
}

async fn by_id(State(shared): Sandbox, PathId(id): PathId) -> Answer {
    show(&shared, Key::Id(&id))
}

async fn by_external_id(State(shared): Sandbox, PathId(id): PathId) -> Answer {
    show(&shared, Key::ExternalId(&id))
}

async fn delete(State(shared): Sandbox, PathId(id): PathId) -> Answer {
    shared.store().contacts.delete(Key::Id(&id))?;
    deleted()
}

async fn delete_by_external_id(State(shared): Sandbox, PathId(id): PathId) -> Answer {
    shared.store().contacts.delete(Key::ExternalId(&id))?;
    deleted()
}

fn show(shared: &Shared, key: Key<'_>) -> Answer {
    let store = shared.store();
    ok(&store.shown_contact(store.contacts.get(key)?))
}
