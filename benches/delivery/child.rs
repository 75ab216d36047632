//! The side that emits.

use std::hint::{black_box, spin_loop};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::bare::Bare;
use crate::job::{Job, Measure, Outcome};
use crate::variant::{Emitter, Result, Variant, Workload, emit};
use crate::with_otel::WithOtel;
use crate::with_paid::WithPaid;

/// Spans before what is timed: connections, threads and caches.
const WARM_UP: u64 = 2_000;
/// What a sender needs to have started.
const START: Duration = Duration::from_millis(100);

/// Does the job and says what came of it.
pub fn run(job: &Job, spool: &Path) -> Result<Outcome> {
    let before = peak_memory();
    let mut outcome = match job.variant {
        Variant::Memory { gzip } => measure(job, &WithPaid::start(&job.endpoint, gzip, None)?),
        Variant::Spool => measure(job, &WithPaid::start(&job.endpoint, true, Some(spool))?),
        Variant::OpenTelemetry { gzip } => measure(job, &WithOtel::start(&job.endpoint, gzip, job.threads)?),
        Variant::Bare { gzip } => measure(job, &Bare::start(&job.endpoint, gzip)),
    }?;
    outcome.memory = [before, peak_memory()];
    outcome.spooled = std::fs::read_dir(spool).is_ok_and(|mut entries| entries.next().is_some());
    Ok(outcome)
}

fn measure(job: &Job, emitter: &impl Emitter) -> Result<Outcome> {
    std::thread::sleep(START);
    match job.measure {
        Measure::Latency => latency(job, emitter),
        Measure::Throughput => throughput(job, emitter),
        Measure::Memory => memory(job, emitter),
    }
}

fn latency(job: &Job, emitter: &impl Emitter) -> Result<Outcome> {
    let warm_up = WARM_UP / job.workload.spans();
    for _ in 0..warm_up {
        emit(emitter, job.workload, false);
    }
    if job.live {
        emitter.flush()?;
    }
    let calls = match job.workload {
        Workload::Signals => job.scopes * job.workload.signals(),
        Workload::Scopes => job.scopes,
    };
    let mut times = Vec::with_capacity(usize::try_from(calls)?);
    let spans_per_call = job.workload.spans() as f64 * job.scopes as f64 / calls as f64;
    let gap = Duration::from_secs_f64(job.pace.map_or(0.0, |pace| spans_per_call / pace));
    let mut next = Instant::now();
    let mut timed = |call: &dyn Fn()| {
        let start = loop {
            let now = Instant::now();
            if now >= next {
                break now;
            }
            spin_loop();
        };
        call();
        times.push(start.elapsed());
        // One that took long is not made up for by a burst.
        next = next.max(start) + gap;
    };
    let mut used = 0;
    for _ in 0..job.scopes {
        if job.live && job.pace.is_none() {
            emitter.make_room(job.workload.spans(), &mut used);
        }
        match job.workload {
            Workload::Signals => emitter.scope(|| {
                for _ in 0..job.workload.signals() {
                    timed(&|| _ = black_box(emitter.signal(false)));
                }
            }),
            Workload::Scopes => timed(&|| _ = black_box(emit(emitter, Workload::Scopes, false))),
        }
    }
    if job.live {
        emitter.flush()?;
    }
    let mut nanos: Vec<f64> = times.iter().map(|time| time.as_nanos() as f64).collect();
    let spans = (warm_up + job.scopes) * job.workload.spans();
    let fate = emitter.fate(spans, job.live);
    Ok(Outcome {
        nanos: [0.5, 0.99, 0.999].map(|part| quantile(&mut nanos, part)),
        clock: clock(),
        spans,
        acknowledged: fate.acknowledged,
        lost: fate.lost,
        ..Outcome::default()
    })
}

fn throughput(job: &Job, emitter: &impl Emitter) -> Result<Outcome> {
    emit(emitter, job.workload, true);
    emitter.leave()?;
    emitter.flush()?;
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let refused = emit_all(job, emitter)?;
    let to_disk = emitter.written()?.map(|_| start.elapsed().as_secs_f64());
    emitter.flush()?;
    let seconds = start.elapsed().as_secs_f64();
    let cpu = cpu_seconds() - cpu;
    let spans = job.scopes * job.threads * job.workload.spans();
    let first = job.workload.spans();
    let fate = emitter.fate(first + spans, true);
    Ok(Outcome {
        seconds,
        cpu,
        to_disk,
        refused,
        spans,
        acknowledged: fate.acknowledged - first,
        // What was refused and tried again is not lost, though it counts as dropped.
        lost: fate.lost.saturating_sub(refused),
        ..Outcome::default()
    })
}

/// So many scopes on each thread, within what the other side keeps up with; how often it was told that it does not.
fn emit_all(job: &Job, emitter: &impl Emitter) -> Result<u64> {
    let one = || {
        let (mut refused, mut used) = (0, 0);
        for _ in 0..job.scopes {
            emitter.make_room(job.workload.spans(), &mut used);
            refused += emit(emitter, job.workload, true);
        }
        // A thread's error says no more than its text.
        emitter.leave().map_err(|error| error.to_string())?;
        Ok::<_, String>(refused)
    };
    let results: Vec<_> = std::thread::scope(|threads| {
        let running: Vec<_> = (1..job.threads).map(|_| threads.spawn(one)).collect();
        let here = one();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("an emitter panicked".into())))
            .chain([here])
            .collect()
    });
    let mut refused = 0;
    for result in results {
        refused += result?;
    }
    Ok(refused)
}

fn memory(job: &Job, emitter: &impl Emitter) -> Result<Outcome> {
    if job.live {
        emit_all(job, emitter)?;
        emitter.flush()?;
    } else {
        for _ in 0..job.scopes {
            emit(emitter, job.workload, false);
        }
        // What was taken is on its way to where it waits.
        std::thread::sleep(START);
    }
    Ok(Outcome::default())
}

fn clock() -> f64 {
    let mut nanos: Vec<f64> = (0..100_000).map(|_| Instant::now().elapsed().as_nanos() as f64).collect();
    quantile(&mut nanos, 0.5)
}

pub fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len().saturating_sub(1) as f64 * part).round() as usize;
    values.get(at).copied().unwrap_or(f64::NAN)
}

/// Of the whole process; NaN where there is no such clock.
fn cpu_seconds() -> f64 {
    #[cfg(unix)]
    let used = nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID)
        .map_or(f64::NAN, |used| Duration::from(used).as_secs_f64());
    #[cfg(not(unix))]
    let used = f64::NAN;
    used
}

/// In bytes, as Linux says it; NaN elsewhere.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib * 1024.0)
}
