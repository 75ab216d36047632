//! What is compared: each case does the same once with paid and once with bare reqwest.

use std::hint::black_box;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue};
use paid::AsyncPaid;
use paid::types::{Customer, Signal};
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::Result;
use crate::allocations::{self, Count};
use crate::measure::{Comparison, Length, Target, Unit, interleave};

const KEY: &str = "benchmark_key";
const ID: &str = "9a4f3c52-6f0e-4a43-9d3f-5d2f0b7c1e88";
/// The SDK's own.
const TIMEOUT: Duration = Duration::from_secs(60);
const SIGNALS: usize = 10_000;
const CONCURRENT: usize = 64;
const CALL: Unit = Unit { name: "calls", per_call: 1.0 };

pub fn all(base_url: &str, length: Length) -> Result<Vec<Comparison>> {
    let same = Bare::new(base_url)?;
    Ok(vec![
        Comparison {
            key: "get",
            what: "one `customers().get` after the other",
            unit: CALL,
            target: Target::Time(Some(1.05)),
            rounds: get(base_url, same, length)?,
        },
        Comparison {
            key: "get_least",
            what: "the same, beside reqwest without timeout and headers",
            unit: CALL,
            target: Target::Time(None),
            rounds: get(base_url, Bare::least(base_url)?, length)?,
        },
        concurrent(base_url, length)?,
        bulk(base_url, length)?,
        blocking(base_url, length)?,
    ])
}

fn get(base_url: &str, bare: Bare, length: Length) -> Result<Vec<(f64, f64)>> {
    const CALLS: u32 = 100;
    let runtime = current_thread()?;
    let paid = client(base_url)?;
    interleave(
        length.rounds(500),
        || {
            runtime.block_on(async {
                let started = Instant::now();
                for _ in 0..CALLS {
                    black_box(paid.customers().get(ID).await?);
                }
                Ok(started.elapsed().as_secs_f64() / f64::from(CALLS))
            })
        },
        || {
            runtime.block_on(async {
                let started = Instant::now();
                for _ in 0..CALLS {
                    black_box(bare.get(ID).await?);
                }
                Ok(started.elapsed().as_secs_f64() / f64::from(CALLS))
            })
        },
    )
}

fn concurrent(base_url: &str, length: Length) -> Result<Comparison> {
    const CALLS: usize = 20;
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (paid, bare) = (client(base_url)?, Bare::new(base_url)?);
    let rounds = interleave(
        length.rounds(300),
        || {
            runtime.block_on(at_once(CALLS, || {
                let paid = paid.clone();
                async move {
                    for _ in 0..CALLS {
                        black_box(paid.customers().get(ID).await.map_err(|error| error.to_string())?);
                    }
                    Ok(())
                }
            }))
        },
        || {
            runtime.block_on(at_once(CALLS, || {
                let bare = bare.clone();
                async move {
                    for _ in 0..CALLS {
                        black_box(bare.get(ID).await.map_err(|error| error.to_string())?);
                    }
                    Ok(())
                }
            }))
        },
    )?;
    let what = "64 concurrent `customers().get`, 2 worker threads";
    Ok(Comparison { key: "get_64", what, unit: CALL, target: Target::Throughput(0.95), rounds })
}

/// Runs 64 tasks of so many calls each, and answers with the seconds per call.
async fn at_once<F>(calls: usize, task: impl Fn() -> F) -> Result<f64>
where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    let started = Instant::now();
    for _ in 0..CONCURRENT {
        tasks.spawn(task());
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(started.elapsed().as_secs_f64() / (CONCURRENT * calls) as f64)
}

fn bulk(base_url: &str, length: Length) -> Result<Comparison> {
    let runtime = current_thread()?;
    let (paid, bare) = (client(base_url)?, Bare::new(base_url)?);
    let signals = signals()?;
    let rounds = interleave(
        length.rounds(200),
        || {
            let signals = signals.clone();
            runtime.block_on(async {
                let started = Instant::now();
                paid.usage().record_bulk(signals).await?;
                Ok(started.elapsed().as_secs_f64())
            })
        },
        || {
            let signals = signals.clone();
            runtime.block_on(async {
                let started = Instant::now();
                bare.record_bulk(signals).await?;
                Ok(started.elapsed().as_secs_f64())
            })
        },
    )?;
    Ok(Comparison {
        key: "record_bulk",
        what: "`usage().record_bulk` of 10,000 signals",
        unit: Unit { name: "signals", per_call: SIGNALS as f64 },
        target: Target::Throughput(0.95),
        rounds,
    })
}

fn blocking(base_url: &str, length: Length) -> Result<Comparison> {
    const CALLS: u32 = 100;
    let paid = paid::Paid::builder().token(KEY).base_url(base_url).build()?;
    let bare = reqwest::blocking::Client::builder().timeout(TIMEOUT).default_headers(headers()).build()?;
    let rounds = interleave(
        length.rounds(300),
        || {
            let started = Instant::now();
            for _ in 0..CALLS {
                black_box(paid.customers().get(ID).send()?);
            }
            Ok(started.elapsed().as_secs_f64() / f64::from(CALLS))
        },
        || {
            let started = Instant::now();
            for _ in 0..CALLS {
                let url = format!("{base_url}/customers/{ID}");
                let answer = bare.get(url).bearer_auth(KEY).send()?.error_for_status()?;
                black_box(answer.json::<Customer>()?);
            }
            Ok(started.elapsed().as_secs_f64() / f64::from(CALLS))
        },
    )?;
    let what = "blocking `customers().get`";
    Ok(Comparison { key: "blocking_get", what, unit: CALL, target: Target::Time(Some(1.10)), rounds })
}

/// What one get allocates, as a table.
pub fn allocations(base_url: &str, length: Length) -> Result<String> {
    let calls = length.rounds(1000) as u64;
    let runtime = current_thread()?;
    let (paid, bare) = (client(base_url)?, Bare::new(base_url)?);
    let (paid, bare) = runtime.block_on(async {
        paid.customers().get(ID).await?;
        bare.get(ID).await?;
        let before = allocations::count();
        for _ in 0..calls {
            black_box(paid.customers().get(ID).await?);
        }
        let between = allocations::count();
        for _ in 0..calls {
            black_box(bare.get(ID).await?);
        }
        let after = allocations::count();
        Ok::<_, Box<dyn std::error::Error>>((since(before, between, calls), since(between, after, calls)))
    })?;
    Ok(format!(
        "| allocated by one `customers().get` | paid | bare |\n|---|---:|---:|\n\
         | times | {} | {} |\n| bytes | {} | {} |",
        paid.times, bare.times, paid.bytes, bare.bytes
    ))
}

/// What one of so many calls allocated.
fn since(before: Count, after: Count, calls: u64) -> Count {
    Count { times: (after.times - before.times) / calls, bytes: (after.bytes - before.bytes) / calls }
}

/// The headers of the SDK, beside the token and the type of a body.
fn headers() -> HeaderMap {
    let headers = [
        ("accept", "application/json"),
        ("user-agent", concat!("paid-rust/", env!("CARGO_PKG_VERSION"))),
        ("x-fern-language", "Rust"),
        ("x-fern-sdk-name", "paid-rust"),
        ("x-fern-sdk-version", env!("CARGO_PKG_VERSION")),
    ];
    let parsed =
        headers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    HeaderMap::from_iter(parsed)
}

fn current_thread() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

fn client(base_url: &str) -> Result<AsyncPaid> {
    Ok(AsyncPaid::builder().token(KEY).base_url(base_url).build()?)
}

/// What one writes without an SDK: no retries, no checks but the status.
#[derive(Clone)]
struct Bare {
    http: reqwest::Client,
    base_url: String,
}

impl Bare {
    /// It sends the same bytes as the SDK, with the same timeout.
    fn new(base_url: &str) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).default_headers(headers()).build()?;
        Ok(Bare { http, base_url: base_url.to_string() })
    }

    /// It has no timeout, and sends no header that it needn't.
    fn least(base_url: &str) -> Result<Self> {
        Ok(Bare { http: reqwest::Client::builder().build()?, base_url: base_url.to_string() })
    }

    async fn get(&self, id: &str) -> reqwest::Result<Customer> {
        let url = format!("{}/customers/{id}", self.base_url);
        self.http.get(url).bearer_auth(KEY).send().await?.error_for_status()?.json().await
    }

    /// Takes the signals, as the SDK does: both sides drop them within what is timed.
    async fn record_bulk(&self, signals: Vec<Signal>) -> reqwest::Result<()> {
        #[derive(Serialize)]
        struct Body<'a> {
            signals: &'a [Signal],
        }
        let url = format!("{}/usage/signals/bulk", self.base_url);
        let request = self.http.post(url).bearer_auth(KEY).json(&Body { signals: &signals });
        request.send().await?.error_for_status()?.bytes().await?;
        Ok(())
    }
}

/// Signals as agents send them: a name, two external ids, and data with a cost or raw usage.
fn signals() -> Result<Vec<Signal>> {
    let samples: Vec<Signal> = serde_json::from_str(include_str!("../../examples/data/signals.json"))?;
    let customer = |at: usize| format!("customer-{}", at % 100);
    let signals = samples.into_iter().cycle().take(SIGNALS).enumerate();
    Ok(signals.map(|(at, signal)| signal.external_customer_id(customer(at))).collect())
}
