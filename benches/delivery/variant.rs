//! Ways to get the same spans to a collector.

use std::error::Error;

use serde::{Deserialize, Serialize};

pub type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// A way to get spans to a collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Variant {
    Memory { gzip: bool },
    Spool,
    OpenTelemetry { gzip: bool },
    Bare { gzip: bool },
}

impl Variant {
    pub const ALL: [Variant; 7] = [
        Variant::Memory { gzip: true },
        Variant::Spool,
        Variant::Memory { gzip: false },
        Variant::OpenTelemetry { gzip: true },
        Variant::OpenTelemetry { gzip: false },
        Variant::Bare { gzip: true },
        Variant::Bare { gzip: false },
    ];

    pub fn name(self) -> &'static str {
        match self {
            Variant::Memory { gzip: true } => "paid, memory",
            Variant::Memory { gzip: false } => "paid, memory, plain",
            Variant::Spool => "paid, spool",
            Variant::OpenTelemetry { gzip: true } => "OpenTelemetry, gzip",
            Variant::OpenTelemetry { gzip: false } => "OpenTelemetry, plain",
            Variant::Bare { gzip: true } => "bare loop, gzip",
            Variant::Bare { gzip: false } => "bare loop, plain",
        }
    }
}

/// What is emitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Workload {
    /// Scopes with 100 signals each, without data.
    Signals,
    /// Scopes with one signal each, with a small JSON object.
    Scopes,
}

impl Workload {
    pub const ALL: [Workload; 2] = [Workload::Signals, Workload::Scopes];

    pub fn name(self) -> &'static str {
        match self {
            Workload::Signals => "100 signals per scope",
            Workload::Scopes => "1 signal with data per scope",
        }
    }

    pub fn signals(self) -> u64 {
        match self {
            Workload::Signals => 100,
            Workload::Scopes => 1,
        }
    }

    /// Of a scope, its own included.
    pub fn spans(self) -> u64 {
        self.signals() + 1
    }

    pub fn has_data(self) -> bool {
        self == Workload::Scopes
    }
}

/// What became of the spans, as the emitting side knows it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fate {
    pub acknowledged: u64,
    pub lost: u64,
}

/// Something that spans are emitted with. Threads share it.
pub trait Emitter: Sync {
    /// Runs the work in a scope, which is a span of its own.
    fn scope(&self, work: impl FnOnce());

    /// A signal in the scope here; false if it was refused and can be tried again.
    fn signal(&self, data: bool) -> bool;

    /// Waits until a scope with so many spans is likely to find room. `used` is the thread's own, for what it wants.
    fn make_room(&self, spans: u64, used: &mut u64);

    /// The end of one thread's part.
    fn leave(&self) -> Result<()>;

    /// Waits until everything is delivered.
    fn flush(&self) -> Result<()>;

    /// Seconds that it takes until everything is on disk, where there is one. To be asked before `flush`.
    fn written(&self) -> Result<Option<f64>> {
        Ok(None)
    }

    /// `emitted` is what was emitted so far; `flushed`, that nothing waits.
    fn fate(&self, emitted: u64, flushed: bool) -> Fate;
}

/// One scope of a workload; how often it was refused.
pub fn emit(emitter: &impl Emitter, workload: Workload, insist: bool) -> u64 {
    let mut refused = 0;
    emitter.scope(|| {
        for _ in 0..workload.signals() {
            while !emitter.signal(workload.has_data()) {
                refused += 1;
                if !insist {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_micros(200));
            }
        }
    });
    refused
}
