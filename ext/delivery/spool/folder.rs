//! A folder of segments, as this process reads it: its own, or one that an ended process left.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::append::Live;
use super::block;
use super::claim::Claim;
use super::disk::{self, Disk, File};
use super::names::{LOCK, QUARANTINE, SegmentName};
use super::segment::{Limits, Segment, Step, segments};
use super::settled;
use super::usage::Usage;
use super::{Finding, Lost, LostCause, Next, Place, Stored};

/// Segments, oldest first.
pub(super) struct Folder {
    /// Tells this process's folders apart.
    id: u32,
    segments: VecDeque<Segment>,
}

/// What was written by persisting, and is to be made safe from a loss of power.
#[derive(Default)]
pub(super) struct Persisted {
    pub files: Vec<File>,
    /// Segments that were removed.
    pub removed: Vec<SegmentName>,
}

/// What is next in a folder.
pub(super) enum Turn {
    Next(Next),
    /// It can't be read; what was found out about it.
    Trouble(Finding, Option<Next>),
}

impl Folder {
    pub fn own() -> Self {
        Folder { id: 0, segments: VecDeque::new() }
    }

    /// What an ended process left.
    pub fn left(disk: &dyn Disk, path: &Path, id: u32) -> io::Result<Self> {
        let entries = disk.list(path)?;
        let names = segments(&entries).map(|(name, _)| Segment::left(disk, path, name));
        let mut segments = names.collect::<io::Result<Vec<_>>>()?;
        segments.sort_by_key(|segment| segment.name);
        Ok(Folder { id, segments: segments.into() })
    }

    pub fn id(&self) -> u32 {
        self.id
    }

    /// A segment that this process just started.
    pub fn push(&mut self, live: Arc<Live>) {
        self.segments.push_back(Segment::own(live));
    }

    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    pub fn is_readable(&self) -> bool {
        self.segments.iter().any(Segment::is_readable)
    }

    /// Whether there is something to read, now or when it can be read again.
    pub fn has_unread(&self) -> bool {
        !self.segments.iter().all(Segment::is_read)
    }

    pub fn retry(&mut self) {
        self.segments.iter_mut().for_each(Segment::retry);
    }

    pub fn settle(&mut self, place: &Place) {
        let at = self.segments.binary_search_by_key(&place.segment, |segment| segment.name.number);
        if let Some(segment) = at.ok().and_then(|at| self.segments.get_mut(at)) {
            segment.settle(place.first..place.first.saturating_add(place.count));
        }
    }

    pub fn next(&mut self, disk: &dyn Disk, dir: &Path, path: &Path, limits: Limits) -> Option<Turn> {
        let mut at = 0;
        while let Some(segment) = self.segments.get_mut(at) {
            let step = if segment.is_readable() { segment.next(disk, path, limits) } else { Step::Nothing };
            let file = path.join(segment.name.spans());
            match step {
                Step::Nothing => at += 1,
                Step::Batch { records, range } => {
                    let (first, count) = (range.start, range.end - range.start);
                    let place = Place { folder: self.id, segment: segment.name.number, first, count };
                    let seq = segment.seq(first);
                    return Some(Turn::Next(Next::Batch(Stored { records, spans: count, place, seq })));
                }
                Step::Lost { range, cause, why } => {
                    let detail = format!("what was recorded in {} {why}", file.display());
                    let spans = range.as_ref().map_or(0, |range| u64::from(range.end - range.start));
                    let seq =
                        range.and_then(|range| Some(segment.seq(range.start)?..segment.seq(range.end)?));
                    return Some(Turn::Next(Next::Lost(Lost { spans, seq, cause, detail })));
                }
                Step::Failed(error) => {
                    return Some(Turn::Trouble(
                        Finding::Problem { path: file, error: error.to_string() },
                        None,
                    ));
                }
                Step::Unreadable { records } => {
                    let finding = set_aside(disk, dir, &file);
                    self.segments.remove(at);
                    let detail = format!("nothing in {} can be read", file.display());
                    let lost =
                        Lost { spans: u64::from(records), seq: None, cause: LostCause::Corrupt, detail };
                    return Some(Turn::Trouble(finding, (records > 0).then_some(Next::Lost(lost))));
                }
            }
        }
        None
    }

    /// Writes down what was settled, and removes segments of which all is.
    pub fn persist(&mut self, disk: &dyn Disk, path: &Path, usage: &Usage) -> (Persisted, io::Result<()>) {
        let (mut persisted, mut result) = (Persisted::default(), Ok(()));
        self.segments.retain_mut(|segment| {
            match segment.save(disk, path, usage) {
                Ok(file) => persisted.files.extend(file),
                Err(error) => result = Err(error),
            }
            if !segment.is_settled() {
                return true;
            }
            match segment.remove(disk, path, usage) {
                Ok(()) => {
                    persisted.removed.push(segment.name);
                    false
                }
                Err(error) => {
                    result = Err(error);
                    true
                }
            }
        });
        (persisted, result)
    }
}

/// Removes a folder without segments; `false` if there is something alien in it.
pub(super) fn remove(disk: &dyn Disk, claim: Claim) -> io::Result<bool> {
    let entries = disk.list(&claim.path)?;
    let is_done = |name: &str| SegmentName::parse_done(name).is_some();
    if !entries.iter().all(|entry| entry.is_file() && (entry.text() == LOCK || is_done(entry.text()))) {
        return Ok(false);
    }
    // Else the records could come back without what is known of them.
    disk.sync_dir(&claim.path)?;
    for entry in entries.iter().filter(|entry| is_done(entry.text())) {
        disk::remove_file(disk, &claim.path.join(&entry.name))?;
    }
    claim.remove(disk)?;
    Ok(true)
}

/// Whether everything in a folder is from before `oldest`, as far as can be told without opening it.
pub(super) fn seems_older(disk: &dyn Disk, path: &Path, oldest: u64) -> io::Result<bool> {
    let entries = disk.list(path)?;
    Ok(segments(&entries).all(|(_, entry)| entry.modified < oldest))
}

/// Removes the segments of a folder if all of them are from before `oldest`; how many spans that costs.
pub(super) fn expire(
    disk: &dyn Disk,
    dir: &Path,
    path: &Path,
    oldest: u64,
    findings: &mut Vec<Finding>,
) -> io::Result<Option<u64>> {
    let entries = disk.list(path)?;
    let mut spans = 0;
    let mut unreadable = Vec::new();
    for (name, _) in segments(&entries) {
        let file = disk.open(&path.join(name.spans()))?;
        let bytes = disk::read(file.as_ref(), 0, file.size()?)?;
        let found = block::scan(&bytes, name.seed);
        if found.blocks.iter().any(|block| block.time >= oldest) {
            return Ok(None);
        }
        spans += u64::from(settled::read_file(disk, path, name)?.open(0..found.end));
        if found.blocks.is_empty() && (found.rubbish || found.end > 0) {
            unreadable.push(name);
        }
    }
    for (name, _) in segments(&entries) {
        let file = path.join(name.spans());
        match unreadable.contains(&name) {
            true => findings.push(set_aside(disk, dir, &file)),
            false => disk::remove_file(disk, &file)?,
        }
    }
    Ok(Some(spans))
}

/// Moves a file to where it is in nobody's way.
fn set_aside(disk: &dyn Disk, dir: &Path, file: &Path) -> Finding {
    let part = |path: Option<&std::ffi::OsStr>| path.unwrap_or_default().to_string_lossy().into_owned();
    let folder = part(file.parent().and_then(Path::file_name));
    let name = format!("{folder}-{}", part(file.file_name()));
    match move_aside(disk, &dir.join(QUARANTINE), file, &name) {
        Ok(path) => Finding::SetAside { path, why: format!("nothing in {} can be read", file.display()) },
        Err(error) => Finding::Problem { path: file.to_owned(), error: error.to_string() },
    }
}

fn move_aside(disk: &dyn Disk, quarantine: &Path, file: &Path, name: &str) -> io::Result<PathBuf> {
    disk::ensure_dir(disk, quarantine)?;
    let taken = disk.list(quarantine)?.iter().any(|entry| entry.text() == name);
    let more = u32::from_be_bytes(disk::random(disk)?);
    let path = quarantine.join(if taken { format!("{name}-{more:08x}") } else { name.to_owned() });
    disk.rename(file, &path)?;
    Ok(path)
}
