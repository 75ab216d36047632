//! Arguments: every form of them, evaluated before the body, with the parameters left to it.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::sync::Mutex;

use paid::JsonObject;
use paid::tracing::{Metadata, TracingToken, current_tracing_token, paid_tracing};
use serde_json::json;

use crate::{is_inside, is_traced, token};

#[paid_tracing("customer")]
fn customer() -> u8 {
    1
}

#[paid_tracing("customer", "agent")]
fn customer_and_agent() -> u8 {
    2
}

#[paid_tracing("customer", "agent", store_prompt = true)]
fn trailing_comma() -> u8 {
    3
}

#[paid_tracing(external_agent_id = "agent", external_customer_id = "customer")]
fn named_in_any_order() -> u8 {
    4
}

#[paid::tracing::paid_tracing("customer", crate = ::paid)]
fn by_its_path() -> u8 {
    5
}

#[paid_tracing(None::<String>, external_agent_id = None::<&str>, tracing_token = None, metadata = None::<Metadata>)]
fn all_optional() -> u8 {
    6
}

#[paid_tracing(
    external_customer_id = "customer",
    external_agent_id = Some("agent"),
    tracing_token = token(),
    store_prompt = "a" < "b",
    metadata = json!({"plan": {"name": "pro", "seats": [1, 2]}})
)]
fn all_of_them() -> u8 {
    7
}

#[paid_tracing("customer", metadata = [("plan", "pro")])]
fn metadata_pairs() -> u8 {
    8
}

#[paid_tracing("customer", metadata = JsonObject::from_serialize(&json!({"a": 1})))]
fn metadata_object() -> u8 {
    9
}

#[test]
fn every_form_is_taken() {
    token();
    let results = [
        customer(),
        customer_and_agent(),
        trailing_comma(),
        named_in_any_order(),
        by_its_path(),
        all_optional(),
        all_of_them(),
        metadata_pairs(),
        metadata_object(),
    ];
    assert_eq!(results, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn the_function_and_the_attribute_share_a_name() {
    assert_eq!(paid_tracing("customer").run(customer), 1);
}

mod renamed {
    pub use ::paid as paid_sdk;

    #[paid_sdk::tracing::paid_tracing("customer", crate = paid_sdk)]
    pub fn traced() -> u8 {
        10
    }

    #[paid_sdk::tracing::paid_tracing("customer", crate = crate::arguments::renamed::paid_sdk)]
    pub fn traced_by_a_longer_path() -> u8 {
        11
    }
}

#[test]
fn the_crate_may_go_by_another_name() {
    assert_eq!((renamed::traced(), renamed::traced_by_a_longer_path()), (10, 11));
}

struct Event {
    customer_id: String,
    agent_id: Option<String>,
    token: TracingToken,
}

#[paid_tracing(&event.customer_id, &event.agent_id, tracing_token = event.token)]
fn consumes(event: Event) -> (Event, bool) {
    let inside = is_inside(event.token);
    (event, inside)
}

#[paid_tracing(&event.customer_id, &event.agent_id, tracing_token = event.token)]
async fn consumes_async(event: Event) -> (Event, bool) {
    tokio::task::yield_now().await;
    let inside = is_inside(event.token);
    (event, inside)
}

#[tokio::test]
async fn parameters_are_lent_and_left_to_the_body() {
    let event = Event { customer_id: "customer".into(), agent_id: None, token: token() };
    let (event, inside) = consumes(event);
    assert!(inside);
    let (event, inside) = consumes_async(event).await;
    assert!(inside);
    assert_eq!(event.customer_id, "customer");
}

#[paid_tracing(customer, agent.map(Cow::into_owned), tracing_token = token)]
fn moves(
    customer: Box<str>,
    agent: Option<Cow<'_, str>>,
    token: Option<TracingToken>,
    rest: String,
) -> String {
    rest
}

#[test]
fn a_parameter_may_also_be_given_away() {
    assert_eq!(moves("customer".into(), Some("agent".into()), None, "rest".into()), "rest");
}

#[paid_tracing({ log.borrow_mut().push("arguments"); "customer" }, { log.borrow_mut().push("agent"); "agent" })]
fn ordered(log: &RefCell<Vec<&'static str>>) {
    log.borrow_mut().push("body");
}

#[test]
fn arguments_are_evaluated_before_the_body_and_once() {
    let log = RefCell::new(Vec::new());
    ordered(&log);
    assert_eq!(*log.borrow(), ["arguments", "agent", "body"]);
}

#[paid_tracing(names.lock().unwrap().as_str())]
async fn locks(names: &Mutex<String>) -> usize {
    tokio::task::yield_now().await;
    names.try_lock().unwrap().len()
}

#[tokio::test]
async fn what_an_argument_locks_is_free_again_in_the_body() {
    let names = Mutex::new("customer".to_string());
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    assert_eq!(assert_send(locks(&names)).await, 8);
}

#[paid_tracing(find(id)?, tracing_token = later().await)]
async fn looks_up(id: Option<&str>, ran: &Cell<bool>) -> Option<bool> {
    ran.set(true);
    Some(current_tracing_token().is_some() == is_traced())
}

fn find(id: Option<&str>) -> Option<String> {
    id.map(str::to_uppercase)
}

async fn later() -> TracingToken {
    tokio::task::yield_now().await;
    token()
}

#[tokio::test]
async fn an_argument_may_await_and_return_early() {
    token();
    let ran = Cell::new(false);
    assert_eq!(looks_up(None, &ran).await, None);
    assert!(!ran.get());
    assert_eq!(looks_up(Some("customer"), &ran).await, Some(true));
    assert!(ran.get());
}
