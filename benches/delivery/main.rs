//! What delivery costs, from the call to the collector's answer, beside OpenTelemetry's SDK and a bare loop.
//!
//! All variants take turns in one run, each in a process of its own, with one sink on loopback in this one. `--serve`
//! only starts the sink, until standard input ends, and then prints what it took; `--tsv` prints spans per second and
//! microseconds of CPU per span of paid, for programs.

mod bare;
mod child;
mod job;
mod report;
#[path = "../tracing/sink.rs"]
mod sink;
mod variant;
mod with_otel;
mod with_paid;

use std::path::Path;

use job::{Job, Measure};
use report::{Length, Stage};
use sink::Sink;
use variant::{Result, Variant, Workload};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [option, job, spool] = arguments.as_slice()
        && option == job::OPTION
    {
        let outcome = child::run(&serde_json::from_str(job)?, Path::new(spool))?;
        println!("{}", serde_json::to_string(&outcome)?);
        // Until the parent has read that and ends this.
        std::thread::sleep(std::time::Duration::from_secs(60));
        return Ok(());
    }
    let given = |name: &str| arguments.iter().any(|argument| argument == name);
    let sink = Sink::start()?;
    if given("--serve") {
        println!("{}", sink.endpoint);
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
        let taken = sink.taken();
        println!("{}\t{}", taken.requests, taken.bytes);
        return Ok(());
    }
    // Only `cargo bench` says --bench; in `cargo test` it is enough to see that everything works.
    let length = match (given("--quick"), given("--bench")) {
        (true, _) => Length::Quick,
        (false, true) => Length::Full,
        (false, false) => Length::Smoke,
    };
    for name in ["PAID_API_KEY", "PAID_SPOOL_DIR", "PAID_ENABLED"] {
        if std::env::var_os(name).is_some() {
            return Err(
                format!("{name} is set, and would change what is measured: run this without it").into()
            );
        }
    }
    let tsv = given("--tsv");
    let mut variants = if tsv { Vec::new() } else { variants(&sink)? };
    if length == Length::Smoke {
        variants.retain(|variant| report::QUEUED.contains(variant));
    }
    let stage = Stage { variants, length, sink, down: sink::down()?, hung: sink::hung()? };
    if tsv {
        return stage.tsv();
    }
    println!("{}", stage.verify()?);
    print!("{}", stage.throughput()?);
    println!("{}", stage.latency()?);
    println!("{}", stage.memory()?);
    Ok(())
}

/// All of them; without the spool where nothing comes to be on disk, as on a platform that has none.
fn variants(sink: &Sink) -> Result<Vec<Variant>> {
    let probe = Job {
        measure: Measure::Throughput,
        variant: Variant::Spool,
        workload: Workload::Signals,
        endpoint: sink.endpoint.clone(),
        live: true,
        threads: 1,
        scopes: 1,
        pace: None,
    };
    let spools = probe.run()?.spooled;
    if !spools {
        println!("Nothing comes to be in the spool directory: no rows with it.\n");
    }
    Ok(Variant::ALL.into_iter().filter(|variant| spools || *variant != Variant::Spool).collect())
}
