//! Damage: what it costs at most, and that it never costs more time than reading.

use std::time::Instant;

use super::super::block::{scan, write_note, write_spans};
use super::sim::Sim;
use super::*;

const SEED: u32 = 0xfeed_beef;

/// Where a block is, and what is in it.
type Piece = (Range<usize>, Range<u64>);

/// A segment as ten writes of 60 records make it, and where its blocks are.
fn segment(seed: u32) -> (Vec<u8>, Vec<Piece>) {
    let (mut bytes, mut blocks) = (Vec::new(), Vec::new());
    for write in 0..10 {
        for part in [0..32, 32..60] {
            let numbers = write * 60 + part.start..write * 60 + part.end;
            let start = bytes.len();
            let count = numbers.end - numbers.start;
            let written = write_spans(&mut bytes, seed, numbers.start as u32, 1, &records(numbers.clone()));
            assert_eq!(written, Some(count as u32));
            blocks.push((start..bytes.len(), numbers));
        }
    }
    (bytes, blocks)
}

fn damage(rng: &mut fastrand::Rng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.usize(1..4) {
        let at = rng.usize(0..=bytes.len());
        let end = (at + [1, 4, 40, 512, 4096][rng.usize(0..5)]).min(bytes.len());
        match rng.u32(0..7) {
            0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << rng.u8(0..8)),
            1 => bytes[at..end].fill(0),
            2 => bytes[at..end].fill_with(|| rng.u8(..)),
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..end)),
            5 => {
                let piece = bytes[at..end].to_vec();
                let to = rng.usize(0..=bytes.len());
                drop(bytes.splice(to..to, piece));
            }
            _ => bytes.extend(std::iter::repeat_n([0, 0, 0xb7, 7][rng.usize(0..4)], 5000)),
        }
    }
}

/// What of the blocks is in the bytes as it was.
fn intact(bytes: &[u8], original: &[u8], blocks: &[Piece]) -> Vec<u64> {
    let is_there = |block: &[u8]| bytes.windows(block.len()).any(|window| window == block);
    let whole = blocks.iter().filter(|(at, _)| is_there(&original[at.clone()]));
    whole.flat_map(|(_, numbers)| numbers.clone()).collect()
}

#[test]
fn damage_costs_only_the_blocks_that_it_touches() {
    let (original, blocks) = segment(SEED);
    for seed in 0..400 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut bytes = original.clone();
        damage(&mut rng, &mut bytes);
        let found = scan(&bytes, SEED);
        let payloads = found.blocks.iter().flat_map(|block| numbers(&bytes[block.payload.clone()]));
        assert_eq!(payloads.collect::<Vec<_>>(), intact(&bytes, &original, &blocks), "{seed}");
        assert!(found.blocks.iter().all(|block| block.end() <= found.end && found.end <= 600));
        assert!(scan(&bytes, SEED + 1).blocks.is_empty(), "another segment's");
    }
}

#[test]
fn what_is_left_after_damage_is_sent_and_the_rest_is_reported() {
    for seed in 0..60 {
        let sim = Sim::new(seed);
        let mut rng = fastrand::Rng::with_seed(seed);
        let open = || Spool::open_on(sim.process().1, settings(Path::new("/spool")), "key").unwrap();
        let spool = open();
        for write in 0..10 {
            spool.append(write * 60, &records(write * 60..write * 60 + 60)).unwrap();
        }
        let (name, original) = sim.spans_files().remove(0);
        let mut bytes = original.clone();
        damage(&mut rng, &mut bytes);
        sim.tamper(&name, bytes.clone());
        let blocks: Vec<_> = scan(&original, names::SegmentName::parse_spans(&name).unwrap().seed)
            .blocks
            .iter()
            .map(|block| {
                (block.payload.start - 32..block.payload.end, u64::from(block.first)..u64::from(block.end()))
            })
            .collect();
        let expected = intact(&bytes, &original, &blocks);

        // Who wrote them knows which are missing. It reads no further than it wrote.
        if bytes.len() == original.len() {
            let (stored, lost) = drain(&spool);
            let mut all = all_numbers(&stored);
            assert_eq!(all, expected, "{seed}");
            all.extend(lost.into_iter().flat_map(|lost| lost.seq.unwrap()));
            all.sort();
            assert_eq!(all, (0..600).collect::<Vec<_>>());
            assert_eq!(spool.unread(), 0);
        }
    }
}

#[test]
fn an_heir_sends_what_is_left_after_damage() {
    for seed in 0..60 {
        let sim = Sim::new(seed);
        let mut rng = fastrand::Rng::with_seed(seed);
        let open = || Spool::open_on(sim.process().1, settings(Path::new("/spool")), "key").unwrap();
        let spool = open();
        for write in 0..10 {
            spool.append(write * 60, &records(write * 60..write * 60 + 60)).unwrap();
        }
        drop(spool);
        let (name, original) = sim.spans_files().remove(0);
        let mut bytes = original.clone();
        damage(&mut rng, &mut bytes);
        sim.tamper(&name, bytes.clone());
        let heir = open();
        heir.tidy();
        let (stored, lost) = drain(&heir);
        let all = all_numbers(&stored);
        assert!(all.is_sorted_by(|a, b| a < b));
        let lost: u64 = lost.iter().map(|lost| lost.spans).sum();
        assert!(all.len() as u64 + lost <= 600, "{seed}");
        let set_aside = heir.tidy().len();
        assert!(!all.is_empty() || set_aside == 1 || bytes.iter().all(|byte| *byte == 0));
        stored.iter().for_each(|stored| heir.settle(&stored.place));
        heir.persist().unwrap();
        assert!(sim.spans_files().is_empty());
    }
}

#[test]
fn any_bytes_are_read_in_time() {
    for seed in 0..200 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut bytes, blocks) = (Vec::new(), segment(SEED).0);
        for _ in 0..rng.usize(0..30) {
            let at = rng.usize(0..blocks.len() - 100);
            match rng.u8(0..4) {
                0 => bytes.extend([0xb7, b'P', b'd', 0x1b]),
                1 => {
                    let noise = rng.usize(0..99);
                    bytes.extend(std::iter::repeat_with(|| rng.u8(..)).take(noise));
                }
                2 => bytes.extend(&blocks[at..at + rng.usize(0..100)]),
                _ => drop(write_note(&mut bytes, SEED, rng.u32(..), 1, b"note")),
            }
        }
        for block in scan(&bytes, SEED).blocks.iter().filter(|block| !block.is_note) {
            assert_eq!(numbers(&bytes[block.payload.clone()]).len() as u32, block.count);
        }
    }
    let start = Instant::now();
    for pattern in [&[0xb7, b'P', b'd', 0x1b][..], &[0xb7], &[0], b"text", &segment(SEED).0[..32]] {
        let bytes: Vec<u8> = pattern.iter().copied().cycle().take(4 << 20).collect();
        assert!(scan(&bytes, SEED).blocks.is_empty());
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
