//! Async functions, and functions that return futures.

use std::cell::Cell;
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use paid::tracing::{TracingToken, current_tracing_token, paid_tracing};
use tokio::task::yield_now;

use crate::{is_inside, token};

fn assert_send<T: Send>(value: T) -> T {
    value
}

#[paid_tracing("c", tracing_token = token)]
async fn inside(token: TracingToken) -> bool {
    let before = is_inside(token);
    yield_now().await;
    before && is_inside(token)
}

#[tokio::test]
async fn the_body_runs_in_the_scope_and_only_the_body() {
    let (one, other) = (token(), token());
    let (a, b) = tokio::join!(inside(one), inside(other));
    assert!(a && b);
    assert_eq!(current_tracing_token(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn futures_stay_send() {
    let token = token();
    assert!(tokio::spawn(inside(token)).await.unwrap());
    assert!(assert_send(inside(token)).await);
}

#[paid_tracing("c")]
async fn not_send(count: Rc<Cell<u8>>) -> Rc<Cell<u8>> {
    yield_now().await;
    count.set(count.get() + 1);
    count
}

#[paid_tracing("c")]
async fn gives_what_is_not_send() -> Rc<u8> {
    yield_now().await;
    Rc::new(1)
}

#[tokio::test]
async fn what_is_not_send_may_be_held_and_returned() {
    assert_eq!(not_send(Rc::default()).await.get(), 1);
    assert_eq!(*assert_send(gives_what_is_not_send()).await, 1);
}

#[tokio::test]
async fn nothing_happens_before_the_first_poll() {
    let ran = Cell::new(false);
    #[paid_tracing({ ran.set(true); "c" })]
    async fn lazy(ran: &Cell<bool>) {
        assert!(ran.get());
    }
    let future = lazy(&ran);
    assert!(!ran.get());
    future.await;
    assert!(ran.get());
}

#[paid_tracing("c")]
async fn longest<'a>(one: &'a str, other: &'a str) -> &'a str {
    yield_now().await;
    if one.len() > other.len() {
        return one;
    }
    other
}

#[paid_tracing("c")]
async fn first(list: &mut [String]) -> &mut String {
    yield_now().await;
    &mut list[0]
}

#[paid_tracing(&name)]
async fn generic<N, T: Clone, const COUNT: usize>(name: N, value: T) -> ([T; COUNT], N)
where
    for<'a> &'a N: paid::tracing::IntoId,
{
    yield_now().await;
    (std::array::from_fn(|_| value.clone()), name)
}

#[paid_tracing("c")]
async fn impl_both(value: impl Display) -> impl Display {
    yield_now().await;
    format!("<{value}>")
}

#[paid_tracing("c")]
async fn patterns((a, mut b): (u32, u32), _: &str, [c, ..]: [u32; 2]) -> u32 {
    b += 1;
    yield_now().await;
    a + b + c
}

#[paid_tracing("c")]
async fn no_output(into: &mut Vec<u8>, stop: bool) {
    if stop {
        return;
    }
    into.push(1);
}

#[tokio::test]
async fn signatures_of_all_kinds_work() {
    let text = String::from("long");
    assert_eq!(longest(&text, "s").await, "long");
    let mut list = vec!["a".to_string()];
    first(&mut list).await.push('b');
    assert_eq!(list, ["ab"]);
    assert_eq!(generic::<String, _, 2>("n".to_string(), 'x').await, (['x', 'x'], "n".to_string()));
    assert_eq!(impl_both(1).await.to_string(), "<1>");
    assert_eq!(patterns((1, 2), "", [3, 4]).await, 7);
    let mut numbers = vec![];
    no_output(&mut numbers, true).await;
    no_output(&mut numbers, false).await;
    assert_eq!(numbers, [1]);
}

#[paid_tracing("c")]
async fn forever(text: &str) -> ! {
    yield_now().await;
    panic!("{text}")
}

#[tokio::test]
async fn a_panic_goes_on_with_what_it_carries() {
    let error = tokio::spawn(async { forever("never returns").await }).await.unwrap_err();
    assert_eq!(error.into_panic().downcast_ref::<String>().unwrap(), "never returns");
}

#[paid_tracing("c")]
async fn factorial(n: u64) -> u64 {
    if n == 0 { 1 } else { n * Box::pin(factorial(n - 1)).await }
}

#[tokio::test]
async fn recursion_works() {
    assert_eq!(factorial(10).await, 3_628_800);
}

#[paid_tracing("c", tracing_token = token)]
fn returns_future(token: TracingToken, prepared: &Cell<bool>) -> impl Future<Output = bool> + use<> {
    prepared.set(true);
    async move {
        yield_now().await;
        is_inside(token)
    }
}

#[paid_tracing("c", tracing_token = token)]
fn returns_send_future<'a>(
    token: TracingToken,
    name: &'a str,
) -> impl Future<Output = Result<bool, ()>> + Send + 'a {
    async move {
        yield_now().await;
        if name.is_empty() { Err(()) } else { Ok(is_inside(token)) }
    }
}

#[paid_tracing("c", tracing_token = token)]
fn returns_boxed(
    token: TracingToken,
    name: &str,
) -> Pin<Box<dyn Future<Output = Result<bool, String>> + Send + '_>> {
    if name.is_empty() {
        return Box::pin(async { Err("empty".to_string()) });
    }
    Box::pin(async move {
        yield_now().await;
        Ok(is_inside(token) && !name.is_empty())
    })
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[paid_tracing("c", tracing_token = token)]
fn returns_box_future(token: TracingToken) -> BoxFuture<'static, bool> {
    Box::pin(async move { is_inside(token) })
}

#[tokio::test]
async fn a_returned_future_runs_in_the_scope() {
    let token = token();
    let prepared = Cell::new(false);
    let future = returns_future(token, &prepared);
    assert!(prepared.get());
    assert!(future.await);
    assert_eq!(assert_send(returns_send_future(token, "name")).await, Ok(true));
    assert_eq!(returns_send_future(token, "").await, Err(()));
    assert_eq!(returns_boxed(token, "name").await, Ok(true));
    assert_eq!(returns_boxed(token, "").await, Err("empty".to_string()));
    assert!(returns_box_future(token).await);
}
