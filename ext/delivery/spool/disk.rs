//! What the spool asks of a disk, so that tests can take the power away from one.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A file that is open to append and to read.
pub(super) type File = Arc<dyn DiskFile>;

pub(super) trait Disk: Send + Sync {
    /// Makes a folder, and those above it, for this user alone; the ones that were not there, from the top.
    fn make_dirs(&self, path: &Path) -> io::Result<Vec<std::path::PathBuf>>;
    /// Makes a folder for this user alone, where nothing is.
    fn make_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes a file for this user alone, where nothing is.
    fn create(&self, path: &Path) -> io::Result<File>;
    /// Opens a plain file; never through a link.
    fn open(&self, path: &Path) -> io::Result<File>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>>;
    /// Makes sure that what was created, renamed and removed in the folder survives a loss of power.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Seconds since the Unix epoch.
    fn now(&self) -> u64;
    fn random(&self, bytes: &mut [u8]) -> io::Result<()>;
}

pub(super) trait DiskFile: Send + Sync {
    /// Writes at the end; maybe less than all.
    fn append(&self, bytes: &[u8]) -> io::Result<usize>;
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize>;
    fn size(&self) -> io::Result<u64>;
    fn truncate(&self, size: u64) -> io::Result<()>;
    /// Makes sure that what was written survives a loss of power.
    fn sync(&self) -> io::Result<()>;
    /// Whether nobody else had it. It is free when the last copy of this handle goes, or the process ends.
    fn try_lock(&self) -> io::Result<bool>;
    /// Whether it is still what is found at `path`.
    fn is_at(&self, path: &Path) -> io::Result<bool>;
}

/// Something in a folder.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub name: OsString,
    pub kind: Kind,
    pub bytes: u64,
    /// Seconds since the Unix epoch.
    pub modified: u64,
}

impl Entry {
    /// Its name; none if it is not text, so not one of ours.
    pub fn text(&self) -> &str {
        self.name.to_str().unwrap_or_default()
    }

    pub fn is_dir(&self) -> bool {
        self.kind == Kind::Folder
    }

    pub fn is_file(&self) -> bool {
        self.kind == Kind::File
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// A link, a pipe and the like.
    Other,
}

/// All of it, in as few writes as the disk allows.
pub(super) fn append_all(file: &dyn DiskFile, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.append(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The bytes from `from` to `to`, or to the end of the file.
pub(super) fn read(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let mut bytes = room(from, to)?;
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, from + filled as u64) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// As [`read`], with zeros for what the disk can't read.
pub(super) fn salvage(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<Vec<u8>> {
    const SECTOR: u64 = 4096;
    let mut bytes = room(from, to)?;
    let mut at = from;
    while at < to {
        let end = (at - at % SECTOR + SECTOR).min(to);
        if let Ok(piece) = read(file, at, end) {
            let there = bytes.iter_mut().skip((at - from) as usize);
            there.zip(piece).for_each(|(to, from)| *to = from);
        }
        at = end;
    }
    Ok(bytes)
}

fn room(from: u64, to: u64) -> io::Result<Vec<u8>> {
    let size = usize::try_from(to.saturating_sub(from)).map_err(|_| io::ErrorKind::OutOfMemory)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|_| io::ErrorKind::OutOfMemory)?;
    bytes.resize(size, 0);
    Ok(bytes)
}

pub(super) fn random<const N: usize>(disk: &dyn Disk) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    disk.random(&mut bytes)?;
    Ok(bytes)
}

/// Removes what may be gone already.
pub(super) fn remove_file(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// What is in a folder; nothing if there is none.
pub(super) fn list(disk: &dyn Disk, dir: &Path) -> io::Result<Vec<Entry>> {
    match disk.list(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        result => result,
    }
}

/// Makes a folder that may be there already.
pub(super) fn ensure_dir(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.make_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}
