//! A sandbox, a client that traces to it, and what a test calls the providers with.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use paid::AsyncPaid;
use paid::tracing::{PaidTracing, TracingOptions, generate_tracing_token};
use paid_sandbox::{ReceivedRequest, ReceivedSpan, Sandbox};

use super::spans::assert_discreet;

const PATIENCE: Duration = Duration::from_secs(20);
const SCOPE: &str = "paid.trace.parent_span";

/// Its clients of providers, `C`, are at hand as if they were fields of its own.
pub struct World<C> {
    pub sandbox: Sandbox,
    pub client: AsyncPaid,
    clients: C,
    /// How many calls there were when it was looked last.
    seen: AtomicUsize,
}

impl<C> Deref for World<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.clients
    }
}

impl<C> World<C> {
    /// A collector that takes only its own key, and a client with that key: tests share a process, not an account.
    pub async fn start(clients: impl FnOnce(&Sandbox) -> C) -> Self {
        let key = format!("key_{}", generate_tracing_token());
        let sandbox = Sandbox::builder().api_key(key.as_str()).start().await.unwrap();
        let client = AsyncPaid::new(key).unwrap();
        let options = TracingOptions::new().collector_endpoint(sandbox.collector_endpoint());
        client.initialize_tracing_with(options).unwrap();
        let clients = clients(&sandbox);
        World { sandbox, client, clients, seen: AtomicUsize::new(0) }
    }

    pub fn scope(&self) -> PaidTracing {
        self.client.paid_tracing("acme").external_agent_id("bot")
    }

    /// Runs work in a scope; all calls so far.
    pub async fn traced<F: Future>(&self, work: F) -> (F::Output, Vec<ReceivedSpan>) {
        let output = self.scope().run_async(work).await;
        (output, self.calls().await)
    }

    /// Runs work in a scope, which makes one more call, that may end on its own time.
    pub async fn traced_call<F: Future>(&self, work: F) -> (F::Output, ReceivedSpan) {
        let before = self.seen.load(Ordering::Relaxed);
        let (output, mut calls) = self.traced(work).await;
        if calls.len() <= before {
            self.wait_for_calls(before + 1).await;
            calls = self.calls().await;
        }
        assert_eq!(calls.len(), before + 1, "{calls:#?}");
        let call = calls.remove(before);
        assert_eq!(call.text("external_customer_id"), Some("acme"));
        assert_eq!(call.text("external_agent_id"), Some("bot"));
        (output, call)
    }

    /// The spans of calls that have ended so far, in the order of their ends.
    pub async fn calls(&self) -> Vec<ReceivedSpan> {
        // What a scope has recorded goes before the next one's own span.
        let last = generate_tracing_token().to_string();
        self.client.paid_tracing(last.as_str()).run(|| {});
        let is_last = |span: &ReceivedSpan| span.text("external_customer_id") == Some(last.as_str());
        let (scopes, calls) = apart(self.arrived(|spans| spans.iter().any(is_last)).await);
        let scopes: BTreeMap<_, _> = scopes.iter().map(|scope| (Some(&scope.span_id), scope)).collect();
        for call in &calls {
            let scope = scopes.get(&call.parent_span_id.as_ref()).expect("a call is below its scope");
            assert_eq!(scope.trace_id, call.trace_id);
            assert_eq!(scope.text("external_customer_id"), call.text("external_customer_id"));
            assert_discreet(call);
        }
        self.seen.store(calls.len(), Ordering::Relaxed);
        calls
    }

    async fn wait_for_calls(&self, count: usize) {
        self.arrived(|spans| spans.iter().filter(|span| span.name != SCOPE).count() >= count).await;
    }

    /// What has arrived, once it is enough.
    async fn arrived(&self, is_enough: impl Fn(&[ReceivedSpan]) -> bool) -> Vec<ReceivedSpan> {
        let mut least = 1;
        loop {
            let spans = self.sandbox.wait_for_spans(least, PATIENCE).await;
            if is_enough(&spans) {
                return spans;
            }
            assert!(spans.len() >= least, "spans are missing: {spans:#?}");
            least = spans.len() + 1;
        }
    }

    /// What all hosts but the collector received, which is nothing but calls.
    pub fn received(&self) -> Vec<ReceivedRequest> {
        let collector = self.sandbox.collector_endpoint();
        let is_call = |request: &ReceivedRequest| !collector.ends_with(request.path());
        self.sandbox.requests().into_iter().filter(is_call).collect()
    }

    /// Waits for a call, which hangs, until its request has arrived.
    pub async fn give_up<F: Future>(&self, call: F) {
        let arrived = async {
            while self.received().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            _ = call => panic!("it hangs"),
            arrived = tokio::time::timeout(PATIENCE, arrived) => arrived.expect("the request arrives"),
        }
    }
}

/// Spans of scopes, and spans of calls.
fn apart(spans: Vec<ReceivedSpan>) -> (Vec<ReceivedSpan>, Vec<ReceivedSpan>) {
    spans.into_iter().partition(|span| span.name == SCOPE)
}
