//! A disk in memory that can lose power, lose its user, fill up and fail, at any step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use super::*;

mod disk;

use disk::SimDisk;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The power goes: what was not synced may be there or not, in part or not at all.
    Power,
    /// The process goes: the disk knows everything it wrote.
    Kill,
    Full,
    Fails,
    /// Writes only some, then fails.
    Short,
}

#[derive(Default)]
struct State {
    files: BTreeMap<u64, Bytes>,
    folders: BTreeMap<u64, Names>,
    /// Changes of names that were not synced.
    renames: Vec<Vec<(u64, String, Option<u64>)>>,
    /// File to handle.
    locks: BTreeMap<u64, u64>,
    counter: u64,
    dead: BTreeSet<u32>,
    steps: u64,
    faults: Vec<(u64, Fault)>,
    /// So many steps in a thousand fail.
    flaky: u32,
    now: u64,
    rng: fastrand::Rng,
    power: bool,
}

#[derive(Clone, Default)]
struct Names {
    cached: BTreeMap<String, u64>,
    durable: BTreeMap<String, u64>,
}

#[derive(Clone, Default)]
struct Bytes {
    cached: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
    modified: u64,
}

#[derive(Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

#[derive(Clone)]
pub(super) struct Sim(Arc<Mutex<State>>);

const ROOT: u64 = 0;

fn error(kind: io::ErrorKind) -> io::Error {
    kind.into()
}

impl Sim {
    pub fn new(seed: u64) -> Sim {
        let folders = BTreeMap::from([(ROOT, Names::default())]);
        let rng = fastrand::Rng::with_seed(seed);
        Sim(Arc::new(Mutex::new(State { folders, rng, now: 1_700_000_000, power: true, ..State::default() })))
    }

    pub fn process(&self) -> (u32, Arc<SimDisk>) {
        let process = self.state().next() as u32;
        (process, Arc::new(SimDisk::new(self.clone(), process)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn fault_at(&self, step: u64, fault: Fault) {
        self.state().faults.push((step, fault));
    }

    pub fn flaky(&self, per_thousand: u32) {
        self.state().flaky = per_thousand;
    }

    pub fn heal(&self) {
        let mut state = self.state();
        state.faults.clear();
        state.flaky = 0;
    }

    pub fn steps(&self) -> u64 {
        self.state().steps
    }

    pub fn pass(&self, seconds: u64) {
        self.state().now += seconds;
    }

    pub fn kill(&self, process: u32) {
        self.state().dead.insert(process);
    }

    pub fn is_dead(&self, process: u32) -> bool {
        let state = self.state();
        !state.power || state.dead.contains(&process)
    }

    pub fn cut_power(&self) {
        self.state().power = false;
    }

    /// After the power was cut: what the disk really holds.
    pub fn restart(&self) {
        let mut state = self.state();
        let state = &mut *state;
        state.faults.clear();
        state.locks.clear();
        state.power = true;
        let orderly = state.rng.bool();
        let rng = &mut state.rng;
        let survivors = rng.usize(0..=state.renames.len());
        for (at, edits) in std::mem::take(&mut state.renames).into_iter().enumerate() {
            if if orderly { at < survivors } else { rng.bool() } {
                for (folder, name, id) in edits {
                    set(&mut state.folders.get_mut(&folder).unwrap().durable, name, id);
                }
            }
        }
        for names in state.folders.values_mut() {
            names.cached = names.durable.clone();
        }
        for file in state.files.values_mut() {
            let survivors = rng.usize(0..=file.unsynced.len());
            for (at, change) in std::mem::take(&mut file.unsynced).into_iter().enumerate() {
                if if orderly { at < survivors } else { rng.bool() } {
                    let mut change = change;
                    if let Change::Write(_, bytes) = &mut change
                        && rng.u8(0..3) == 0
                    {
                        let torn = rng.usize(0..=bytes.len());
                        if rng.bool() {
                            bytes.truncate(torn);
                        } else {
                            bytes[torn..].fill(0);
                        }
                    }
                    apply(&mut file.durable, &change);
                }
            }
            file.cached = file.durable.clone();
        }
        let known: BTreeSet<u32> = (0..=state.counter as u32).collect();
        state.dead.extend(known);
    }

    /// The segments that can be found, but for those set aside.
    pub fn spans_files(&self) -> Vec<(String, Vec<u8>)> {
        let state = self.state();
        let (mut found, mut folders) = (Vec::new(), vec![ROOT]);
        while let Some(names) = folders.pop().map(|folder| &state.folders[&folder]) {
            for (name, id) in names.cached.iter().filter(|(name, _)| *name != "quarantine") {
                match state.files.get(id) {
                    Some(file) if name.ends_with(".spans") => found.push((name.clone(), file.cached.clone())),
                    Some(_) => {}
                    None => folders.push(*id),
                }
            }
        }
        found
    }

    /// Changes what is in the file of that name, wherever it is.
    pub fn tamper(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.state();
        let id = state.folders.values().find_map(|names| names.cached.get(name).copied()).unwrap();
        let file = state.files.get_mut(&id).unwrap();
        (file.cached, file.durable) = (bytes.clone(), bytes);
        file.unsynced.clear();
    }
}

fn set(names: &mut BTreeMap<String, u64>, name: String, id: Option<u64>) {
    match id {
        Some(id) => names.insert(name, id),
        None => names.remove(&name),
    };
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write(at, more) => {
            let end = *at as usize + more.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*at as usize..end].copy_from_slice(more);
        }
        Change::Truncate(size) => bytes.resize(*size as usize, 0),
    }
}

impl State {
    fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// One step of a process; what is to go wrong with it.
    fn step(&mut self, process: u32) -> io::Result<Option<Fault>> {
        if !self.power || self.dead.contains(&process) {
            return Err(io::Error::other("dead"));
        }
        self.steps += 1;
        let steps = self.steps;
        let planned = self.faults.iter().find(|(at, _)| *at == steps).map(|(_, fault)| *fault);
        let flaky = self.flaky > 0 && self.rng.u32(0..1000) < self.flaky;
        let kind = [Fault::Full, Fault::Fails, Fault::Short][self.rng.usize(0..3)];
        let fault = planned.or(flaky.then_some(kind));
        match fault {
            Some(Fault::Power) => self.power = false,
            Some(Fault::Kill) => drop(self.dead.insert(process)),
            _ => {}
        }
        Ok(fault)
    }

    /// As [`step`](State::step), for a step that is done or not.
    fn whole_step(&mut self, process: u32) -> io::Result<()> {
        match self.step(process)? {
            None => Ok(()),
            Some(Fault::Full) => Err(error(io::ErrorKind::StorageFull)),
            // Done, or not, before it is noticed.
            Some(Fault::Power | Fault::Kill) if self.rng.bool() => Ok(()),
            Some(_) => Err(io::Error::other("the disk fails")),
        }
    }

    fn find(&self, path: &Path) -> io::Result<u64> {
        let mut at = ROOT;
        for part in path.iter().skip(1) {
            let folder = self.folders.get(&at).ok_or_else(|| error(io::ErrorKind::NotADirectory))?;
            let id = folder.cached.get(part.to_str().unwrap());
            at = *id.ok_or_else(|| error(io::ErrorKind::NotFound))?;
        }
        Ok(at)
    }

    fn parent(&self, path: &Path) -> io::Result<(u64, String)> {
        let parent = self.find(path.parent().unwrap())?;
        Ok((parent, path.file_name().unwrap().to_str().unwrap().to_owned()))
    }

    fn edit(&mut self, edits: Vec<(u64, String, Option<u64>)>) {
        for (folder, name, id) in &edits {
            set(&mut self.folders.get_mut(folder).unwrap().cached, name.clone(), *id);
        }
        self.renames.push(edits);
    }

    fn add(&mut self, path: &Path) -> io::Result<u64> {
        let (parent, name) = self.parent(path)?;
        let folder = self.folders.get(&parent).ok_or_else(|| error(io::ErrorKind::NotADirectory))?;
        if folder.cached.contains_key(&name) {
            return Err(error(io::ErrorKind::AlreadyExists));
        }
        let id = self.next();
        self.edit(vec![(parent, name, Some(id))]);
        Ok(id)
    }
}
