//! Writing segments: one after the other, each only ever appended to.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::block;
use super::disk::{self, Disk, File};
use super::names::SegmentName;
use super::usage::Usage;

const ROTATE: u64 = 4 * 1024 * 1024;
const ROTATE_AT_LEAST: u64 = 64 * 1024;

/// Why records were not written.
#[derive(Debug)]
pub(crate) enum AppendError {
    /// The directory holds as much as it may.
    Full,
    /// The disk said so.
    Io(io::Error),
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AppendError::Full => f.write_str("the spool directory holds as many bytes as it may"),
            AppendError::Io(error) => error.fmt(f),
        }
    }
}

impl From<io::Error> for AppendError {
    fn from(error: io::Error) -> Self {
        AppendError::Io(error)
    }
}

impl From<AppendError> for io::Error {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Full => io::Error::new(io::ErrorKind::QuotaExceeded, error.to_string()),
            AppendError::Io(error) => error,
        }
    }
}

/// A segment that this process writes or wrote, as its threads see it.
pub(super) struct Live {
    pub name: SegmentName,
    /// The caller's number of its first record.
    pub base: u64,
    written: Mutex<Written>,
    /// It is settled, and its file is no more.
    gone: AtomicBool,
}

struct Written {
    extent: Extent,
    /// Records behind the end that may be in the file, though they count as not written.
    void: u32,
    synced: u64,
    /// A disk that failed to sync may have forgotten what it was to write, whatever it says later.
    unsure: bool,
    /// None once it is closed and safe.
    file: Option<File>,
}

/// What of a segment is good.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    pub bytes: u64,
    pub records: u32,
    /// There will be no more.
    pub closed: bool,
}

impl Live {
    fn new(name: SegmentName, base: u64, file: File) -> Self {
        let (extent, file) = (Extent::default(), Some(file));
        let written = Mutex::new(Written { extent, void: 0, synced: 0, unsure: false, file });
        Live { name, base, written, gone: AtomicBool::new(false) }
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn extent(&self) -> Extent {
        self.written().extent
    }

    pub fn file(&self) -> Option<File> {
        self.written().file.clone()
    }

    /// Records that must not be read from its file, after the last good one.
    pub fn take_void(&self) -> u32 {
        std::mem::take(&mut self.written().void)
    }

    fn close(&self) {
        let mut written = self.written();
        written.extent.closed = true;
        written.let_go();
    }

    pub fn set_gone(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    /// Makes what was written so far safe from a loss of power.
    pub fn sync(&self) -> io::Result<()> {
        let (file, bytes, unsure) = {
            let written = self.written();
            match &written.file {
                Some(file) if written.synced < written.extent.bytes && !self.is_gone() => {
                    (file.clone(), written.extent.bytes, written.unsure)
                }
                _ => return Ok(()),
            }
        };
        if unsure {
            return Err(io::Error::other(
                "an earlier sync failed, so what was written before it is not safe",
            ));
        }
        let result = file.sync();
        let mut written = self.written();
        match &result {
            Ok(()) => {
                written.synced = bytes;
                written.let_go();
            }
            Err(_) => written.unsure = true,
        }
        result
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// Whether a sync will never have anything to do with it again.
    pub fn is_safe(&self) -> bool {
        let written = self.written();
        self.is_gone() || (written.extent.closed && written.synced >= written.extent.bytes)
    }
}

impl Written {
    fn let_go(&mut self) {
        if self.extent.closed && self.synced >= self.extent.bytes {
            self.file = None;
        }
    }
}

/// Writes segments into a folder.
pub(super) struct Appender {
    rotate_at: u64,
    number: u32,
    current: Option<Arc<Live>>,
    buffer: Vec<u8>,
    is_closed: bool,
}

/// Where records went.
pub(super) struct Appended {
    pub live: Arc<Live>,
    pub records: u32,
}

impl Appender {
    pub fn new(most_bytes: u64) -> Self {
        let rotate_at = (most_bytes / 8).clamp(ROTATE_AT_LEAST, ROTATE);
        Appender { rotate_at, number: 0, current: None, buffer: Vec::new(), is_closed: false }
    }

    /// The number that continues the current segment.
    pub fn following(&self) -> u64 {
        self.current.as_ref().map_or(0, |live| live.base + u64::from(live.extent().records))
    }

    /// The segment to go on with, if `first` follows on what it holds.
    pub fn current(&self, first: u64) -> Option<&Arc<Live>> {
        self.current.as_ref().filter(|live| {
            let written = live.written();
            let follows = live.base + u64::from(written.extent.records) == first;
            follows && !written.unsure && written.extent.bytes < self.rotate_at
        })
    }

    /// Goes on with a new segment the next time.
    pub fn leave(&mut self) {
        if let Some(live) = self.current.take() {
            live.close();
        }
    }

    /// Goes on with a new segment, whose file is open already.
    pub fn start(&mut self, name: SegmentName, file: File, base: u64) -> Arc<Live> {
        self.leave();
        let live = Arc::new(Live::new(name, base, file));
        self.current = Some(live.clone());
        live
    }

    /// The name of a segment to start.
    pub fn next_name(&mut self, disk: &dyn Disk) -> io::Result<SegmentName> {
        if self.is_closed {
            return Err(closed());
        }
        let seed = u32::from_be_bytes(disk::random(disk)?);
        self.number += 1;
        Ok(SegmentName { number: self.number, seed })
    }

    /// There will be no more.
    pub fn close(&mut self) {
        self.leave();
        self.is_closed = true;
    }

    /// Appends to the current segment, all or nothing.
    pub fn append(
        &mut self,
        disk: &dyn Disk,
        dir: &Path,
        usage: &Usage,
        note: Option<&[u8]>,
        records: &[u8],
    ) -> Result<Appended, AppendError> {
        let invalid = || io::Error::new(io::ErrorKind::InvalidData, "no whole records");
        let live = self.current.clone().ok_or_else(closed)?;
        let (seed, time, extent) = (live.name.seed, disk.now(), live.extent());
        self.buffer.clear();
        if let Some(note) = note {
            block::write_note(&mut self.buffer, seed, extent.records, time, note).ok_or_else(invalid)?;
        }
        let count = block::write_spans(&mut self.buffer, seed, extent.records, time, records);
        let count = count.ok_or_else(invalid)?;
        let bytes = self.buffer.len() as u64;
        if !usage.take(disk, dir, bytes) {
            return Err(AppendError::Full);
        }
        // Its handle goes only when it is closed, and then it is not the current one.
        let file = live.file().ok_or_else(closed)?;
        if let Err(error) = disk::append_all(file.as_ref(), &self.buffer) {
            match file.truncate(extent.bytes) {
                Ok(()) => usage.give_back(bytes),
                Err(_) => {
                    live.written().void = count;
                    self.leave();
                }
            }
            return Err(error.into());
        }
        let mut written = live.written();
        written.extent.bytes += bytes;
        written.extent.records += count;
        drop(written);
        Ok(Appended { live, records: count })
    }
}

pub(super) fn closed() -> io::Error {
    io::Error::other("the spool is closed")
}
