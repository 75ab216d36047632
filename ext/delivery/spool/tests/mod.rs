//! Tests of the spool: on the real disk, and on one that fails in every way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod corrupt;
mod crash;
mod model;
mod real;
mod sim;

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

/// A record that tells its number, of a size that depends on it.
fn record(number: u64) -> Vec<u8> {
    let mut span = number.to_le_bytes().to_vec();
    span.extend((0..number % 40).map(|at| (number * 7 + at) as u8));
    [&[0x12, span.len() as u8][..], &span].concat()
}

fn records(numbers: Range<u64>) -> Vec<u8> {
    numbers.flat_map(record).collect()
}

/// Which records these are; panics if they are not byte for byte what was recorded.
fn numbers(mut bytes: &[u8]) -> Vec<u64> {
    let mut numbers = Vec::new();
    while !bytes.is_empty() {
        let (first, rest) = crate::ext::delivery::records::split_first(bytes).expect("whole records");
        let number = u64::from_le_bytes(first[2..10].try_into().unwrap());
        assert_eq!(first, record(number));
        numbers.push(number);
        bytes = rest;
    }
    numbers
}

fn settings(dir: &Path) -> SpoolSettings {
    SpoolSettings { dir: dir.to_owned(), max_bytes: 256 << 20, max_age: 7 * DAY }
}

/// A folder of the test's own, removed at its end.
struct Temp(PathBuf);

impl Temp {
    fn new() -> Temp {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("paid-spool-test-{}-{count}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        Temp(path)
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Everything that can be read now.
fn drain(spool: &Spool) -> (Vec<Stored>, Vec<Lost>) {
    let (mut stored, mut lost) = (Vec::new(), Vec::new());
    while let Some(next) = spool.next(512, 1 << 20) {
        match next {
            Next::Batch(batch) => stored.push(batch),
            Next::Lost(some) => lost.push(some),
        }
        assert!(stored.len() + lost.len() < 100_000, "no end");
    }
    (stored, lost)
}

fn all_numbers(stored: &[Stored]) -> Vec<u64> {
    stored.iter().flat_map(|stored| numbers(&stored.records)).collect()
}
