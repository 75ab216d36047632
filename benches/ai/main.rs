//! What counting AI calls costs: each adapter beside the same client without it, in turns, in one run.
//!
//! Time is measured against a provider that answers at a pace, though a faster one than any real one; what the caller's
//! thread computes, against one that answers at once. Words select rows by their names.

#[path = "../client/allocations.rs"]
mod allocations;
mod cases;
#[allow(dead_code, reason = "benches/client has it too, and uses more of it")]
#[path = "../client/measure.rs"]
mod measure;
mod replay;
#[allow(dead_code, reason = "benches/delivery has it too, and uses more of it")]
#[path = "../tracing/sink.rs"]
mod sink;

use std::error::Error;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use cases::{Case, Load};
use measure::{Comparison, Length, Target, Unit, interleave};
use paid::AsyncPaid;
use paid::tracing::TracingOptions;
use paid_sandbox::{Sandbox, Script};
use replay::{Pace, Replay};
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const WORDS: usize = 2000;
const KINDS: [(&str, Load); 2] =
    [("chat", Load { words: 40, stream: false }), ("stream", Load { words: WORDS, stream: true })];
const CALL: Unit = Unit { name: "calls", per_call: 1.0 };
const PACE: Pace = Pace { first: Duration::from_millis(20), chunk: Duration::from_micros(50) };

/// What all cases are run with.
struct Bench {
    runtime: Runtime,
    client: AsyncPaid,
    sandbox: Sandbox,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = |name: &str| arguments.iter().any(|argument| argument == name);
    let length = match (given("--quick"), given("--bench")) {
        (true, _) => Length::Quick,
        (false, true) => Length::Full,
        // Without --bench it is `cargo test`, which only wants to see that it works.
        (false, false) => Length::Smoke,
    };
    if std::env::var_os("PAID_API_KEY").is_some() {
        return Err(
            "PAID_API_KEY is set, and calls here would be traced under it: run this without it".into()
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sink = sink::Sink::start()?;
    let client = AsyncPaid::new("bench_key")?;
    client.initialize_tracing_with(TracingOptions::new().collector_endpoint(&sink.endpoint))?;
    let sandbox = Sandbox::start_blocking()?;
    let servers = [Replay::start(&sandbox, Some(PACE))?, Replay::start(&sandbox, None)?];
    // Some clients want a runtime when they are made.
    let [paced, at_once] = servers.map(|server| runtime.block_on(async { cases::all(&server.base_url()) }));
    let (paced, at_once) = (paced?, at_once?);
    let filters: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name: &str| filters.is_empty() || filters.iter().any(|part| name.contains(part.as_str()));
    let bench = Bench { runtime, client, sandbox };
    for (clock, cases, target, rounds) in
        [(Clock::Wall, &paced, Some(1.02), 30), (Clock::Cpu, &at_once, None, 120)]
    {
        println!("\n{}\n{}", clock.title(), Comparison::HEADER);
        for (case, (kind, load)) in cases.iter().flat_map(|case| KINDS.map(|kind| (case, kind))) {
            let name = format!("{}, {kind}", case.name);
            if wanted(&name) {
                let rounds = bench.compare(case, load, clock, length.rounds(rounds))?;
                let target = Target::Time(target);
                println!("{}", Comparison { key: "", what: name.leak(), unit: CALL, target, rounds });
            }
        }
    }
    println!("\n| allocations | a call more than bare | a chunk more than bare |\n|---|---:|---:|");
    for case in at_once.iter().filter(|case| wanted(case.name)) {
        println!("{}", bench.allocations(case)?);
    }
    paid::tracing::flush(Duration::from_secs(10));
    let stats = client_stats();
    println!("\nDelivered: {} of {} spans", stats.0, stats.1);
    if stats.0 != stats.1 {
        return Err("spans are missing".into());
    }
    Ok(())
}

fn client_stats() -> (u64, u64) {
    let stats = paid::tracing::delivery().stats();
    (stats.acknowledged, stats.emitted)
}

#[derive(Clone, Copy)]
enum Clock {
    Wall,
    /// Of this thread, where the client runs, too.
    Cpu,
}

impl Clock {
    fn title(self) -> &'static str {
        match self {
            Clock::Wall => "Time of a call, at a provider's pace:",
            Clock::Cpu => "CPU time of the caller's thread, and of the client's tasks on it:",
        }
    }

    fn now(self) -> Result<Duration> {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        match self {
            Clock::Wall => Ok(START.elapsed()),
            #[cfg(unix)]
            Clock::Cpu => Ok(nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID)?.into()),
            #[cfg(not(unix))]
            Clock::Cpu => Ok(START.elapsed()),
        }
    }
}

impl Bench {
    fn compare(&self, case: &Case, load: Load, clock: Clock, rounds: usize) -> Result<Vec<(f64, f64)>> {
        self.prepare(case, load);
        let calls = match clock {
            Clock::Wall => 1,
            // As much work for a round of either kind.
            Clock::Cpu if load.stream => 4,
            Clock::Cpu => 100,
        };
        let rounds = interleave(
            rounds,
            || self.paid(case, load, clock, calls),
            || self.bare(case, load, clock, calls),
        );
        paid::tracing::flush(Duration::from_secs(10));
        rounds
    }

    /// What both sides are answered from now on.
    fn prepare(&self, case: &Case, load: Load) {
        self.sandbox.clear_provider_scripts();
        let text = vec!["word"; load.words].join(" ");
        for path in case.paths {
            self.sandbox.provider_script(Script::on(*path).text(text.as_str()).forever());
        }
    }

    fn paid(&self, case: &Case, load: Load, clock: Clock, calls: u32) -> Result<f64> {
        self.time(clock, calls, || {
            let call = (case.paid)(load);
            async { self.client.paid_tracing("customer_1").run_async(call).await }
        })
    }

    fn bare(&self, case: &Case, load: Load, clock: Clock, calls: u32) -> Result<f64> {
        self.time(clock, calls, || (case.bare)(load))
    }

    /// Seconds per call.
    fn time<F: Future<Output = Result<()>>>(
        &self,
        clock: Clock,
        calls: u32,
        call: impl Fn() -> F,
    ) -> Result<f64> {
        self.runtime.block_on(async {
            let start = clock.now()?;
            for _ in 0..calls {
                call().await?;
            }
            Ok((clock.now()? - start).as_secs_f64() / f64::from(calls))
        })
    }

    /// What a call, and a chunk of a stream, allocates more than without the adapter.
    fn allocations(&self, case: &Case) -> Result<String> {
        let times = |side: fn(&Self, &Case, Load, Clock, u32) -> Result<f64>, words: usize| {
            const CALLS: u32 = 20;
            let load = Load { words, stream: true };
            self.prepare(case, load);
            side(self, case, load, Clock::Wall, CALLS)?;
            let before = allocations::count().times;
            side(self, case, load, Clock::Wall, CALLS)?;
            Ok::<_, Box<dyn Error>>((allocations::count().times - before) as f64 / f64::from(CALLS))
        };
        let (paid, bare) = (times(Bench::paid, WORDS)?, times(Bench::bare, WORDS)?);
        let (twice, bare_twice) = (times(Bench::paid, 2 * WORDS)?, times(Bench::bare, 2 * WORDS)?);
        let chunk = ((twice - paid) - (bare_twice - bare)) / WORDS as f64;
        let call = paid - bare - chunk * WORDS as f64;
        Ok(format!("| {} | {call:.1} | {chunk:.4} |", case.name))
    }
}
