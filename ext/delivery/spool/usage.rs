//! How much the spool directory holds, of all processes: measured now and then, and counted in between.

use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::disk::{self, Disk};
use super::names;

/// Measured again after so many seconds, at the earliest, when it seems full: others may have made room.
const AGAIN: u64 = 1;

pub(super) struct Usage {
    most: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bytes: u64,
    /// All that was ever taken here.
    taken: u64,
    measured: u64,
}

impl Usage {
    pub fn new(most: u64) -> Self {
        Usage { most, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes room, if there is.
    pub fn take(&self, disk: &dyn Disk, dir: &Path, bytes: u64) -> bool {
        if self.try_take(bytes) {
            return true;
        }
        let stale = self.state().measured.abs_diff(disk.now()) >= AGAIN;
        stale && self.measure(disk, dir).is_ok() && self.try_take(bytes)
    }

    fn try_take(&self, bytes: u64) -> bool {
        let mut state = self.state();
        let fits = state.bytes.saturating_add(bytes) <= self.most;
        if fits {
            state.bytes += bytes;
            state.taken += bytes;
        }
        fits
    }

    /// Takes a little, whether or not there is room: it leads to more room.
    pub fn overdraw(&self, bytes: u64) {
        let mut state = self.state();
        state.bytes += bytes;
        state.taken += bytes;
    }

    pub fn give_back(&self, bytes: u64) {
        let mut state = self.state();
        state.bytes = state.bytes.saturating_sub(bytes);
    }

    pub fn measure(&self, disk: &dyn Disk, dir: &Path) -> io::Result<()> {
        let before = self.state().taken;
        let mut bytes = 0;
        for entry in disk.list(dir)?.iter().filter(|entry| names::is_ours(entry.text())) {
            bytes += if entry.is_dir() { size(disk, &dir.join(&entry.name), 2) } else { 0 };
        }
        let mut state = self.state();
        // What was taken meanwhile may have been seen or not; rather too much.
        state.bytes = bytes + (state.taken - before);
        state.measured = disk.now();
        Ok(())
    }
}

/// Of a folder that others work in: what can't be seen does not count.
pub(super) fn size(disk: &dyn Disk, dir: &Path, depth: u32) -> u64 {
    let entries = disk::list(disk, dir).unwrap_or_default();
    let size = |entry: &disk::Entry| match entry.is_dir() {
        true if depth > 0 => size(disk, &dir.join(&entry.name), depth - 1),
        true => 0,
        false => entry.bytes,
    };
    entries.iter().map(size).sum()
}
