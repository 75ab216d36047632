//! Usage: signals in bulk, and the costs that they carry.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use serde_json::json;

use super::{Answer, Sandbox, ok};
use crate::costs;
use crate::error::ApiError;
use crate::server::Shared;
use crate::state::ReceivedSignal;
use crate::validate::Kind::{AnyObject, Models, Text};
use crate::validate::{self, Field, optional};

const RECORD_BULK: &[Field] = &[optional("signals", Models(SIGNAL))];

const SIGNAL: &[Field] = &[
    optional("event_name", Text),
    optional("agent_id", Text),
    optional("external_agent_id", Text),
    optional("customer_id", Text),
    optional("external_customer_id", Text),
    optional("data", AnyObject),
];

pub(super) fn routes() -> Router<std::sync::Arc<Shared>> {
    Router::new().route("/usage/signals/bulk", post(record_bulk))
}

/// Takes all signals of a request or, when one of them is wrong, none.
async fn record_bulk(State(shared): Sandbox, body: Bytes) -> Answer {
    let mut body = validate::body(&body, RECORD_BULK)?;
    let signals = body.remove("signals").unwrap_or_default();
    let signals: Option<Vec<ReceivedSignal>> = serde_json::from_value(signals)
        .map_err(|error| ApiError::invalid("signals can't be read").details(error.to_string()))?;
    let mut read = Vec::new();
    for (index, signal) in signals.unwrap_or_default().into_iter().enumerate() {
        let cost = costs::of_signal(&signal, &format!("signals[{index}]"))?;
        read.push((signal, cost));
    }
    let mut store = shared.store();
    for (signal, cost) in read {
        store.record(signal, cost);
    }
    ok(&json!({"success": true}))
}
