//! What holds of every answer and request holds of the fuzzer's seeds, and of mutations of them.

use std::fs;
use std::path::Path;

use crate::ext::ai::engine::properties;

/// The seeds of a target; none in a package, which comes without them.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    if !fuzz.exists() {
        return Vec::new();
    }
    let entries = fs::read_dir(fuzz.join("seeds").join(target)).unwrap().map(Result::unwrap);
    let mut seeds: Vec<_> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty());
    seeds
}

fn mutated(body: &[u8], other: &[u8], rng: &mut fastrand::Rng) -> Vec<u8> {
    let mut body = body.to_vec();
    for _ in 0..rng.usize(1..5) {
        let at = rng.usize(..body.len());
        match rng.u8(..6) {
            0 => body[at] = rng.u8(..),
            1 => body.truncate(at.max(1)),
            2 => body.insert(at, *rng.choice(b"{}[],:\"\\ \r\n\0e1").unwrap()),
            3 => {
                let to = rng.usize(at..body.len()).min(at + 50);
                body.extend_from_within(at..to);
            }
            4 => drop(body.drain(at..(at + rng.usize(1..9)).min(body.len() - 1).max(at))),
            _ => {
                let from = rng.usize(..other.len());
                let to = rng.usize(from..other.len()).min(from + 80);
                body.splice(at..at, other[from..to].iter().copied());
            }
        }
    }
    body
}

fn hold(target: &str, mutations: u64, property: fn(&[u8])) {
    let seeds = seeds(target);
    for (_, seed) in &seeds {
        property(seed);
    }
    for number in 0..if seeds.is_empty() { 0 } else { mutations } {
        let mut rng = fastrand::Rng::with_seed(number);
        let [one, other] = [rng.usize(..seeds.len()), rng.usize(..seeds.len())];
        let mutation = mutated(&seeds[one].1, &seeds[other].1, &mut rng);
        let held = std::panic::catch_unwind(|| property(&mutation));
        assert!(held.is_ok(), "{target}: mutation {number} of {}: {mutation:?}", seeds[one].0);
    }
}

#[test]
fn server_sent_events() {
    hold("sse", 3000, properties::sse);
}

#[test]
fn event_streams() {
    hold("event_stream", 3000, properties::event_stream);
}

#[test]
fn json() {
    hold("json_usage", 4000, properties::json_usage);
}

#[test]
fn requests() {
    hold("request", 4000, properties::request);
}

#[test]
fn wishes() {
    hold("ask_for_usage", 10_000, properties::ask_for_usage);
}
