//! What is compared: each case does the same once with paid and once with bare reqwest.

use std::hint::black_box;
use std::time::Instant;

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
const SIGNALS: usize = 10_000;
const CONCURRENT: usize = 64;
const CALL: Unit = Unit { name: "calls", per_call: 1.0 };

pub fn all(base_url: &str, length: Length) -> Result<Vec<Comparison>> {
    if let Ok(side) = std::env::var("SIDE") {
        let runtime = current_thread()?;
        let n: usize = std::env::var("N")?.parse()?;
        let (paid, bare) = (client(base_url)?, Bare::new(base_url)?);
        return runtime.block_on(async {
            for _ in 0..n {
                match side.as_str() {
                    "paid" => drop(black_box(paid.customers().get(ID).await?)),
                    "bare" => drop(black_box(bare.get(ID).await?)),
                    v => drop(black_box(bare.get_v(ID, v.parse()?).await?)),
                }
            }
            Ok(Vec::new())
        });
    }
    if std::env::var_os("VARIANTS").is_some() {
        let mut v = variants(base_url, length)?;
        v.push(get(base_url, length)?);
        return Ok(v);
    }
    let mut comparisons =
        vec![get(base_url, length)?, concurrent(base_url, length)?, bulk(base_url, length)?];
    #[cfg(feature = "blocking")]
    comparisons.push(blocking(base_url, length)?);
    Ok(comparisons)
}

fn get(base_url: &str, length: Length) -> Result<Comparison> {
    const CALLS: u32 = 100;
    let runtime = current_thread()?;
    let (paid, bare) = (client(base_url)?, Bare::new(base_url)?);
    let rounds = interleave(
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
    )?;
    let what = "one `customers().get` after the other";
    Ok(Comparison { key: "get", what, unit: CALL, target: Target::Time(1.05), rounds })
}

fn variants(base_url: &str, length: Length) -> Result<Vec<Comparison>> {
    const CALLS: u32 = 100;
    let runtime = current_thread()?;
    let mut out = Vec::new();
    for (key, v) in [
        ("same", 0),
        ("timeout", 1),
        ("headers", 2),
        ("headers+timeout", 3),
        ("headers+timeout+clone", 7),
        ("clientclone", 8),
        ("noyield-bytes", 16),
        ("customstd", 32),
    ] {
        let bare = Bare::new(base_url)?;
        let bare2 = Bare::new(base_url)?;
        let rounds = interleave(
            length.rounds(200),
            || {
                runtime.block_on(async {
                    let started = Instant::now();
                    for _ in 0..CALLS {
                        black_box(bare2.get_v(ID, v).await?);
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
        )?;
        out.push(Comparison { key, what: key, unit: CALL, target: Target::Time(1.05), rounds });
    }
    Ok(out)
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

#[cfg(feature = "blocking")]
fn blocking(base_url: &str, length: Length) -> Result<Comparison> {
    const CALLS: u32 = 100;
    let paid = paid::Paid::builder().token(KEY).base_url(base_url).build()?;
    let bare = reqwest::blocking::Client::builder().build()?;
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
    Ok(Comparison { key: "blocking_get", what, unit: CALL, target: Target::Time(1.10), rounds })
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

fn current_thread() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

fn client(base_url: &str) -> Result<AsyncPaid> {
    Ok(AsyncPaid::builder().token(KEY).base_url(base_url).build()?)
}

/// What one writes without an SDK: no retries, no timeouts, no checks but the status.
#[derive(Clone)]
struct Bare {
    http: reqwest::Client,
    base_url: String,
}

impl Bare {
    fn new(base_url: &str) -> Result<Self> {
        Ok(Bare { http: reqwest::Client::builder().build()?, base_url: base_url.to_string() })
    }

    async fn get(&self, id: &str) -> reqwest::Result<Customer> {
        let url = format!("{}/customers/{id}", self.base_url);
        self.http.get(url).bearer_auth(KEY).send().await?.error_for_status()?.json().await
    }

    async fn get_v(&self, id: &str, v: u32) -> reqwest::Result<Customer> {
        let url = format!("{}/customers/{id}", self.base_url);
        let http = if v & 8 != 0 { self.http.clone() } else { self.http.clone() };
        let mut r = http.get(url).bearer_auth(KEY);
        if v & 1 != 0 {
            r = r.timeout(std::time::Duration::from_secs(60));
        }
        if v & 2 != 0 {
            r = r
                .header("accept", "application/json")
                .header("user-agent", "paid-rust/0.1.0")
                .header("x-fern-language", "Rust")
                .header("x-fern-sdk-name", "paid-rust")
                .header("x-fern-sdk-version", "0.1.0");
        }
        let mut r = r.build()?;
        if v & 4 != 0 {
            r = r.try_clone().unwrap();
        }
        let a = http.execute(r).await?.error_for_status()?;
        if v & 16 != 0 {
            let mut a = a;
            let mut body = bytes::Bytes::new();
            while let Some(c) = a.chunk().await? {
                body = c;
            }
            return Ok(serde_json::from_slice(&body).unwrap());
        }
        a.json().await
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
