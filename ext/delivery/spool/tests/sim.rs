//! A disk in memory that can lose power, lose its user, fill up and fail, at any step.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::sync::Mutex;

use super::super::disk::{Disk, DiskFile, Entry, File, Kind};
use super::*;

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

/// The disk, as one process sees it.
pub(super) struct SimDisk {
    sim: Sim,
    process: u32,
}

struct SimFile {
    sim: Sim,
    process: u32,
    id: u64,
    handle: u64,
}

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
        (process, Arc::new(SimDisk { sim: self.clone(), process }))
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
        let (rng, orderly) = (&mut state.rng, state.counter % 2 == 0);
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

    pub fn spans_files(&self) -> Vec<(String, Vec<u8>)> {
        let state = self.state();
        let mut found = Vec::new();
        for names in state.folders.values() {
            for (name, id) in &names.cached {
                if let Some(file) = state.files.get(id).filter(|_| name.ends_with(".spans")) {
                    found.push((name.clone(), file.cached.clone()));
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

impl SimDisk {
    fn file(&self, id: u64, handle: u64) -> File {
        Arc::new(SimFile { sim: self.sim.clone(), process: self.process, id, handle })
    }
}

impl Disk for SimDisk {
    fn make_dirs(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        match self.make_dir(path) {
            Ok(()) => Ok(vec![path.to_owned()]),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.sim.state();
        state.whole_step(self.process)?;
        let id = state.add(path)?;
        state.folders.insert(id, Names::default());
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        let mut state = self.sim.state();
        state.whole_step(self.process)?;
        let id = state.add(path)?;
        let modified = state.now;
        state.files.insert(id, Bytes { modified, ..Bytes::default() });
        let handle = state.next();
        Ok(self.file(id, handle))
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        let mut state = self.sim.state();
        state.whole_step(self.process)?;
        let id = state.find(path)?;
        assert!(state.files.contains_key(&id));
        let handle = state.next();
        Ok(self.file(id, handle))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.sim.state();
        state.whole_step(self.process)?;
        let id = state.find(from)?;
        let ((from, name), (to, new)) = (state.parent(from)?, state.parent(to)?);
        assert!(!state.folders[&to].cached.contains_key(&new));
        state.edit(vec![(from, name, None), (to, new, Some(id))]);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.sim.state();
        state.whole_step(self.process)?;
        state.find(path)?;
        let (parent, name) = state.parent(path)?;
        state.edit(vec![(parent, name, None)]);
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.sim.state();
        state.whole_step(self.process)?;
        let id = state.find(path)?;
        if !state.folders[&id].cached.is_empty() {
            return Err(error(io::ErrorKind::DirectoryNotEmpty));
        }
        let (parent, name) = state.parent(path)?;
        state.edit(vec![(parent, name, None)]);
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut state = self.sim.state();
        state.whole_step(self.process)?;
        let id = state.find(dir)?;
        let folder = state.folders.get(&id).ok_or_else(|| error(io::ErrorKind::NotADirectory))?;
        let entry = |(name, id): (&String, &u64)| {
            let file = state.files.get(id);
            let kind = if file.is_some() { Kind::File } else { Kind::Folder };
            let (bytes, modified) = file.map_or((0, 0), |file| (file.cached.len() as u64, file.modified));
            Entry { name: OsString::from(name), kind, bytes, modified }
        };
        Ok(folder.cached.iter().map(entry).collect())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.sim.state();
        state.whole_step(self.process)?;
        let id = state.find(dir)?;
        let state = &mut *state;
        let (synced, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut state.renames)
            .into_iter()
            .partition(|edits| edits.iter().any(|(folder, ..)| *folder == id));
        state.renames = rest;
        for (folder, name, id) in synced.into_iter().flatten() {
            set(&mut state.folders.get_mut(&folder).unwrap().durable, name, id);
        }
        Ok(())
    }

    fn now(&self) -> u64 {
        self.sim.state().now
    }

    fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
        self.sim.state().rng.fill(bytes);
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.sim.state();
        let fault = state.step(self.process)?;
        let some = state.rng.usize(0..=bytes.len());
        let (written, result) = match fault {
            None => (bytes.len(), Ok(bytes.len())),
            Some(Fault::Full) => (0, Err(error(io::ErrorKind::StorageFull))),
            Some(Fault::Short) if some > 0 => (some, Ok(some)),
            Some(_) => (some, Err(io::Error::other("the disk fails"))),
        };
        let now = state.now;
        let file = state.files.get_mut(&self.id).unwrap();
        let change = Change::Write(file.cached.len() as u64, bytes[..written].to_vec());
        apply(&mut file.cached, &change);
        file.unsynced.push(change);
        file.modified = now;
        result
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let mut state = self.sim.state();
        // What can't be read again and again is lost; that is for other tests.
        let flaky = std::mem::take(&mut state.flaky);
        let step = state.whole_step(self.process);
        state.flaky = flaky;
        step?;
        let there = state.files[&self.id].cached.get(at as usize..).unwrap_or_default();
        let count = there.len().min(bytes.len());
        bytes[..count].copy_from_slice(&there[..count]);
        Ok(count)
    }

    fn size(&self) -> io::Result<u64> {
        let mut state = self.sim.state();
        state.whole_step(self.process)?;
        Ok(state.files[&self.id].cached.len() as u64)
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        let mut state = self.sim.state();
        state.whole_step(self.process)?;
        let file = state.files.get_mut(&self.id).unwrap();
        apply(&mut file.cached, &Change::Truncate(size));
        file.unsynced.push(Change::Truncate(size));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.sim.state();
        let result = state.whole_step(self.process);
        let dead = !state.power || state.dead.contains(&self.process);
        let file = state.files.get_mut(&self.id).unwrap();
        match &result {
            Ok(()) => {
                let changes = std::mem::take(&mut file.unsynced);
                changes.iter().for_each(|change| apply(&mut file.durable, change));
            }
            // A disk that fails to sync forgets what it had to write, and does not say so again.
            Err(_) if !dead => file.unsynced.clear(),
            Err(_) => {}
        }
        result
    }

    fn try_lock(&self) -> io::Result<bool> {
        let mut state = self.sim.state();
        state.whole_step(self.process)?;
        let free = state.locks.get(&self.id).is_none_or(|handle| *handle == self.handle);
        if free {
            state.locks.insert(self.id, self.handle);
        }
        Ok(free)
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        let mut state = self.sim.state();
        state.whole_step(self.process)?;
        Ok(state.find(path).is_ok_and(|id| id == self.id))
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        let mut state = self.sim.state();
        if state.locks.get(&self.id) == Some(&self.handle) {
            state.locks.remove(&self.id);
        }
    }
}
