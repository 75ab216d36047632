//! What is measured runs in a process of its own, so that nothing of one variant is left for the next.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::variant::{Result, Variant, Workload};

/// The option that such a process is started with.
pub const OPTION: &str = "--child";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Measure {
    Latency,
    Throughput,
    Memory,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    pub measure: Measure,
    pub variant: Variant,
    pub workload: Workload,
    pub endpoint: String,
    /// Whether the collector there takes anything.
    pub live: bool,
    pub threads: u64,
    pub scopes: u64,
    /// Spans per second; none for as fast as it goes.
    pub pace: Option<f64>,
}

/// What came of a job. Only what its measure is about is set.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Nanoseconds of a call at p50, p99 and p99.9.
    pub nanos: [f64; 3],
    /// Nanoseconds between two readings of the clock with nothing in between.
    pub clock: f64,
    pub spans: u64,
    pub acknowledged: u64,
    pub lost: u64,
    /// How often the emitter was told that the queue is full.
    pub refused: u64,
    /// From the first span to the last acknowledgement.
    pub seconds: f64,
    /// From the first span to the last one on disk.
    pub to_disk: Option<f64>,
    /// Seconds of the processor, user and system, of the whole process.
    pub cpu: f64,
    /// The most memory, in bytes, before anything was started and at the end.
    pub memory: [f64; 2],
    /// Something is in the spool directory.
    pub spooled: bool,
}

impl Job {
    /// Runs it in a child process, which is ended once it has said what came of it: it may have a collector to wait for.
    pub fn run(&self) -> Result<Outcome> {
        let spool = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("spool-{}", std::process::id()));
        let mut child = Command::new(std::env::current_exe()?)
            .arg(OPTION)
            .arg(serde_json::to_string(self)?)
            .arg(&spool)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let said = child.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
        // It may have ended by itself.
        let _ = child.kill();
        child.wait()?;
        if spool.exists() {
            std::fs::remove_dir_all(&spool)?;
        }
        said.transpose()?;
        serde_json::from_str(&line).map_err(|_| format!("no result of {self:?}").into())
    }
}

impl Outcome {
    /// Spans per second.
    pub fn rate(&self) -> f64 {
        self.acknowledged as f64 / self.seconds
    }

    /// Microseconds of the processor per span.
    pub fn cpu_micros(&self) -> f64 {
        self.cpu * 1e6 / self.acknowledged as f64
    }
}
