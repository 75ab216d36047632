//! Customers: records by id and external id, their entitlements and their costs.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::Uri;
use axum::routing::get;
use serde_json::{Value, json};

use super::{Answer, PathId, Sandbox, created, deleted, ok, record};
use crate::costs::CostTrace;
use crate::error::ApiError;
use crate::server::Shared;
use crate::state::Key;
use crate::time::parse_rfc3339;
use crate::validate::Kind::{Model, Number, Text};
use crate::validate::{self, Field, Object, optional, refuse, required};

const ADDRESS: &[Field] = &[
    required("line1", Text),
    optional("line2", Text),
    required("city", Text),
    required("state", Text),
    required("zipCode", Text),
    required("country", Text),
];

const CREATE: &[Field] = &[
    required("name", Text),
    optional("email", Text),
    optional("externalId", Text),
    optional("phone", Text),
    optional("employeeCount", Number),
    optional("annualRevenue", Number),
    optional("taxExemptStatus", Text),
    optional("creationSource", Text),
    optional("website", Text),
    optional("billingAddress", Model(ADDRESS)),
];

const UPDATE: &[Field] = &[
    optional("name", Text),
    optional("email", Text),
    optional("externalId", Text),
    optional("phone", Text),
    optional("employeeCount", Number),
    optional("annualRevenue", Number),
    optional("taxExemptStatus", Text),
    optional("creationSource", Text),
    optional("website", Text),
    optional("billingAddress", Model(ADDRESS)),
    optional("vatNumber", Text),
];

const MODEL: &[&str] = &[
    "email",
    "externalId",
    "phone",
    "employeeCount",
    "annualRevenue",
    "taxExemptStatus",
    "creationSource",
    "creationState",
    "website",
    "billingAddress",
    "vatNumber",
    "research",
];

const NEVER_NULL: &[&str] = &["name"];

pub(super) fn routes() -> Router<std::sync::Arc<Shared>> {
    Router::new()
        .route("/customers", get(list).post(create))
        .route("/customers/{id}", get(by_id).put(update).delete(delete))
        .route("/customers/{id}/credit-bundles", get(entitlements))
        .route(
            "/customers/external/{id}",
            get(by_external_id).put(update_by_external_id).delete(delete_by_external_id),
        )
        .route("/customers/external/{id}/costs", get(costs))
}

async fn list(State(shared): Sandbox) -> Answer {
    ok(&shared.store().customers.all())
}

async fn create(State(shared): Sandbox, body: Bytes) -> Answer {
    let body = validate::body(&body, CREATE)?;
    let mut defaults = Object::new();
    defaults.insert("creationSource".to_owned(), "api".into());
    defaults.insert("creationState".to_owned(), "active".into());
    created(&shared.store().customers.create(record(MODEL, defaults, body))?)
}

async fn by_id(State(shared): Sandbox, PathId(id): PathId) -> Answer {
    ok(shared.store().customers.get(Key::Id(&id))?)
}

async fn by_external_id(State(shared): Sandbox, PathId(id): PathId) -> Answer {
    ok(shared.store().customers.get(Key::ExternalId(&id))?)
}

async fn update(State(shared): Sandbox, PathId(id): PathId, body: Bytes) -> Answer {
    change(&shared, Key::Id(&id), &body)
}

async fn update_by_external_id(State(shared): Sandbox, PathId(id): PathId, body: Bytes) -> Answer {
    change(&shared, Key::ExternalId(&id), &body)
}

async fn delete(State(shared): Sandbox, PathId(id): PathId) -> Answer {
    shared.store().customers.delete(Key::Id(&id))?;
    deleted()
}

async fn delete_by_external_id(State(shared): Sandbox, PathId(id): PathId) -> Answer {
    shared.store().customers.delete(Key::ExternalId(&id))?;
    deleted()
}

async fn entitlements(State(shared): Sandbox, PathId(id): PathId) -> Answer {
    let store = shared.store();
    let customer = store.customers.get(Key::Id(&id))?;
    ok(&store.entitlements_of(customer))
}

async fn costs(State(shared): Sandbox, PathId(id): PathId, uri: Uri) -> Answer {
    let page = Page::read(&uri)?;
    let store = shared.store();
    let customer = store.customers.get(Key::ExternalId(&id))?;
    ok(&page.of(&store.costs_of(customer)))
}

fn change(shared: &Shared, key: Key<'_>, body: &[u8]) -> Answer {
    let changes = validate::body(body, UPDATE)?;
    ok(&shared.store().customers.update(key, changes, NEVER_NULL)?)
}

/// Which cost traces were asked for.
struct Page {
    limit: usize,
    offset: usize,
    start: Option<Moment>,
    end: Option<Moment>,
}

/// A point in time, and the text that gave it.
struct Moment {
    nanos: i128,
    text: String,
}

impl Page {
    fn read(uri: &Uri) -> Result<Self, ApiError> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|error| ApiError::invalid("the query is not valid").details(error.body_text()))?;
        let given = |name: &str| {
            let last = pairs.iter().rev().find(|(key, _)| key == name);
            last.map(|(_, value)| value.as_str())
        };
        let mut problems = Vec::new();
        let mut count = |name: &str, default: usize| match given(name).map(str::parse) {
            None => default,
            Some(Ok(count)) => count,
            Some(Err(_)) => {
                problems.push(format!("{name} must be a whole number of 0 or more"));
                default
            }
        };
        let (limit, offset) = (count("limit", 100), count("offset", 0));
        let mut moment = |name: &str| {
            let text = given(name)?.to_owned();
            let nanos = parse_rfc3339(&text);
            if nanos.is_none() {
                problems.push(format!("{name} must be a date and time as in RFC 3339"));
            }
            nanos.map(|nanos| Moment { nanos, text })
        };
        let (start, end) = (moment("startTime"), moment("endTime"));
        if let (Some(start), Some(end)) = (&start, &end)
            && start.nanos > end.nanos
        {
            problems.push("startTime must not be after endTime".to_owned());
        }
        refuse(problems)?;
        Ok(Self { limit, offset, start, end })
    }

    /// This page of a customer's traces: those that began at `startTime` or later and
    /// before `endTime`.
    fn of(&self, traces: &[&CostTrace]) -> Value {
        let wanted = |trace: &&&CostTrace| {
            let began = trace.started_at();
            let after_start = self.start.as_ref().is_none_or(|start| start.nanos <= began);
            let before_end = self.end.as_ref().is_none_or(|end| began < end.nanos);
            after_start && before_end
        };
        let matching = traces.iter().filter(wanted).count();
        let page = traces.iter().filter(wanted);
        let page: Vec<_> = page.skip(self.offset).take(self.limit).collect();
        let count = page.len();
        let text = |moment: &Option<Moment>| moment.as_ref().map(|moment| moment.text.clone());
        json!({
            "traces": page,
            "meta": {
                "limit": self.limit,
                "offset": self.offset,
                "count": count,
                "hasMore": self.offset.saturating_add(count) < matching,
                "startTime": text(&self.start),
                "endTime": text(&self.end),
            }
        })
    }
}
