//! The disk itself.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::disk::{Disk, DiskFile, Entry, File, Kind};

pub(super) struct RealDisk;

struct RealFile {
    file: fs::File,
    locked: AtomicBool,
}

impl Disk for RealDisk {
    fn make_dirs(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let missing: Vec<&Path> = path
            .ancestors()
            .take_while(|dir| !dir.as_os_str().is_empty() && fs::metadata(dir).is_err())
            .collect();
        let mut made = Vec::new();
        for dir in missing.into_iter().rev() {
            match self.make_dir(dir) {
                Ok(()) => made.push(dir.to_owned()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        match fs::metadata(path)?.is_dir() {
            true => Ok(made),
            false => Err(io::Error::new(io::ErrorKind::NotADirectory, "not a directory")),
        }
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        #[allow(unused_mut)]
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)?;
        #[cfg(unix)]
        if mode(&fs::symlink_metadata(path)?) != 0o700 {
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        }
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        #[cfg(unix)]
        if mode(&file.metadata()?) != 0o600 {
            file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        }
        Ok(RealFile::new(file))
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        let alien = || io::Error::new(io::ErrorKind::InvalidInput, "not a plain file");
        // Before it is opened, as opening a pipe waits; and after, as it may have been replaced by a link.
        if !fs::symlink_metadata(path)?.is_file() {
            return Err(alien());
        }
        let file = OpenOptions::new().read(true).append(true).open(path)?;
        let file = RealFile::new(file);
        if !file.is_at(path)? {
            return Err(alien());
        }
        Ok(file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            // It may be gone by now.
            let Ok(metadata) = entry.metadata() else { continue };
            let kind = match () {
                () if metadata.is_dir() => Kind::Folder,
                () if metadata.is_file() => Kind::File,
                () => Kind::Other,
            };
            let modified = metadata.modified().map_or(0, seconds);
            entries.push(Entry { name: entry.file_name(), kind, bytes: metadata.len(), modified });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        #[cfg(unix)]
        fs::File::open(dir)?.sync_all()?;
        #[cfg(not(unix))]
        let _ = dir;
        Ok(())
    }

    fn now(&self) -> u64 {
        seconds(SystemTime::now())
    }

    fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
        getrandom::fill(bytes).map_err(|error| io::Error::other(error.to_string()))
    }
}

impl RealFile {
    fn new(file: fs::File) -> Arc<Self> {
        Arc::new(RealFile { file, locked: AtomicBool::new(false) })
    }
}

impl DiskFile for RealFile {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        io::Write::write(&mut &self.file, bytes)
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_at(&self.file, bytes, at);
        #[cfg(windows)]
        return std::os::windows::fs::FileExt::seek_read(&self.file, bytes, at);
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.file.set_len(size)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn try_lock(&self) -> io::Result<bool> {
        match fs4::FileExt::try_lock(&self.file) {
            Ok(()) => {
                self.locked.store(true, Ordering::Relaxed);
                hold(&self.file);
                Ok(true)
            }
            Err(fs4::TryLockError::WouldBlock) => Ok(false),
            Err(fs4::TryLockError::Error(error)) => Err(error),
        }
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        let there = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            there => there?,
        };
        #[cfg(unix)]
        return Ok(there.is_file() && identity(&there) == identity(&self.file.metadata()?));
        #[cfg(not(unix))]
        return Ok(there.is_file());
    }
}

impl Drop for RealFile {
    fn drop(&mut self) {
        if *self.locked.get_mut() {
            release(&self.file);
            // A child may have a copy of the handle for a moment; closing this one would not be enough.
            let _ = fs4::FileExt::unlock(&self.file);
        }
    }
}

/// A child of this process must not share the lock.
#[cfg(unix)]
use crate::ext::process::files::{hold, release};

#[cfg(not(unix))]
fn hold(_: &fs::File) {}

#[cfg(not(unix))]
fn release(_: &fs::File) {}

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777
}

#[cfg(unix)]
fn identity(metadata: &fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
