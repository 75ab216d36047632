//! What the sandbox remembers: records by id and external id, signals, spans, cost traces, entitlements.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::costs::CostTrace;
use crate::error::ApiError;
use crate::otlp::{ReceivedSpan, SpanMemory, cost_for_customer};
use crate::validate::Object;

/// The organization that everything in a sandbox belongs to.
pub(crate) const ORGANIZATION_ID: &str = "org_1";

/// A signal as it arrived in a bulk request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReceivedSignal {
    /// The name of the event.
    pub event_name: Option<String>,
    /// The agent, by its id in Paid.
    pub agent_id: Option<String>,
    /// The agent, by the caller's own id.
    pub external_agent_id: Option<String>,
    /// The customer, by its id in Paid or by the caller's own id.
    pub customer_id: Option<String>,
    /// The customer, by the caller's own id.
    pub external_customer_id: Option<String>,
    /// What else the signal carried.
    pub data: Option<serde_json::Map<String, Value>>,
}

/// How a path names a record.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key<'a> {
    Id(&'a str),
    ExternalId(&'a str),
}

/// Everything that a sandbox remembers of what it was told.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) customers: Collection,
    pub(crate) agents: Collection,
    pub(crate) contacts: Collection,
    pub(crate) orders: Collection,
    pub(crate) order_lines: Ids,
    pub(crate) order_line_attributes: Ids,
    pub(crate) signals: Vec<ReceivedSignal>,
    costs: Vec<(String, CostTrace)>,
    entitlements: BTreeMap<String, Vec<Value>>,
    entitlement_ids: Ids,
    spans: SpanMemory,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            customers: Collection::new("customer", "cus"),
            agents: Collection::new("agent", "agt"),
            contacts: Collection::new("contact", "con"),
            orders: Collection::new("order", "ord"),
            order_lines: Ids::new("lin"),
            order_line_attributes: Ids::new("att"),
            signals: Vec::new(),
            costs: Vec::new(),
            entitlements: BTreeMap::new(),
            entitlement_ids: Ids::new("ent"),
            spans: SpanMemory::default(),
        }
    }
}

impl Store {
    /// Keeps a signal, and its cost for the customer that it names.
    pub(crate) fn record(&mut self, signal: ReceivedSignal, cost: Option<CostTrace>) {
        let named = [&signal.customer_id, &signal.external_customer_id];
        let customer = named.into_iter().flatten().next().cloned();
        if let (Some(customer), Some(cost)) = (customer, cost) {
            self.add_cost(&customer, cost);
        }
        self.signals.push(signal);
    }

    /// Keeps spans, and their costs for the customers that they name. A span that comes
    /// again costs nothing again.
    pub(crate) fn take_spans(&mut self, spans: Vec<ReceivedSpan>) {
        for span in spans {
            let cost = cost_for_customer(&span);
            if let (true, Some((customer, cost))) = (self.spans.add(span), cost) {
                self.add_cost(&customer, cost);
            }
        }
    }

    pub(crate) fn spans(&self) -> &[ReceivedSpan] {
        self.spans.all()
    }

    /// Keeps a cost for a customer named by either id. A name that nobody has yet is
    /// kept as it is, for a customer who is created later.
    pub(crate) fn add_cost(&mut self, customer: &str, cost: CostTrace) {
        self.costs.push((self.customer_key(customer), cost));
    }

    /// The cost traces of a customer, in the order in which they arrived.
    pub(crate) fn costs_of(&self, customer: &Object) -> Vec<&CostTrace> {
        let names = [text(customer, "id"), text(customer, "externalId")];
        self.costs
            .iter()
            .filter(|(owner, _)| names.contains(&Some(owner.as_str())))
            .map(|(_, cost)| cost)
            .collect()
    }

    pub(crate) fn costs(&self) -> impl Iterator<Item = &CostTrace> {
        self.costs.iter().map(|(_, cost)| cost)
    }

    /// Keeps an entitlement for a customer named by either id. What an entitlement must
    /// have and this one lacks is filled in; what is not an object is kept as it is.
    pub(crate) fn add_entitlement(&mut self, customer: &str, mut entitlement: Value) {
        let customer = self.customer_key(customer);
        if let Value::Object(fields) = &mut entitlement {
            let id = self.entitlement_ids.next();
            let mut fill = |name: &str, value: Value| {
                fields.entry(name).or_insert(value);
            };
            fill("entitlementId", id.clone().into());
            fill("id", id.into());
            fill("organizationId", ORGANIZATION_ID.into());
            fill("productId", "prd_1".into());
            fill("customerId", customer.clone().into());
            fill("startDate", "2025-01-01T00:00:00Z".into());
            for count in ["total", "available", "used"] {
                fill(count, 0.into());
            }
        }
        self.entitlements.entry(customer).or_default().push(entitlement);
    }

    /// The entitlements of a customer.
    pub(crate) fn entitlements_of(&self, customer: &Object) -> Vec<Value> {
        [text(customer, "id"), text(customer, "externalId")]
            .into_iter()
            .flatten()
            .filter_map(|name| self.entitlements.get(name))
            .flatten()
            .cloned()
            .collect()
    }

    /// A contact as the API shows it: with the external id that its customer has now.
    pub(crate) fn shown_contact(&self, contact: &Object) -> Object {
        let customer = text(contact, "customerId").and_then(|id| self.customers.find(Key::Id(id)));
        let external_id = customer.and_then(|customer| customer.get("externalId")).cloned();
        let mut shown = contact.clone();
        let value = external_id.unwrap_or(Value::Null);
        shown.insert("customerExternalId".to_owned(), value);
        shown
    }

    pub(crate) fn shown_contacts(&self) -> Vec<Object> {
        let contacts = self.contacts.all().iter();
        contacts.map(|contact| self.shown_contact(contact)).collect()
    }

    /// An order as the API shows it: with its customer and the agents of its lines.
    pub(crate) fn shown_order(&self, order: &Object) -> Object {
        let mut shown = order.clone();
        let customer = self.customers.embedded(text(order, "customerId"));
        shown.insert("customer".to_owned(), customer);
        if let Some(Value::Array(lines)) = shown.get_mut("orderLines") {
            for line in lines.iter_mut().filter_map(Value::as_object_mut) {
                let agent = self.agents.embedded(text(line, "agentId"));
                line.insert("agent".to_owned(), agent);
            }
        }
        shown
    }

    pub(crate) fn shown_orders(&self) -> Vec<Object> {
        let orders = self.orders.all().iter();
        orders.map(|order| self.shown_order(order)).collect()
    }

    /// The id of the customer who has this id or external id, or the name itself.
    fn customer_key(&self, name: &str) -> String {
        [Key::Id(name), Key::ExternalId(name)]
            .into_iter()
            .find_map(|key| self.customers.find(key))
            .and_then(|customer| text(customer, "id"))
            .unwrap_or(name)
            .to_owned()
    }
}

/// The text in a field of a record.
pub(crate) fn text<'a>(record: &'a Object, field: &str) -> Option<&'a str> {
    record.get(field).and_then(Value::as_str)
}

/// Ids that count up: `cus_1`, `cus_2`, …
#[derive(Debug)]
pub(crate) struct Ids {
    prefix: &'static str,
    last: u64,
}

impl Ids {
    fn new(prefix: &'static str) -> Self {
        Self { prefix, last: 0 }
    }

    pub(crate) fn next(&mut self) -> String {
        self.last += 1;
        format!("{}_{}", self.prefix, self.last)
    }
}

/// The records of one resource, in the order in which they were made.
#[derive(Debug)]
pub(crate) struct Collection {
    noun: &'static str,
    ids: Ids,
    records: Vec<Object>,
}

impl Collection {
    fn new(noun: &'static str, prefix: &'static str) -> Self {
        Self { noun, ids: Ids::new(prefix), records: Vec::new() }
    }

    pub(crate) fn all(&self) -> &[Object] {
        &self.records
    }

    pub(crate) fn find(&self, key: Key<'_>) -> Option<&Object> {
        self.position(key).and_then(|at| self.records.get(at))
    }

    /// The record, or the API's 404.
    pub(crate) fn get(&self, key: Key<'_>) -> Result<&Object, ApiError> {
        self.find(key).ok_or_else(|| self.missing(key))
    }

    fn embedded(&self, id: Option<&str>) -> Value {
        let found = id.and_then(|id| self.find(Key::Id(id)));
        found.cloned().map_or(Value::Null, Value::Object)
    }

    /// Keeps a new record under a new id. Its external id must be free.
    pub(crate) fn create(&mut self, mut record: Object) -> Result<Object, ApiError> {
        self.free(&record, None)?;
        record.insert("id".to_owned(), self.ids.next().into());
        record.insert("organizationId".to_owned(), ORGANIZATION_ID.into());
        self.records.push(record.clone());
        Ok(record)
    }

    /// Writes the changes into a record. A null clears its field, except where the
    /// record can't do without: there it changes nothing.
    pub(crate) fn update(
        &mut self,
        key: Key<'_>,
        changes: Object,
        never_null: &[&str],
    ) -> Result<Object, ApiError> {
        let at = self.position(key).ok_or_else(|| self.missing(key))?;
        self.free(&changes, Some(at))?;
        let record = &mut self.records[at];
        for (field, value) in changes {
            if !(value.is_null() && never_null.contains(&field.as_str())) {
                record.insert(field, value);
            }
        }
        Ok(record.clone())
    }

    pub(crate) fn delete(&mut self, key: Key<'_>) -> Result<(), ApiError> {
        let at = self.position(key).ok_or_else(|| self.missing(key))?;
        self.records.remove(at);
        Ok(())
    }

    fn position(&self, key: Key<'_>) -> Option<usize> {
        let (field, wanted) = match key {
            Key::Id(id) => ("id", id),
            Key::ExternalId(id) => ("externalId", id),
        };
        self.records.iter().position(|record| text(record, field) == Some(wanted))
    }

    fn missing(&self, key: Key<'_>) -> ApiError {
        let (what, id) = match key {
            Key::Id(id) => ("id", id),
            Key::ExternalId(id) => ("external id", id),
        };
        let noun = self.noun;
        ApiError::not_found(format!("{noun} not found")).details(format!("no {noun} has the {what} {id:?}"))
    }

    /// Refuses an external id that another record has. An empty one names nothing, so
    /// it may be had by many.
    fn free(&self, record: &Object, own: Option<usize>) -> Result<(), ApiError> {
        let wanted = text(record, "externalId").filter(|id| !id.is_empty());
        let taken = wanted.filter(|id| self.position(Key::ExternalId(id)).is_some_and(|at| Some(at) != own));
        match taken {
            None => Ok(()),
            Some(id) => {
                let noun = self.noun;
                let message = format!("externalId is taken by another {noun}");
                Err(ApiError::conflict(message).details(format!("{noun} with externalId {id:?}")))
            }
        }
    }
}
