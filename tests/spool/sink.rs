//! The collector: which process sent what, with which key, and what it was told.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use paid_sandbox::{Fault, Outcome, ReceivedRequest, Sandbox};

use crate::clock::now;
use crate::wire::{self, Item, SentSpan};

/// A request, when it was clear how it ends.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub sender: u32,
    pub key: String,
    pub spans: Vec<SentSpan>,
    pub outcome: Outcome,
    pub ended: i128,
}

impl Exchange {
    pub fn is_acknowledged(&self) -> bool {
        matches!(self.outcome, Outcome::Answered(200..=299))
    }
}

#[derive(Default)]
struct Seen {
    exchanges: Vec<Exchange>,
    acknowledged: HashSet<Item>,
}

pub struct Sink {
    sandbox: Sandbox,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

impl Sink {
    pub fn start() -> Sink {
        let seen = Arc::<(Mutex<Seen>, Condvar)>::default();
        let (observed, builder) = (seen.clone(), Sandbox::builder().any_api_key());
        let observe = move |request: &ReceivedRequest, outcome| {
            let exchange = exchange(request, outcome);
            let mut seen = observed.0.lock().unwrap();
            if exchange.is_acknowledged() {
                seen.acknowledged.extend(exchange.spans.iter().map(|span| span.item));
            }
            seen.exchanges.push(exchange);
            observed.1.notify_all();
        };
        Sink { sandbox: builder.on_request(observe).start_blocking().unwrap(), seen }
    }

    /// The endpoint for a sender, which is told by it from others.
    pub fn endpoint(&self, sender: u32) -> String {
        format!("{}?sender={sender}", self.sandbox.collector_endpoint())
    }

    pub fn fail(&self, fault: Fault) {
        self.sandbox.fail(fault);
    }

    pub fn heal(&self) {
        self.sandbox.clear_faults();
    }

    /// How many requests came, answered or not.
    pub fn requests(&self) -> usize {
        self.sandbox.requests().len()
    }

    pub fn exchanges(&self) -> Vec<Exchange> {
        self.seen.0.lock().unwrap().exchanges.clone()
    }

    pub fn acknowledged(&self) -> HashSet<Item> {
        self.seen.0.lock().unwrap().acknowledged.clone()
    }

    /// Waits until all of these are acknowledged; which are not, after all.
    pub fn missing(&self, items: impl IntoIterator<Item = Item>, patience: Duration) -> Vec<Item> {
        let end = Instant::now() + patience;
        let mut missing: Vec<Item> = items.into_iter().collect();
        let mut seen = self.seen.0.lock().unwrap();
        loop {
            missing.retain(|item| !seen.acknowledged.contains(item));
            let left = end.saturating_duration_since(Instant::now());
            if missing.is_empty() || left.is_zero() {
                missing.sort();
                return missing;
            }
            seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
        }
    }
}

/// All faults of a bad day, in some order.
pub fn flaky(random: &mut fastrand::Rng) -> Vec<Fault> {
    let on = || Fault::on("POST", "/v1/traces");
    (0..60)
        .map(|_| match random.u8(0..7) {
            0 => on().status(503),
            1 => on().status(429).header("retry-after", "0"),
            2 => on().cut(),
            3 => on().after_processing().cut(),
            4 => on().after_processing().cut_midway(),
            5 => on().delay(Duration::from_millis(random.u64(1..150))),
            _ => on().after_processing().delay(Duration::from_millis(random.u64(1..150))),
        })
        .collect()
}

fn exchange(request: &ReceivedRequest, outcome: Outcome) -> Exchange {
    let sender = request.query().and_then(|query| query.strip_prefix("sender=")).unwrap();
    let (key, spans) = wire::read(&request.content().expect("whole gzip"));
    Exchange { sender: sender.parse().unwrap(), key, spans, outcome, ended: now() }
}
