//! Rounds of jobs in turns, and tables of their medians.

use std::fmt::Write;

use crate::child::quantile;
use crate::job::{Job, Measure, Outcome};
use crate::sink::Sink;
use crate::variant::{Result, Variant, Workload};

/// How much is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Length {
    Full,
    Quick,
    Smoke,
}

/// Everything that a run needs.
pub struct Stage {
    pub variants: Vec<Variant>,
    pub length: Length,
    pub sink: Sink,
    pub down: String,
    pub hung: String,
}

const MEMORY: Variant = Variant::Memory { gzip: true };
const OTEL: Variant = Variant::OpenTelemetry { gzip: true };
const BARE: Variant = Variant::Bare { gzip: true };
/// Those that have a queue, with compressed requests.
pub const QUEUED: [Variant; 3] = [MEMORY, Variant::Spool, OTEL];
const PACE: f64 = 50_000.0;

/// Rounds of one job: what came of it, and the bytes that the sink took.
#[derive(Default)]
struct Rounds(Vec<(Outcome, f64)>);

impl Rounds {
    fn median(&self, of: impl Fn(&Outcome, f64) -> f64) -> f64 {
        quantile(&mut self.0.iter().map(|(outcome, bytes)| of(outcome, *bytes)).collect::<Vec<_>>(), 0.5)
    }

    fn lost(&self) -> f64 {
        let (spans, lost) =
            self.0.iter().fold((0, 0), |sum, (outcome, _)| (sum.0 + outcome.spans, sum.1 + outcome.lost));
        lost as f64 * 100.0 / spans as f64
    }

    /// The median of the ratios of each round.
    fn over(&self, other: &Rounds, value: impl Fn(&Outcome) -> f64) -> f64 {
        let ratios = self.0.iter().zip(&other.0).map(|((ours, _), (theirs, _))| value(ours) / value(theirs));
        quantile(&mut ratios.collect::<Vec<_>>(), 0.5)
    }
}

impl Stage {
    fn pick(&self, full: u64, quick: u64, smoke: u64) -> u64 {
        match self.length {
            Length::Full => full,
            Length::Quick => quick,
            Length::Smoke => smoke,
        }
    }

    fn job(&self, measure: Measure, variant: Variant, workload: Workload, spans: u64) -> Job {
        Job {
            measure,
            variant,
            workload,
            endpoint: self.sink.endpoint.clone(),
            live: true,
            threads: 1,
            scopes: spans / workload.spans(),
            pace: None,
        }
    }

    /// There and back, so that what disturbs the machine meets all of them.
    fn rounds(&self, jobs: &[Job], rounds: u64) -> Result<Vec<Rounds>> {
        let mut results: Vec<Rounds> = jobs.iter().map(|_| Rounds::default()).collect();
        for round in 0..rounds {
            let mut turns: Vec<_> = jobs.iter().zip(&mut results).collect();
            if round % 2 == 1 {
                turns.reverse();
            }
            for (job, results) in turns {
                self.sink.taken();
                let outcome = job.run()?;
                results.0.push((outcome, self.sink.taken().bytes as f64));
            }
        }
        Ok(results)
    }

    /// Whether the sink has each span once, by its id. This round is not timed.
    pub fn verify(&self) -> Result<String> {
        let mut table =
            String::from("| delivered | emitted | different spans in the sink |\n|---|---:|---:|\n");
        self.sink.read_bodies(true);
        for workload in Workload::ALL {
            for variant in &self.variants {
                let spans = self.pick(100_000, 20_000, 2_000);
                let job = Job { threads: 2, ..self.job(Measure::Throughput, *variant, workload, spans / 2) };
                self.sink.taken();
                let outcome = job.run()?;
                // The round's warm-up is one more scope.
                let (emitted, unique) = (outcome.spans + workload.spans(), self.sink.taken().unique);
                let note = if unique == emitted { "" } else { ", **not equal**" };
                let (name, what) = (variant.name(), workload.name());
                writeln!(table, "| {name}: {what} | {emitted} | {unique}{note} |")?;
            }
        }
        self.sink.read_bodies(false);
        Ok(table)
    }

    /// Spans per second, CPU and bytes.
    pub fn throughput(&self) -> Result<String> {
        let mut tables = String::new();
        for workload in Workload::ALL {
            self.throughput_of(workload, &mut tables)?;
        }
        writeln!(tables, "Targets: ≥ 1,000,000 spans/s with the spool; ≤ 0.80 µs; ≤ 35 bytes.\n")?;
        Ok(tables)
    }

    fn throughput_of(&self, workload: Workload, tables: &mut String) -> Result<()> {
        let spans = self.pick(400_000, 50_000, 2_000);
        let job = |variant: &Variant| {
            [1, 2].map(|threads| Job {
                threads,
                ..self.job(Measure::Throughput, *variant, workload, spans / threads)
            })
        };
        let jobs: Vec<Job> = self.variants.iter().flat_map(job).collect();
        let results = self.rounds(&jobs, self.pick(7, 1, 1))?;
        let named: Vec<_> = self.variants.iter().zip(results.chunks(2)).collect();
        let of = |wanted: Variant| {
            let found = named.iter().find(|(variant, _)| **variant == wanted);
            found.map(|(_, pair)| *pair).unwrap_or_default()
        };
        writeln!(
            tables,
            "| {}, 1 / 2 emitting threads | spans/s | × OpenTelemetry | × bare | CPU per span, µs | × OpenTelemetry | \
             × bare | bytes per span | lost, % |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|",
            workload.name()
        )?;
        let mut on_disk = String::new();
        for (variant, pair) in &named {
            let values = |of: &dyn Fn(&Rounds) -> f64| pair.iter().map(of).collect::<Vec<_>>();
            let over = |other: Variant, value: fn(&Outcome) -> f64| {
                let ratios = pair.iter().zip(of(other)).map(|(ours, theirs)| ours.over(theirs, value));
                slashed(&ratios.collect::<Vec<_>>(), 2)
            };
            let bytes = |rounds: &Rounds| {
                rounds.median(|outcome, bytes| bytes / (outcome.acknowledged + workload.spans()) as f64)
            };
            writeln!(
                tables,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                variant.name(),
                slashed(&values(&|rounds| rounds.median(|outcome, _| outcome.rate())), 0),
                over(OTEL, Outcome::rate),
                over(BARE, Outcome::rate),
                slashed(&values(&|rounds| rounds.median(|outcome, _| outcome.cpu_micros())), 2),
                over(OTEL, Outcome::cpu_micros),
                over(BARE, Outcome::cpu_micros),
                slashed(&values(&bytes), 1),
                slashed(&values(&Rounds::lost), 1),
            )?;
            if **variant == Variant::Spool {
                let rate = |outcome: &Outcome, _| outcome.spans as f64 / outcome.to_disk.unwrap_or(f64::NAN);
                let rates = slashed(&values(&|rounds| rounds.median(rate)), 0);
                write!(on_disk, "Until they were on disk: {rates} spans/s.\n\n")?;
            }
        }
        write!(tables, "\n{on_disk}")?;
        Ok(())
    }

    /// What the caller waits for.
    pub fn latency(&self) -> Result<String> {
        let mut table = String::from(
            "| caller's thread | p50 | p99 | p99.9 | p50 × OpenTelemetry | lost |\n|---|---:|---:|---:|---:|---:|\n",
        );
        let up = self.sink.endpoint.as_str();
        let situations = [
            (Workload::Signals, "up", up, Some(PACE)),
            (Workload::Signals, "down", self.down.as_str(), Some(PACE)),
            (Workload::Signals, "hung", self.hung.as_str(), Some(PACE)),
            (Workload::Signals, "up", up, None),
            (Workload::Scopes, "up", up, Some(PACE)),
            (Workload::Scopes, "up", up, None),
        ];
        let variants: Vec<Variant> =
            self.variants.iter().copied().filter(|variant| QUEUED.contains(variant)).collect();
        let mut clock = f64::NAN;
        for (workload, state, endpoint, pace) in situations {
            let spans = self.pick(30_000, 10_000, 1_000);
            let job = |variant: &Variant| Job {
                endpoint: endpoint.to_string(),
                live: state == "up",
                pace,
                ..self.job(Measure::Latency, *variant, workload, spans)
            };
            let jobs: Vec<Job> = variants.iter().map(job).collect();
            let results = self.rounds(&jobs, self.pick(9, 1, 1))?;
            for (variant, rounds) in variants.iter().zip(&results) {
                let [p50, p99, p999] = [0, 1, 2]
                    .map(|at| rounds.median(|outcome, _| outcome.nanos.get(at).copied().unwrap_or(f64::NAN)));
                clock = rounds.median(|outcome, _| outcome.clock);
                let what = match workload {
                    Workload::Signals => "a signal",
                    Workload::Scopes => "a scope with a signal with data",
                };
                let pace = if pace.is_some() { "50,000 spans/s" } else { "unpaced" };
                writeln!(
                    table,
                    "| {}: {what}, collector {state}, {pace} | {p50:.0} ns | {p99:.0} ns | {p999:.0} ns | {:.2} | {:.1} % |",
                    variant.name(),
                    results.last().map_or(f64::NAN, |otel| rounds.over(otel, |outcome| outcome.nanos[0])),
                    rounds.lost(),
                )?;
            }
        }
        writeln!(
            table,
            "\nTargets for a signal: ≤ 250 ns, ≤ 1,000 ns, ≤ 5,000 ns. The clock's own {clock:.0} ns are in all of them."
        )?;
        Ok(table)
    }

    /// What it adds to the memory of the host.
    pub fn memory(&self) -> Result<String> {
        let scopes = self.pick(10_000, 1_000, 10);
        let spans = scopes * Workload::Signals.spans();
        let emitted = scopes * Workload::Signals.signals();
        let mut table = format!(
            "| most memory | started, idle | {emitted} signals, collector up | {emitted} signals, collector down |
\
             |---|---:|---:|---:|
",
        );
        for variant in self.variants.iter().filter(|variant| !matches!(variant, Variant::Bare { .. })) {
            let job = |spans, endpoint: &str, live| Job {
                endpoint: endpoint.to_string(),
                live,
                ..self.job(Measure::Memory, *variant, Workload::Signals, spans)
            };
            let jobs = [
                job(0, &self.sink.endpoint, true),
                job(spans, &self.sink.endpoint, true),
                job(spans, &self.down, false),
            ];
            let results = self.rounds(&jobs, self.pick(3, 1, 1))?;
            let mib = |rounds: &Rounds| {
                rounds.median(|outcome, _| (outcome.memory[1] - outcome.memory[0]) / 1024.0 / 1024.0)
            };
            let [idle, up, down] = results.as_slice() else { continue };
            let (idle, up, down) = (mib(idle), mib(up), mib(down));
            writeln!(
                table,
                "| {} | {idle:.1} MiB | {up:.1} MiB, {:+.1} | {down:.1} MiB, {:+.1} |",
                variant.name(),
                up - idle,
                down - idle,
            )?;
        }
        writeln!(
            table,
            "\nAll above the same process before anything was started, and then above idle. Target: ≤ 8 MiB."
        )?;
        Ok(table)
    }

    /// For programs.
    pub fn tsv(&self) -> Result<()> {
        let spans = self.pick(400_000, 50_000, 2_000);
        let job = self.job(Measure::Throughput, MEMORY, Workload::Scopes, spans);
        for rounds in self.rounds(&[job], self.pick(7, 1, 1))? {
            let bytes = rounds.median(|outcome, bytes| bytes / outcome.acknowledged as f64);
            let rate = rounds.median(|outcome, _| outcome.rate());
            let cpu = rounds.median(|outcome, _| outcome.cpu_micros());
            println!("{rate:.0}\t{cpu:.3}\t{bytes:.1}");
        }
        Ok(())
    }
}

fn slashed(values: &[f64], digits: usize) -> String {
    values.iter().map(|value| format!("{value:.digits$}")).collect::<Vec<_>>().join(" / ")
}
