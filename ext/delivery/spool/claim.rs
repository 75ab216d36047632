//! Whose folder it is: the process that holds the lock in it, for as long as it lives.

use std::io;
use std::path::{Path, PathBuf};

use super::disk::{self, Disk, File};
use super::names::{FolderName, LOCK, unready};

/// A folder that nobody else touches while this exists.
pub(super) struct Claim {
    pub path: PathBuf,
    pub name: FolderName,
    lock: File,
}

impl Claim {
    /// Makes a folder that is owned from its first moment on.
    pub fn create(disk: &dyn Disk, dir: &Path, name: &FolderName) -> io::Result<Claim> {
        let hidden = dir.join(unready(name));
        disk.make_dir(&hidden)?;
        let claim = Claim::publish(disk, dir, name, &hidden);
        if claim.is_err() {
            // Else someone does it when it is old.
            let _ = disk::remove_file(disk, &hidden.join(LOCK));
            let _ = disk.remove_dir(&hidden);
        }
        claim
    }

    fn publish(disk: &dyn Disk, dir: &Path, name: &FolderName, hidden: &Path) -> io::Result<Claim> {
        let path = dir.join(name.to_string());
        let lock = disk.create(&hidden.join(LOCK))?;
        // On Windows, a folder with an open file can't be renamed. If another adopts it in between, there will be
        // another name.
        let (lock, locked) = if cfg!(windows) {
            drop(lock);
            disk.rename(hidden, &path)?;
            let lock = disk.open(&path.join(LOCK))?;
            let locked = lock.try_lock()?;
            (lock, locked)
        } else {
            let locked = lock.try_lock()?;
            disk.rename(hidden, &path)?;
            (lock, locked)
        };
        if !locked {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "its files can't be locked"));
        }
        Ok(Claim { path, name: name.clone(), lock })
    }

    /// Takes over a folder whose owner has gone; none if it lives, or someone else was faster.
    pub fn take(disk: &dyn Disk, dir: &Path, name: &FolderName) -> io::Result<Option<Claim>> {
        let path = dir.join(name.to_string());
        let Some(lock) = lock(disk, &path)? else { return Ok(None) };
        Ok(Some(Claim { path, name: name.clone(), lock }))
    }

    /// Whether it is still there.
    pub fn is_there(&self) -> bool {
        self.lock.is_at(&self.path.join(LOCK)).unwrap_or(true)
    }

    /// Renames it, with everything in it.
    pub fn rename(&mut self, disk: &dyn Disk, to: &FolderName) -> io::Result<()> {
        let path = self.path.with_file_name(to.to_string());
        disk.rename(&self.path, &path)?;
        self.path = path;
        self.name = to.clone();
        Ok(())
    }

    /// Removes it, if there is nothing else in it.
    pub fn remove(self, disk: &dyn Disk) -> io::Result<()> {
        disk::remove_file(disk, &self.path.join(LOCK))?;
        disk.remove_dir(&self.path)
    }
}

/// Locks a folder; none if someone has it, or it is gone.
pub(super) fn lock(disk: &dyn Disk, folder: &Path) -> io::Result<Option<File>> {
    let path = folder.join(LOCK);
    let opened = match disk.open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => disk.create(&path),
        opened => opened,
    };
    let file = match opened {
        // It went away, or someone does the same.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists) => {
            return Ok(None);
        }
        opened => opened?,
    };
    let ours = file.try_lock()? && file.is_at(&path)?;
    Ok(ours.then_some(file))
}
