//! The operations of the API, each as a user of the SDK writes it.

use paid::types::{
    AgentCreate, AgentUpdate, ContactCreate, CustomerCreate, CustomerUpdate, OrderCreate, OrderLinesUpdate,
    Signal, UsageRecordBulk,
};
use paid::{AsyncPaid, DateTime, JsonObject, Nullable, Paid};
use serde::Deserialize;
use serde_json::Value;
use tokio::runtime::Handle;

use crate::answer::{Answer, Refusal};
use crate::calls::finish;
use crate::step::Step;
use crate::values::FreeForm;

/// One of the SDK's clients.
#[derive(Clone)]
pub enum Client {
    Async(AsyncPaid, Handle),
    Blocking(Paid),
}

impl Client {
    /// The client that the environment configures.
    pub fn from_env(runtime: Option<Handle>) -> Result<Self, Refusal> {
        Ok(match runtime {
            Some(runtime) => Client::Async(AsyncPaid::from_env()?, runtime),
            None => Client::Blocking(Paid::from_env()?),
        })
    }
}

/// Whether there is such an operation.
pub fn knows(op: &str) -> bool {
    OPERATIONS.contains(&op)
}

/// Makes the call that a step describes.
pub fn run(client: &Client, step: &mut Step) -> Answer {
    match client {
        Client::Async(client, runtime) => {
            let _entered = runtime.enter();
            run_async(client, step)
        }
        Client::Blocking(client) => run_blocking(client, step),
    }
}

/// One table for both clients: their calls are written the same.
macro_rules! operations {
    ($client:ident, $step:ident: $($name:literal => $call:expr,)+) => {
        const OPERATIONS: &[&str] = &[$($name),+];

        fn run_async($client: &AsyncPaid, $step: &mut Step) -> Answer {
            match $step.op.as_str() {
                $($name => finish($call, $step),)+
                other => Err(Refusal::local("unknown_op", other)),
            }
        }

        fn run_blocking($client: &Paid, $step: &mut Step) -> Answer {
            match $step.op.as_str() {
                $($name => finish($call, $step),)+
                other => Err(Refusal::local("unknown_op", other)),
            }
        }
    };
}

operations! { client, step:
    "agents.list" => client.agents().list(),
    "agents.create" => client.agents().create(step.kwargs::<AgentCreate>()?),
    "agents.get" => client.agents().get(step.id()?),
    "agents.update" => client.agents().update(step.id()?, step.kwargs::<AgentUpdate>()?),
    "agents.delete" => client.agents().delete(step.id()?),
    "agents.get_by_external_id" => client.agents().get_by_external_id(step.id()?),
    "agents.update_by_external_id" => {
        client.agents().update_by_external_id(step.id()?, step.kwargs::<AgentUpdate>()?)
    },
    "agents.delete_by_external_id" => client.agents().delete_by_external_id(step.id()?),

    "contacts.list" => client.contacts().list(),
    "contacts.create" => client.contacts().create(step.kwargs::<ContactCreate>()?),
    "contacts.get" => client.contacts().get(step.id()?),
    "contacts.delete" => client.contacts().delete(step.id()?),
    "contacts.get_by_external_id" => client.contacts().get_by_external_id(step.id()?),
    "contacts.delete_by_external_id" => client.contacts().delete_by_external_id(step.id()?),

    "customers.list" => client.customers().list(),
    "customers.create" => client.customers().create(step.kwargs::<CustomerCreate>()?),
    "customers.get" => client.customers().get(step.id()?),
    "customers.update" => client.customers().update(step.id()?, step.kwargs::<CustomerUpdate>()?),
    "customers.delete" => client.customers().delete(step.id()?),
    "customers.get_by_external_id" => client.customers().get_by_external_id(step.id()?),
    "customers.update_by_external_id" => {
        client.customers().update_by_external_id(step.id()?, step.kwargs::<CustomerUpdate>()?)
    },
    "customers.delete_by_external_id" => client.customers().delete_by_external_id(step.id()?),
    "customers.get_entitlements" => client.customers().get_entitlements(step.id()?),
    "customers.get_costs_by_external_id" => {
        let mut call = client.customers().get_costs_by_external_id(step.id()?);
        let CostsWanted { limit, offset, start_time, end_time } = step.kwargs()?;
        if let Some(limit) = limit {
            call = call.limit(limit);
        }
        if let Some(offset) = offset {
            call = call.offset(offset);
        }
        if let Some(time) = start_time {
            call = call.start_time(time);
        }
        if let Some(time) = end_time {
            call = call.end_time(time);
        }
        call
    },

    "orders.list" => client.orders().list(),
    "orders.create" => client.orders().create(step.kwargs::<OrderCreate>()?),
    "orders.get" => client.orders().get(step.id()?),
    "orders.delete" => client.orders().delete(step.id()?),
    "orders.activate" => client.orders().activate(step.id()?),
    "orders.lines.update" => {
        client.orders().lines().update(step.id()?, step.kwargs::<OrderLinesUpdate>()?)
    },

    "usage.record_bulk" => {
        let body = signals(step)?;
        match incomplete(&body) {
            None => client.usage().record_bulk(body),
            // The recorded client sends them, so they take the way around the check.
            Some(signals) => client.usage().record_bulk(UsageRecordBulk::new()).body_field("signals", signals),
        }
    },
}

/// The query of the costs. A null there is the same as nothing.
#[derive(Deserialize)]
struct CostsWanted {
    limit: Option<i64>,
    offset: Option<i64>,
    start_time: Option<DateTime>,
    end_time: Option<DateTime>,
}

/// The signals, with their data put in as a type of the user's own would be.
fn signals(step: &mut Step) -> Result<UsageRecordBulk, Refusal> {
    let given = step.kwargs_mut().get_mut("signals").and_then(Value::as_array_mut).into_iter().flatten();
    let data: Vec<Option<Value>> = given.map(take_data).collect();
    let mut body: UsageRecordBulk = step.kwargs()?;
    if let Nullable::Value(signals) = &mut body.signals {
        for (signal, data) in signals.iter_mut().zip(data) {
            if let Some(data) = data {
                signal.data = JsonObject::from_serialize(&FreeForm(&data)).into();
            }
        }
    }
    Ok(body)
}

/// The signals in their JSON form, if one lacks its name or its customer, which the SDK refuses to send.
fn incomplete(body: &UsageRecordBulk) -> Option<Value> {
    let signals = body.signals.as_ref()?;
    let lacks = |signal: &Signal| {
        let has_customer = signal.customer_id.as_ref().or(signal.external_customer_id.as_ref()).is_some();
        signal.event_name.as_ref().is_none() || !has_customer
    };
    // What has no JSON form is reported by the typed call.
    signals.iter().any(lacks).then(|| serde_json::to_value(signals).ok())?
}

/// Takes the data of a signal out, unless it is null or missing.
fn take_data(signal: &mut Value) -> Option<Value> {
    let signal = signal.as_object_mut()?;
    if signal.get("data")?.is_null() {
        return None;
    }
    signal.remove("data")
}
