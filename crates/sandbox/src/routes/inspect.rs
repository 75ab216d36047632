//! Inspection: what the sandbox has received so far, for whoever runs the binary.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::json;

use super::{Answer, Sandbox, ok};
use crate::otlp::traced_signals;
use crate::server::Shared;

/// Where the inspection lives. Requests to it are not recorded and need no key.
pub(crate) const PATH: &str = "/sandbox/received";

pub(super) fn routes() -> Router<std::sync::Arc<Shared>> {
    Router::new().route(PATH, get(received))
}

async fn received(State(shared): Sandbox) -> Answer {
    let requests = shared.requests().count();
    let store = shared.store();
    ok(&json!({
        "requests": requests,
        "customers": store.customers.all(),
        "agents": store.agents.all(),
        "contacts": store.shown_contacts(),
        "orders": store.shown_orders(),
        "signals": store.signals,
        "cost_traces": store.costs().collect::<Vec<_>>(),
        "spans": store.spans(),
        "traced_signals": traced_signals(store.spans()),
    }))
}
