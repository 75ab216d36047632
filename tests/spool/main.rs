//! Durable delivery from outside: processes that are killed, forked, starved and restarted, and what a collector gets.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod books;
mod clock;
mod corruption;
mod ends;
mod files;
mod forks;
mod full;
mod kills;
mod outage;
mod process;
mod sharing;
mod sink;
mod unusable;
mod wire;
mod world;

/// How often something is repeated: `SPOOL_ROUNDS`, or a few times.
fn rounds(few: u64) -> u64 {
    std::env::var("SPOOL_ROUNDS").map_or(few, |rounds| rounds.parse().expect("SPOOL_ROUNDS is a number"))
}
