//! The spool: spans on disk until they are delivered, or until someone who can deliver them comes.
//!
//! A directory is shared by many processes and accounts. Each pipeline has a folder of its own in it, and a lock that
//! tells whether its owner lives. Records are appended to segments in blocks that stand for themselves; what is settled
//! is noted beside them; a segment of which all is settled is removed. What an ended process left is taken over by the
//! next one with the same key.
//!
//! Three threads share it: a writer appends, a syncer syncs, and a sender does the rest. No lock that the writer takes
//! is held during the I/O of another.

mod append;
mod block;
mod bury;
mod claim;
pub(crate) mod dead_letters;
mod disk;
mod folder;
mod names;
mod reader;
mod real;
mod safe;
mod segment;
mod settled;
mod tidy;
mod usage;

#[cfg(test)]
mod tests;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) use append::AppendError;
pub(crate) use bury::DeadLetterNote;

use append::{Appender, Live};
use bury::Undertaker;
use claim::Claim;
use disk::Disk;
use names::FolderName;
use reader::Reader;
use safe::Unsafe;
use usage::Usage;

/// Where spans are kept, how much, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct SpoolSettings {
    pub dir: PathBuf,
    /// Of everything in the directory, whoever wrote it.
    pub max_bytes: u64,
    pub max_age: Duration,
}

/// Where records are until they are settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    folder: u32,
    segment: u32,
    first: u32,
    count: u32,
}

impl Place {
    /// Some of the records.
    pub fn part(&self, first: u32, count: u32) -> Place {
        Place { first: self.first + first, count, ..self.clone() }
    }
}

/// Records from disk.
#[derive(Debug)]
pub(crate) struct Stored {
    pub records: Vec<u8>,
    pub spans: u32,
    pub place: Place,
    /// The caller's number of the first; none if another process recorded them.
    pub seq: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LostCause {
    /// What is on disk is damaged.
    Corrupt,
    /// Older than the bound of age.
    Expired,
    /// The file is gone.
    Unreadable,
}

/// Records that are on disk no more. They need not be settled.
#[derive(Debug)]
pub(crate) struct Lost {
    /// At least; 0 if it can't be told.
    pub spans: u64,
    /// The caller's numbers, if it were its own.
    pub seq: Option<Range<u64>>,
    pub cause: LostCause,
    pub detail: String,
}

#[derive(Debug)]
pub(crate) enum Next {
    Batch(Stored),
    Lost(Lost),
}

/// What was found in the directory, told once.
#[derive(Debug)]
pub(crate) enum Finding {
    Lost(Lost),
    /// An unreadable file is here now.
    SetAside {
        path: PathBuf,
        why: String,
    },
    Problem {
        path: PathBuf,
        error: String,
    },
}

/// What ended processes left in the directory and nobody has adopted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orphaned {
    /// Bytes in folders of this account.
    pub own_bytes: u64,
    /// Bytes in folders of other keys.
    pub other_bytes: u64,
    /// The directory, or a folder of this account in it, could not be looked at.
    pub is_unknown: bool,
}

pub(crate) struct Spool {
    disk: Arc<dyn Disk>,
    settings: SpoolSettings,
    usage: Usage,
    /// This pipeline's own folder; none once it is closed. Whoever renames or replaces it has the writer as well.
    home: Mutex<Option<Claim>>,
    writer: Mutex<Appender>,
    reader: Mutex<Reader>,
    undertaker: Mutex<Undertaker>,
    to_sync: Unsafe,
    /// Segments that the reader does not know of yet.
    started: Mutex<Vec<Arc<Live>>>,
    /// Own records, ever.
    appended: AtomicU64,
    read: AtomicU64,
    /// Whether there may be records of ended processes.
    has_left: AtomicBool,
    /// The same, and those that can't be read at the moment.
    has_unread_adopted: AtomicBool,
    orphaned: Mutex<Orphaned>,
}

impl Spool {
    /// Opens the directory, and makes what is missing of it.
    ///
    /// # Errors
    ///
    /// It can't be used.
    pub fn open(settings: SpoolSettings, key: &str) -> io::Result<Spool> {
        Spool::open_on(Arc::new(real::RealDisk), settings, key)
    }

    fn open_on(disk: Arc<dyn Disk>, settings: SpoolSettings, key: &str) -> io::Result<Spool> {
        let dir = &settings.dir;
        let usage = Usage::new(settings.max_bytes);
        let opened = (|| {
            for made in disk.make_dirs(dir)? {
                made.parent().map_or(Ok(()), |parent| disk.sync_dir(above(parent)))?;
            }
            usage.measure(disk.as_ref(), dir)?;
            Claim::create(disk.as_ref(), dir, &FolderName::new(disk::random(disk.as_ref())?, key))
        })();
        let home = opened.map_err(|error| {
            let advice = "let this user write to it, or choose another";
            io::Error::new(error.kind(), format!("{}: {error}; {advice}", dir.display()))
        })?;
        Ok(Spool {
            usage,
            writer: Mutex::new(Appender::new(settings.max_bytes)),
            reader: Mutex::new(Reader::new(key)),
            undertaker: Mutex::new(Undertaker::new(home.name.clone(), settings.max_bytes)),
            to_sync: Unsafe::default(),
            started: Mutex::default(),
            appended: AtomicU64::new(0),
            read: AtomicU64::new(0),
            has_left: AtomicBool::new(false),
            has_unread_adopted: AtomicBool::new(false),
            orphaned: Mutex::default(),
            home: Mutex::new(Some(home)),
            disk,
            settings,
        })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.settings.dir
    }

    /// Writes records, the first of which is the caller's number `first_seq`: all or none.
    ///
    /// # Errors
    ///
    /// None of them is written, and none will be read.
    pub fn append(&self, first_seq: u64, records: &[u8]) -> Result<(), AppendError> {
        if records.is_empty() {
            return Ok(());
        }
        let mut writer = lock(&self.writer);
        if writer.current(first_seq).is_none() {
            self.start_segment(&mut writer, first_seq)?;
        }
        let appended = writer.append(self.disk.as_ref(), self.dir(), &self.usage, None, records)?;
        self.appended.fetch_add(u64::from(appended.records), Ordering::Release);
        Ok(())
    }

    fn start_segment(&self, writer: &mut Appender, first_seq: u64) -> io::Result<()> {
        // What others did to the directory counts from now on.
        self.usage.measure(self.disk.as_ref(), self.dir()).or_else(|error| self.restore_home(error))?;
        let name = writer.next_name(self.disk.as_ref())?;
        let create = || self.disk.create(&self.home_path()?.join(name.spans()));
        let file = create().or_else(|error| {
            self.restore_home(error)?;
            create()
        })?;
        self.to_sync.folder_changed();
        let live = writer.start(name, file, first_seq);
        self.to_sync.add(live.clone());
        lock(&self.started).push(live);
        Ok(())
    }

    fn home_path(&self) -> io::Result<PathBuf> {
        lock(&self.home).as_ref().map(|claim| claim.path.clone()).ok_or_else(append::closed)
    }

    /// If someone removed the own folder, what is written from now on goes to a new one. What was written is still read.
    fn look_home(&self) {
        let mut writer = lock(&self.writer);
        let is_there = lock(&self.home).as_ref().is_none_or(Claim::is_there);
        if !is_there {
            writer.leave();
        }
    }

    /// Makes the own folder anew, if someone removed it.
    fn restore_home(&self, error: io::Error) -> io::Result<()> {
        let mut home = lock(&self.home);
        match home.as_mut() {
            Some(claim) if error.kind() == io::ErrorKind::NotFound => {
                self.disk.make_dirs(self.dir())?;
                *claim = Claim::create(self.disk.as_ref(), self.dir(), &claim.name)?;
                self.to_sync.directory_changed();
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// Makes what was appended before safe from a loss of power.
    ///
    /// # Errors
    ///
    /// Some of it may not be.
    pub fn sync(&self) -> io::Result<()> {
        self.to_sync.sync(self.disk.as_ref(), self.dir(), &|| self.home_path())
    }

    /// What is to be sent next, each record once. None if there is nothing now.
    pub fn next(&self, most_spans: usize, most_bytes: usize) -> Option<Next> {
        lock(&self.reader).next(self, most_spans, most_bytes)
    }

    /// These need never be sent again.
    pub fn settle(&self, place: &Place) {
        lock(&self.reader).settle(place);
    }

    /// Notes on disk what was settled, so that the next process knows.
    ///
    /// # Errors
    ///
    /// It is tried again the next time.
    pub fn persist(&self) -> io::Result<()> {
        lock(&self.reader).persist(self)
    }

    /// How many own records were not read yet, and one more if there may be some of ended processes.
    pub fn unread(&self) -> u64 {
        let read = self.read.load(Ordering::Acquire);
        let own = self.appended.load(Ordering::Acquire).saturating_sub(read);
        own + u64::from(self.has_left.load(Ordering::Acquire))
    }

    /// Whether there may be records of ended processes that were not read yet.
    pub fn has_unread_adopted(&self) -> bool {
        self.has_unread_adopted.load(Ordering::Acquire)
    }

    /// Whether orphaned folders of this account wait to be adopted, and how many bytes of other accounts' spans are in
    /// orphaned folders, as of the last look.
    pub fn orphaned(&self) -> Orphaned {
        *lock(&self.orphaned)
    }

    /// Looks around: takes over what ended processes left, removes what is too old, sets aside what can't be read.
    pub fn tidy(&self) -> Vec<Finding> {
        tidy::tidy(self, &mut lock(&self.reader))
    }

    /// The account has another key now, which what is kept fits from now on.
    ///
    /// # Errors
    ///
    /// Some folder could not be renamed.
    pub fn rekey(&self, key: &str) -> io::Result<()> {
        lock(&self.reader).rekey(self, key)
    }

    /// Keeps what was refused for good, and says where. It is safe from a loss of power.
    ///
    /// # Errors
    ///
    /// It is not kept.
    pub fn dead_letter(&self, records: &[u8], note: &DeadLetterNote) -> io::Result<PathBuf> {
        lock(&self.undertaker).bury(self.disk.as_ref(), self.dir(), &self.usage, records, note)
    }

    /// The end: another process may have what is left. Nothing can be appended any more.
    pub fn close(&self) {
        lock(&self.writer).close();
        lock(&self.undertaker).close();
        lock(&self.reader).close(self);
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.close();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The folder that a relative path of one name is in.
fn above(parent: &Path) -> &Path {
    if parent.as_os_str().is_empty() { Path::new(".") } else { parent }
}
