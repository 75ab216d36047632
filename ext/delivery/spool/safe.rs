//! What a loss of power would undo, and making it safe.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::append::Live;
use super::disk::{self, Disk, File};
use super::lock;
use super::names::SegmentName;

/// What was written and not synced.
pub(super) struct Unsafe {
    segments: Mutex<Vec<Arc<Live>>>,
    done: Mutex<Vec<File>>,
    /// Segments that were removed. Should one come back, what was done of it must be known.
    removed: Mutex<Vec<SegmentName>>,
    folder: AtomicBool,
    directory: AtomicBool,
    /// One sync at a time, so that one that has nothing to do does not overtake one that has.
    turn: Mutex<()>,
}

impl Default for Unsafe {
    fn default() -> Self {
        Unsafe {
            segments: Mutex::default(),
            done: Mutex::default(),
            removed: Mutex::default(),
            folder: AtomicBool::new(true),
            directory: AtomicBool::new(true),
            turn: Mutex::default(),
        }
    }
}

impl Unsafe {
    pub fn add(&self, segment: Arc<Live>) {
        lock(&self.segments).push(segment);
    }

    pub fn add_done(&self, files: Vec<File>) {
        let mut done = lock(&self.done);
        for file in files {
            if !done.iter().any(|known| Arc::ptr_eq(known, &file)) {
                done.push(file);
            }
        }
    }

    pub fn removed(&self, names: Vec<SegmentName>) {
        if !names.is_empty() {
            lock(&self.removed).extend(names);
            self.folder_changed();
        }
    }

    pub fn folder_changed(&self) {
        self.folder.store(true, Ordering::Release);
    }

    pub fn directory_changed(&self) {
        self.folder.store(true, Ordering::Release);
        self.directory.store(true, Ordering::Release);
    }

    pub fn sync(
        &self,
        disk: &dyn Disk,
        dir: &Path,
        home: &dyn Fn() -> io::Result<PathBuf>,
    ) -> io::Result<()> {
        let _turn = lock(&self.turn);
        let segments = lock(&self.segments).clone();
        let mut result = Ok(());
        for error in segments.iter().filter_map(|segment| segment.sync().err()) {
            result = Err(error);
        }
        lock(&self.segments).retain(|segment| !segment.is_safe());
        let done = std::mem::take(&mut *lock(&self.done));
        for file in done {
            if let Err(error) = file.sync() {
                self.add_done(vec![file]);
                result = Err(error);
            }
        }
        self.sync_folder(disk, home).and(self.sync_directory(disk, dir)).and(result)
    }

    fn sync_folder(&self, disk: &dyn Disk, home: &dyn Fn() -> io::Result<PathBuf>) -> io::Result<()> {
        if !self.folder.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let removed = std::mem::take(&mut *lock(&self.removed));
        let synced = home().and_then(|path| match disk.sync_dir(&path) {
            // It was just renamed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => disk.sync_dir(&home()?),
            synced => synced,
        });
        if let Err(error) = synced {
            self.removed(removed);
            self.folder_changed();
            return Err(error);
        }
        for name in removed {
            // If it stays, it is in nobody's way.
            let _ = home().and_then(|path| disk::remove_file(disk, &path.join(name.done())));
        }
        Ok(())
    }

    fn sync_directory(&self, disk: &dyn Disk, dir: &Path) -> io::Result<()> {
        if !self.directory.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        disk.sync_dir(dir).inspect_err(|_| self.directory.store(true, Ordering::Release))
    }
}
