//! A local stand-in for the Paid API: a server on loopback that answers every operation,
//! takes traces, remembers what it was told, shows what arrived and fails when it is
//! asked to.
//!
//! It is meant for tests of code that calls Paid and for trying things out without an
//! account. Start one, take a client from it, and look at what arrived:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use paid_sandbox::{Fault, Sandbox};
//!
//! let sandbox = Sandbox::start_blocking()?;
//! // The first attempt to send signals meets a busy server.
//! sandbox.fail(Fault::on("POST", "/usage/signals/bulk").status(429).header("retry-after", "0"));
//!
//! // The code under test, with a client for this sandbox: its API and its collector.
//! let client = sandbox.blocking_client_builder().build()?;
//! let signal = paid::Signal::new().event_name("report_done").agent_id("writer").external_customer_id("acme");
//! client.usage().record_bulk([signal]).send()?;
//!
//! for signal in sandbox.signals() {
//!     println!("{:?} for {:?}", signal.event_name, signal.customer_id);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Sandbox::start`] does the same in async code. Either way the server runs on a thread
//! of its own, so it needs no runtime and never waits for the test that uses it.
//!
//! The README of this crate lists what the sandbox does where the API leaves a choice.

#![deny(missing_docs, unsafe_code)]

#[cfg(feature = "client")]
mod client;
mod costs;
mod error;
mod exchange;
mod faults;
mod host;
mod otlp;
mod pattern;
#[cfg(feature = "providers")]
mod providers;
mod recorder;
mod requests;
mod routes;
mod server;
mod state;
mod time;
mod traces;
mod validate;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

use serde_json::Value;
use tokio::sync::oneshot;

pub use costs::{CostTrace, PRICE_PER_TOKEN_USD};
pub use faults::Fault;
pub use otlp::{
    AttributeValue, LinkedCost, ReceivedSpan, SpanEvent, SpanKind, SpanStatus, StatusCode, TracedSignal,
};
#[cfg(feature = "providers")]
pub use providers::Script;
pub use recorder::{Outcome, ReceivedRequest};
pub use state::ReceivedSignal;

use server::{Observer, Server, Settings, Shared};

/// A key that no other sandbox has: a process that traces to two of them keeps them apart by their keys.
fn new_key() -> String {
    static STARTED: AtomicU64 = AtomicU64::new(0);
    let random = RandomState::new().build_hasher().finish();
    format!("sandbox_key_{}_{random:016x}", STARTED.fetch_add(1, Ordering::Relaxed))
}

/// A running sandbox.
///
/// The server stops and closes its connections when this is dropped, or by
/// [`shutdown`](Self::shutdown), which doesn't block.
#[derive(Debug)]
pub struct Sandbox {
    shared: Arc<Shared>,
    server: Server,
    api_key: String,
}

impl Sandbox {
    /// Starts a sandbox on a free port of 127.0.0.1, with a key of its own: [`api_key`](Self::api_key).
    ///
    /// ```
    /// # async fn test() -> std::io::Result<()> {
    /// let sandbox = paid_sandbox::Sandbox::start().await?;
    /// assert!(sandbox.base_url().ends_with("/api/v1"));
    /// sandbox.shutdown().await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When no port can be had or no thread started.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Starts a sandbox as [`start`](Self::start) does, from code that is not async.
    ///
    /// # Errors
    ///
    /// When no port can be had or no thread started.
    pub fn start_blocking() -> io::Result<Self> {
        Self::builder().start_blocking()
    }

    /// A sandbox with another key or port.
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let sandbox = paid_sandbox::Sandbox::builder()
    ///     .api_key("key_of_account_a")
    ///     .start_blocking()?;
    /// assert_eq!(sandbox.api_key(), "key_of_account_a");
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The base URL to give to a client: `http://127.0.0.1:PORT/api/v1`.
    pub fn base_url(&self) -> String {
        format!("{}{}", self.origin(), routes::BASE_PATH)
    }

    /// The server itself: `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// A key that the sandbox accepts.
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// The requests so far, in the order of arrival, refused ones included: the last 10,000 of them, or as many as
    /// [`Builder::keep_requests`] says, and fewer where their bodies take more than 512 MiB.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.shared.requests().kept()
    }

    /// How many requests came before the first of [`requests`](Self::requests), and are kept no more.
    pub fn forgotten_requests(&self) -> usize {
        self.shared.requests().forgotten()
    }

    /// Forgets the requests so far, and nothing else.
    pub fn clear_requests(&self) {
        self.shared.requests().clear();
    }

    /// Every signal that was taken, in the order of arrival.
    pub fn signals(&self) -> Vec<ReceivedSignal> {
        self.shared.store().signals.clone()
    }

    /// The customers, as the API lists them.
    pub fn customers(&self) -> Vec<Value> {
        values(self.shared.store().customers.all().to_vec())
    }

    /// The agents, as the API lists them.
    pub fn agents(&self) -> Vec<Value> {
        values(self.shared.store().agents.all().to_vec())
    }

    /// The contacts, as the API lists them.
    pub fn contacts(&self) -> Vec<Value> {
        values(self.shared.store().shown_contacts())
    }

    /// The orders, as the API lists them.
    pub fn orders(&self) -> Vec<Value> {
        values(self.shared.store().shown_orders())
    }

    /// The cost traces of all customers, as the API lists them.
    pub fn cost_traces(&self) -> Vec<CostTrace> {
        self.shared.store().costs().cloned().collect()
    }

    /// Adds a cost trace for a customer, named by external id (or id). The customer need
    /// not exist yet.
    pub fn add_cost_trace(&self, external_customer_id: &str, trace: CostTrace) {
        self.shared.store().add_cost(external_customer_id, trace);
    }

    /// Adds an entitlement (a credit bundle) for a customer, named by id or external id.
    /// Fields that an entitlement must have and this one lacks are filled in.
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// # let sandbox = paid_sandbox::Sandbox::start_blocking()?;
    /// sandbox.add_entitlement("cus_1", serde_json::json!({"total": 100, "available": 40, "used": 60}));
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_entitlement(&self, customer_id: &str, entitlement: Value) {
        self.shared.store().add_entitlement(customer_id, entitlement);
    }

    /// Makes the next requests to a route fail. Faults queue up: a request meets the
    /// first one that names its route and is not used up.
    pub fn fail(&self, fault: Fault) {
        self.shared.faults().push(fault);
    }

    /// How many faults are not used up. One that lasts forever always counts.
    pub fn pending_faults(&self) -> usize {
        self.shared.faults().len()
    }

    /// Takes back every fault that is not used up.
    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// Forgets everything: records, signals, spans, costs, requests and faults. Ids start from 1
    /// again; open connections stay open.
    pub fn reset(&self) {
        self.shared.clear_store();
        self.clear_requests();
        self.clear_faults();
        #[cfg(feature = "providers")]
        self.clear_provider_scripts();
    }

    /// Stops the server and waits until its port and connections are closed.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}

fn values(records: Vec<validate::Object>) -> Vec<Value> {
    records.into_iter().map(Value::Object).collect()
}

/// How a sandbox is to be. Made by [`Sandbox::builder`].
#[must_use = "a builder starts nothing until start or start_blocking"]
pub struct Builder {
    api_key: String,
    takes_any_key: bool,
    port: u16,
    observer: Option<Observer>,
    kept_requests: usize,
    hosts: Vec<String>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            api_key: new_key(),
            takes_any_key: false,
            port: 0,
            observer: None,
            kept_requests: requests::DEFAULT_KEPT,
            hosts: Vec::new(),
        }
    }
}

impl Builder {
    /// Accepts this key and no other.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = key.into();
        self.takes_any_key = false;
        self
    }

    /// Accepts every key that is not empty.
    pub fn any_api_key(mut self) -> Self {
        self.takes_any_key = true;
        self
    }

    /// Listens on this port of 127.0.0.1. Port 0, the default, picks a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Keeps this many requests, the last ones, for [`Sandbox::requests`]; 10,000 by default.
    pub fn keep_requests(mut self, count: usize) -> Self {
        self.kept_requests = count;
        self
    }

    /// Answers requests for this host too. Others than those of this machine are refused with 421, so that no web
    /// page can read what the sandbox holds by a name of its own that leads to 127.0.0.1.
    pub fn allow_host(mut self, name: impl Into<String>) -> Self {
        self.hosts.push(name.into().to_ascii_lowercase());
        self
    }

    /// Calls this for every request, once it is clear how it ends. It runs on the
    /// server's thread, which waits for it.
    pub fn on_request(
        mut self,
        observer: impl Fn(&ReceivedRequest, Outcome) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Starts the sandbox.
    ///
    /// # Errors
    ///
    /// When the port is taken or no thread can be started.
    pub async fn start(self) -> io::Result<Sandbox> {
        let (tell, told) = oneshot::channel();
        let sandbox = self.spawn(move |ready| {
            // Nobody listens when the caller gave up waiting.
            let _ = tell.send(ready);
        })?;
        told.await.unwrap_or_else(|_| Err(died()))?;
        Ok(sandbox)
    }

    /// Starts the sandbox from code that is not async.
    ///
    /// # Errors
    ///
    /// When the port is taken or no thread can be started.
    pub fn start_blocking(self) -> io::Result<Sandbox> {
        let (tell, told) = mpsc::sync_channel(1);
        let sandbox = self.spawn(move |ready| {
            let _ = tell.send(ready);
        })?;
        told.recv().unwrap_or_else(|_| Err(died()))?;
        Ok(sandbox)
    }

    fn spawn(self, ready: impl FnOnce(io::Result<()>) + Send + 'static) -> io::Result<Sandbox> {
        let only = (!self.takes_any_key).then(|| self.api_key.clone());
        let shared = Arc::new(Shared::new(Settings {
            api_key: only,
            observer: self.observer,
            kept_requests: self.kept_requests,
            hosts: self.hosts,
        }));
        let server = Server::spawn(self.port, shared.clone(), ready)?;
        Ok(Sandbox { shared, server, api_key: self.api_key })
    }
}

fn died() -> io::Error {
    io::Error::other("the sandbox's thread ended before it served")
}
