//! Spans by this SDK.

use std::path::Path;
use std::time::{Duration, Instant};

use paid::AsyncPaid;
use paid::tracing::{DeliveryStats, SignalError, TracingOptions, delivery};
use serde_json::json;

use crate::variant::{Emitter, Fate, Result};

const PATIENCE: Duration = Duration::from_secs(60);
/// Well below what the queue in memory holds by default, about 40,000 spans.
const MOST_HELD: u64 = 20_000;
/// How many spans a thread emits between two looks at what is held.
const GLANCE: u64 = 256;

pub struct WithPaid {
    client: AsyncPaid,
    has_spool: bool,
}

impl WithPaid {
    pub fn start(endpoint: &str, gzip: bool, spool: Option<&Path>) -> Result<Self> {
        let client = AsyncPaid::new("bench_key")?;
        let options = TracingOptions::new().collector_endpoint(endpoint).compression(gzip);
        let options = match spool {
            Some(directory) => options.spool_dir(directory),
            None => options,
        };
        client.initialize_tracing_with(options)?;
        Ok(WithPaid { client, has_spool: spool.is_some() })
    }
}

fn stats() -> DeliveryStats {
    delivery().stats()
}

impl Emitter for WithPaid {
    fn scope(&self, work: impl FnOnce()) {
        self.client.paid_tracing("customer_1").external_agent_id("agent_1").run(work);
    }

    fn signal(&self, data: bool) -> bool {
        let signal = self.client.signal("report_written");
        let signal = if data { signal.data(json!({"pages": 12})) } else { signal };
        !matches!(signal.send(), Err(SignalError::QueueFull))
    }

    /// A signal is told when the queue is full, but the end of a scope is not.
    fn make_room(&self, spans: u64, used: &mut u64) {
        *used += spans;
        if self.has_spool || *used < GLANCE {
            return;
        }
        *used = 0;
        while stats().held > MOST_HELD {
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    fn leave(&self) -> Result<()> {
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        match delivery().flush(PATIENCE) {
            true => Ok(()),
            false => Err(format!("not delivered: {:?}", delivery().problem()).into()),
        }
    }

    fn written(&self) -> Result<Option<f64>> {
        if !self.has_spool {
            return Ok(None);
        }
        let start = Instant::now();
        match delivery().flush_to_disk(PATIENCE) {
            true => Ok(Some(start.elapsed().as_secs_f64())),
            false => Err("not written to disk".into()),
        }
    }

    fn fate(&self, _: u64, _: bool) -> Fate {
        let stats = stats();
        Fate { acknowledged: stats.acknowledged, lost: stats.dropped + stats.dead_lettered }
    }
}
