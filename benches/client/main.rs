//! What the SDK costs beside bare reqwest: both do the same calls on loopback, in turns, in one run.

mod allocations;
mod cases;
mod measure;
mod server;

use std::error::Error;

use measure::{Comparison, Length};
use server::Server;

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const HELP: &str = "\
Usage: cargo bench -p paid-benches --bench client [-- OPTION...]

  --quick        a short run, to see that it works
  --tsv          medians as tab-separated seconds per call, for programs
  --serve PORT   only serve what the benchmark talks to, until standard input ends; 0 for any port
";

fn main() -> Result<()> {
    // Only `cargo bench` says --bench; in `cargo test` it is enough to see that everything works.
    let mut length = Length::Smoke;
    let (mut quick, mut tsv) = (false, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => length = Length::Full,
            "--quick" => quick = true,
            "--tsv" => tsv = true,
            "--serve" => {
                let port = arguments.next().ok_or("--serve needs a port")?.parse()?;
                return serve(port);
            }
            "--help" | "-h" => {
                print!("{HELP}");
                return Ok(());
            }
            // Filters and options that `cargo test` passes to every target.
            _ => {}
        }
    }
    if quick {
        length = Length::Quick;
    }
    let server = Server::start(0)?;
    let comparisons = cases::all(server.base_url(), length)?;
    if tsv {
        comparisons.iter().for_each(|comparison| println!("{}", comparison.tsv()));
        return Ok(());
    }
    println!("{}", Comparison::HEADER);
    comparisons.iter().for_each(|comparison| println!("{comparison}"));
    println!();
    println!("{}", cases::allocations(server.base_url(), length)?);
    Ok(())
}

fn serve(port: u16) -> Result<()> {
    let server = Server::start(port)?;
    println!("{}", server.base_url());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}
