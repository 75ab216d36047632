use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;
#[derive(Clone, Debug)]
pub(crate) struct SpoolSettings {
    pub dir: PathBuf,
    pub max_bytes: u64,
    pub max_age: Duration,
}
pub(crate) struct Spool;
#[derive(Clone)]
pub(crate) struct Place;
pub(crate) struct Stored {
    pub records: Vec<u8>,
    pub spans: u32,
    pub place: Place,
    pub seq: Option<u64>,
}
pub(crate) enum LostCause {
    Corrupt,
    Expired,
    Unreadable,
}
pub(crate) struct Lost {
    pub spans: u64,
    pub seq: Option<Range<u64>>,
    pub cause: LostCause,
    pub detail: String,
}
pub(crate) enum Next {
    Batch(Stored),
    Lost(Lost),
}
pub(crate) enum Finding {
    Lost(Lost),
    SetAside { path: PathBuf, why: String },
    Problem { path: PathBuf, error: String },
}
pub(crate) struct DeadLetterNote {
    pub status: u16,
    pub reason: String,
    pub refused: u64,
}
#[derive(Debug)]
pub(crate) enum AppendError {
    Full,
    Io(io::Error),
}
impl std::fmt::Display for AppendError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}
impl Place {
    pub fn part(&self, _f: u32, _c: u32) -> Place {
        Place
    }
}
impl Spool {
    pub fn open(_s: SpoolSettings, _key: &str) -> io::Result<Spool> {
        Err(io::Error::other("stub"))
    }
    pub fn append(&self, _first: u64, _r: &[u8]) -> Result<(), AppendError> {
        Err(AppendError::Full)
    }
    pub fn sync(&self) -> io::Result<()> {
        Ok(())
    }
    pub fn next(&self, _m: usize, _b: usize) -> Option<Next> {
        None
    }
    pub fn settle(&self, _p: &Place) {}
    pub fn persist(&self) -> io::Result<()> {
        Ok(())
    }
    pub fn unread(&self) -> u64 {
        0
    }
    pub fn tidy(&self) -> Vec<Finding> {
        Vec::new()
    }
    pub fn rekey(&self, _k: &str) -> io::Result<()> {
        Ok(())
    }
    pub fn dead_letter(&self, _r: &[u8], _n: &DeadLetterNote) -> io::Result<PathBuf> {
        Err(io::Error::other("stub"))
    }
    pub fn close(&self) {}
}
