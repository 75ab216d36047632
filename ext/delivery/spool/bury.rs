//! Writing dead letters: what the collector refused for good, and why.

use std::io;
use std::path::{Path, PathBuf};

use super::append::Appender;
use super::block::{self, u32_at};
use super::claim;
use super::disk::{self, Disk, File};
use super::names::{DEAD_LETTERS, FolderName};
use super::usage::Usage;

/// What the collector said about refused spans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeadLetterNote {
    pub status: u16,
    pub reason: String,
    pub refused: u64,
}

impl DeadLetterNote {
    /// As it is before the spans that it is about.
    fn write(&self, spans: u32) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&spans.to_le_bytes());
        out.extend_from_slice(&self.refused.to_le_bytes());
        out.extend_from_slice(&self.status.to_le_bytes());
        out.extend_from_slice(self.reason.as_bytes());
        out
    }

    /// The note, and how many spans it is about.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, u32)> {
        let reason = String::from_utf8_lossy(bytes.get(14..)?).into_owned();
        let refused = u64::from_le_bytes(bytes.get(4..12)?.try_into().ok()?);
        let status = u16::from_le_bytes(bytes.get(12..14)?.try_into().ok()?);
        Some((DeadLetterNote { status, reason, refused }, u32_at(bytes, 0)?))
    }
}

/// Writes this process's dead letters, to a folder named like its own.
pub(super) struct Undertaker {
    name: FolderName,
    appender: Appender,
    /// Held while there may be more to come.
    lock: Option<File>,
    /// Whether a loss of power leaves the current file where it is.
    is_rooted: bool,
}

impl Undertaker {
    pub fn new(name: FolderName, most_bytes: u64) -> Self {
        Undertaker { name, appender: Appender::new(most_bytes), lock: None, is_rooted: false }
    }

    /// Where they are, once it returns even after a loss of power.
    pub fn bury(
        &mut self,
        disk: &dyn Disk,
        dir: &Path,
        usage: &Usage,
        records: &[u8],
        note: &DeadLetterNote,
    ) -> io::Result<PathBuf> {
        let spans = block::count(records).ok_or(io::ErrorKind::InvalidData)?;
        let all = dir.join(DEAD_LETTERS);
        let folder = all.join(self.name.to_string());
        if self.lock.is_none() {
            disk::ensure_dir(disk, &all)?;
            disk::ensure_dir(disk, &folder)?;
            self.lock = Some(claim::lock(disk, &folder)?.ok_or(io::ErrorKind::ResourceBusy)?);
        }
        let first = self.appender.following();
        if self.appender.current(first).is_none() {
            let name = self.appender.next_name(disk)?;
            let file = match disk.create(&folder.join(name.spans())) {
                Err(error) => {
                    // If someone removed the folder, there is a new one the next time.
                    self.lock = None;
                    return Err(error);
                }
                file => file?,
            };
            self.appender.start(name, file, 0);
            self.is_rooted = false;
        }
        let note = note.write(spans);
        let appended = self.appender.append(disk, dir, usage, Some(&note), records)?;
        let path = folder.join(appended.live.name.spans());
        if let Err(error) = appended.live.sync() {
            // It may be there or not; the caller is told that it is not.
            self.appender.leave();
            return Err(error);
        }
        if !self.is_rooted {
            [&folder, &all].into_iter().try_for_each(|dir| disk.sync_dir(dir))?;
            disk.sync_dir(dir)?;
            self.is_rooted = true;
        }
        Ok(path)
    }

    /// The folder's owner has another name.
    pub fn rename(&mut self, disk: &dyn Disk, dir: &Path, to: &FolderName) -> io::Result<()> {
        if self.lock.is_some() {
            let all = dir.join(DEAD_LETTERS);
            disk.rename(&all.join(self.name.to_string()), &all.join(to.to_string()))?;
        }
        self.name = to.clone();
        Ok(())
    }

    pub fn close(&mut self) {
        self.appender.close();
        self.lock = None;
    }
}
