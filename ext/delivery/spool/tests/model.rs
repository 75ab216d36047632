//! The spool against a model: several processes and two accounts on a disk that fails.

use super::sim::Sim;
use super::*;

pub(super) const DIR: &str = "/spool";
pub(super) const KEYS: [&str; 2] = ["one", "two"];

/// What became of a record.
#[derive(Clone, Debug, Default)]
struct Fate {
    key: usize,
    /// Whether the caller was told that it is written.
    written: bool,
    /// A loss of power must not undo it.
    synced: bool,
    /// Which process has it, to send it.
    holder: Option<usize>,
    settled: bool,
    persisted: bool,
    /// It was tried to persist it, so it may be persisted.
    tried: bool,
    /// It was not written, and whoever comes knows that.
    void: bool,
}

pub(super) struct Process {
    pub spool: Option<Spool>,
    pub number: u32,
    key: usize,
    /// The record of each of its sequence numbers.
    log: Vec<u64>,
    pub held: Vec<(Place, Vec<u64>)>,
}

pub(super) struct World {
    pub sim: Sim,
    rng: fastrand::Rng,
    pub processes: Vec<Process>,
    records: Vec<Fate>,
    /// Nothing can be said of what was not synced.
    power_was_cut: bool,
    /// Nothing can be said of losses that are told.
    pub fails: bool,
    max_bytes: u64,
}

impl World {
    pub fn new(seed: u64) -> World {
        let rng = fastrand::Rng::with_seed(seed);
        let (processes, records) = (Vec::new(), Vec::new());
        let (power_was_cut, fails) = (false, false);
        World { sim: Sim::new(seed), rng, processes, records, power_was_cut, fails, max_bytes: 512 << 10 }
    }

    pub fn start(&mut self, key: usize) {
        let (number, disk) = self.sim.process();
        let settings = SpoolSettings { max_bytes: self.max_bytes, ..settings(Path::new(DIR)) };
        let spool = Spool::open_on(disk, settings, KEYS[key]).ok();
        self.processes.push(Process { spool, number, key, log: Vec::new(), held: Vec::new() });
        self.bury_dead();
    }

    /// Ends what the disk knows to be dead.
    pub fn bury_dead(&mut self) {
        for at in 0..self.processes.len() {
            if self.processes[at].spool.is_some() && self.sim.is_dead(self.processes[at].number) {
                self.end(at);
            }
        }
    }

    pub fn end(&mut self, at: usize) {
        let process = &mut self.processes[at];
        process.spool = None;
        process.held.clear();
        for fate in self.records.iter_mut().filter(|fate| fate.holder == Some(at)) {
            fate.holder = None;
            fate.settled = fate.persisted || fate.tried;
        }
    }

    pub fn append(&mut self, at: usize, count: u64) {
        let process = &mut self.processes[at];
        let Some(spool) = &process.spool else { return };
        let first = self.records.len() as u64;
        let numbers = first..first + count;
        let seq = process.log.len() as u64;
        let mut written = spool.append(seq, &records(numbers.clone()));
        if written.is_err() && self.rng.bool() {
            written = spool.append(seq, &records(numbers.clone()));
        }
        process.log.extend(numbers);
        let fate = Fate { key: process.key, written: written.is_ok(), ..Fate::default() };
        self.records.extend(std::iter::repeat_n(fate, count as usize));
    }

    pub fn sync(&mut self, at: usize) {
        let process = &self.processes[at];
        let Some(spool) = &process.spool else { return };
        let synced = spool.sync().is_ok();
        for number in process.log.iter().filter(|_| synced) {
            let fate = &mut self.records[*number as usize];
            fate.synced = fate.written;
        }
    }

    pub fn next(&mut self, at: usize) -> bool {
        let process = &mut self.processes[at];
        let Some(spool) = &process.spool else { return false };
        let (most, bytes) = (self.rng.usize(1..80), self.rng.usize(1..4000));
        match spool.next(most, bytes) {
            None => return false,
            Some(Next::Batch(stored)) => {
                let numbers = numbers(&stored.records);
                assert!(
                    !numbers.is_empty() && numbers.len() <= most && numbers.len() == stored.spans as usize
                );
                assert!(stored.records.len() <= bytes || numbers.len() == 1);
                let owns = stored.seq.map(|seq| &process.log[seq as usize..seq as usize + numbers.len()]);
                assert!(owns.is_none_or(|owns| owns == numbers), "{owns:?}");
                for number in &numbers {
                    let fate = &mut self.records[*number as usize];
                    assert_eq!(fate.key, process.key, "another's");
                    assert_eq!(fate.holder, None, "{number} is with another");
                    assert!(!fate.persisted && !fate.void, "{number} was done with: {fate:?}");
                    assert!(fate.written || owns.is_none(), "{number} was not written");
                    // Then it was not persisted, whatever was tried.
                    (fate.holder, fate.settled, fate.tried) = (Some(at), false, false);
                }
                process.held.push((stored.place, numbers));
            }
            Some(Next::Lost(lost)) => {
                assert!(self.power_was_cut || self.fails, "{lost:?}");
                let seqs = lost.seq.clone().unwrap_or_default();
                assert!(lost.seq.is_none() || seqs.end - seqs.start == lost.spans);
                assert!(lost.seq.is_none(), "its own can be read: {lost:?}");
            }
        }
        true
    }

    /// Settles some of what a process holds; all of it, with `part` unset.
    pub fn settle(&mut self, at: usize, part: bool) {
        let process = &mut self.processes[at];
        if process.held.is_empty() {
            return;
        }
        let (place, numbers) = process.held.swap_remove(self.rng.usize(0..process.held.len()));
        let count = numbers.len() as u32;
        let first = if part { self.rng.u32(0..count) } else { 0 };
        let end = if part { self.rng.u32(first..=count) } else { count };
        let Some(spool) = &process.spool else { return };
        spool.settle(&place.part(first, end - first));
        for number in &numbers[first as usize..end as usize] {
            self.records[*number as usize].settled = true;
        }
    }

    pub fn persist(&mut self, at: usize) {
        let Some(spool) = &self.processes[at].spool else { return };
        let persisted = spool.persist().is_ok();
        for fate in self.records.iter_mut().filter(|fate| fate.holder == Some(at)) {
            fate.tried |= fate.settled;
            fate.persisted |= fate.settled && persisted;
        }
        for number in self.processes[at].log.iter().filter(|_| persisted) {
            let fate = &mut self.records[*number as usize];
            fate.void |= !fate.written;
        }
    }

    pub fn tidy(&mut self, at: usize) {
        let Some(spool) = &self.processes[at].spool else { return };
        for finding in spool.tidy() {
            let expected = self.power_was_cut || self.fails;
            assert!(expected, "{finding:?}");
        }
    }

    pub fn close(&mut self, at: usize) {
        self.persist(at);
        if let Some(spool) = &self.processes[at].spool {
            spool.close();
        }
        self.end(at);
    }

    pub fn cut_power(&mut self) {
        self.sim.cut_power();
        self.bury_dead();
        self.restart();
    }

    pub fn restart(&mut self) {
        self.sim.restart();
        self.power_was_cut = true;
        for fate in &mut self.records {
            fate.written &= fate.synced;
            fate.void = false;
            // The note of it may be gone.
            if fate.persisted || fate.tried {
                (fate.settled, fate.persisted, fate.synced) = (false, false, false);
                fate.written = false;
            }
        }
    }

    pub fn act(&mut self) {
        let at = self.rng.usize(0..self.processes.len());
        match self.rng.u32(0..100) {
            0..=29 => {
                let count = [1, 3, 40, 200][self.rng.usize(0..4)];
                self.append(at, count);
            }
            30..=41 => self.sync(at),
            42..=64 => drop(self.next(at)),
            65..=77 => self.settle(at, true),
            78..=86 => self.persist(at),
            87..=92 => self.tidy(at),
            93..=94 => self.close(at),
            95..=96 => {
                self.sim.kill(self.processes[at].number);
                self.bury_dead();
            }
            _ => {
                let key = self.rng.usize(0..2);
                self.start(key);
            }
        }
        self.bury_dead();
    }

    /// Ends everything, and sees what a new process of each account finds.
    pub fn check(mut self) -> World {
        self.sim.heal();
        for at in 0..self.processes.len() {
            self.sim.kill(self.processes[at].number);
        }
        self.bury_dead();
        for key in 0..2 {
            self.start(key);
            let at = self.processes.len() - 1;
            assert!(self.processes[at].spool.is_some());
            for _ in 0..10 {
                self.tidy(at);
                while self.next(at) {}
                while !self.processes[at].held.is_empty() {
                    self.settle(at, false);
                }
                self.persist(at);
            }
            assert_eq!(self.processes[at].spool.as_ref().unwrap().unread(), 0);
        }
        for (number, fate) in self.records.iter().enumerate() {
            let done = fate.settled || !fate.written;
            assert!(done, "{number} is missing: {fate:?}");
        }
        let last = self.processes.len();
        for at in last - 2..last {
            self.close(at);
        }
        assert!(self.sim.spans_files().is_empty(), "{:?}", self.sim.spans_files().len());
        self
    }
}

#[test]
fn whatever_happens_nothing_is_lost_or_doubled() {
    for seed in 0..120 {
        let mut world = World::new(seed);
        world.start(0);
        world.start(1);
        for _ in 0..120 {
            world.act();
        }
        world.check();
    }
}

#[test]
fn whenever_the_power_goes_what_was_synced_is_there() {
    for seed in 0..120 {
        let mut world = World::new(1000 + seed);
        world.fails = seed % 2 == 0;
        world.sim.flaky(if world.fails { 50 } else { 0 });
        for _ in 0..3 {
            world.start(0);
            world.start(1);
            for _ in 0..40 {
                world.act();
            }
            world.cut_power();
        }
        world.check();
    }
}

#[test]
fn whatever_fails_what_was_written_is_there() {
    for seed in 0..120 {
        let mut world = World::new(2000 + seed);
        world.fails = true;
        world.start(0);
        world.start(1);
        world.sim.flaky(if seed % 2 == 0 { 20 } else { 150 });
        for _ in 0..100 {
            world.act();
        }
        world.check();
    }
}

#[test]
fn what_is_too_old_is_reported_and_never_sent() {
    let mut world = World::new(1);
    world.start(0);
    world.start(1);
    world.append(0, 100);
    world.append(1, 50);
    world.sim.pass(6 * 86_400);
    world.append(0, 10);
    world.sim.pass(2 * 86_400);
    let own = world.processes[0].spool.as_ref().unwrap();
    let (stored, lost) = drain(own);
    assert_eq!(all_numbers(&stored), (150..160).collect::<Vec<_>>());
    let [Lost { spans: 100, seq: Some(seq), cause: LostCause::Expired, .. }] = &lost[..] else {
        panic!("{lost:?}")
    };
    assert_eq!((seq.clone(), own.unread()), (0..100, 0));
    assert!(own.tidy().is_empty(), "the other lives");
    world.processes[1].spool = None;
    let found = world.processes[0].spool.as_ref().unwrap().tidy();
    let [Finding::Lost(Lost { spans: 50, seq: None, cause: LostCause::Expired, .. })] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(world.sim.spans_files().len(), 1);
}
