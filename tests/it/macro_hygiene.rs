//! `#[paid_tracing]` where nothing is in scope and every usual name means something else.

#![no_implicit_prelude]
#![allow(clippy::unwrap_used, dead_code, non_upper_case_globals)]
use ::paid::tracing::paid_tracing;

mod core {}
mod std {}
mod paid {}
mod tracing {}
struct Result;
struct Option;
struct String;
struct Box;
struct Pin;
struct Outcome;
trait Future {}
trait FnOnce {}
trait Send {}
trait Display {}
const Some: u8 = 0;
const None: u8 = 0;
const Ok: u8 = 0;
const Err: u8 = 0;
static value: u8 = 0;
static outcome: u8 = 0;
static scope: u8 = 0;

#[paid_tracing("customer", "agent", store_prompt = false)]
fn plain(text: &str) -> &str {
    text
}

#[paid_tracing("customer")]
fn fails(ok: bool) -> ::core::result::Result<u8, ::std::string::String> {
    if !ok {
        return ::core::result::Result::Err(::std::string::String::new());
    }
    ::core::result::Result::Ok(1)
}

#[paid_tracing("customer")]
async fn waits(ok: bool) -> ::core::result::Result<u8, ::std::string::String> {
    fails(ok)
}

#[paid_tracing("customer")]
async fn nothing() {}

#[paid_tracing("customer")]
async fn never() -> ! {
    loop {
        ::tokio::task::yield_now().await
    }
}

#[paid_tracing("customer")]
fn later() -> impl ::core::future::Future<Output = u8> {
    ::core::future::ready(1)
}

#[paid_tracing("customer")]
fn boxed() -> ::core::pin::Pin<::std::boxed::Box<dyn ::core::future::Future<Output = u8>>> {
    ::std::boxed::Box::pin(::core::future::ready(1))
}

struct Agent(u8);

impl Agent {
    #[paid_tracing("customer")]
    fn number(&mut self) -> &mut u8 {
        &mut self.0
    }
}

#[test]
fn functions_work_as_without_it() {
    let runtime = ::tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(functions());
}

async fn functions() {
    ::core::assert_eq!(plain("text"), "text");
    ::core::assert_eq!(fails(true), waits(true).await);
    ::core::assert_eq!(fails(false), waits(false).await);
    nothing().await;
    ::core::assert_eq!(later().await, 1);
    ::core::assert_eq!(boxed().await, 1);
    *Agent(1).number() += 1;
}
