//! The disk in memory, as a process sees it.

use std::ffi::OsString;

use super::super::super::disk::{Disk, DiskFile, Entry, File, Kind};
use super::*;

/// The disk, as one process sees it.
pub struct SimDisk {
    sim: Sim,
    process: u32,
}

struct SimFile {
    sim: Sim,
    process: u32,
    id: u64,
    handle: u64,
}

impl SimDisk {
    pub fn new(sim: Sim, process: u32) -> SimDisk {
        SimDisk { sim, process }
    }

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
