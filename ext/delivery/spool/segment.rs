//! Reading a segment: each record once, in order, and what is not there any more.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::LostCause;
use super::append::{Extent, Live};
use super::block::{self, Block, Scan};
use super::disk::{self, Disk, DiskFile, Entry, File};
use super::names::SegmentName;
use super::settled::{self, Settled};
use super::usage::Usage;
use crate::ext::delivery::records;

/// How much is read at once: some requests.
const PIECE: u64 = if cfg!(test) { 4 * 1024 } else { 1024 * 1024 };
/// After so many failures to read it, it is read without what can't be.
const PATIENCE: u32 = 3;

pub(super) struct Segment {
    pub name: SegmentName,
    source: Source,
    settled: Settled,
    /// Settled, and not in the file yet.
    unsaved: Settled,
    done: Option<File>,
    /// How much of the file was read.
    scanned: u64,
    /// Records there are in that much, as far as can be told.
    known: u32,
    /// Records below it were handed out, lost, or settled before.
    handed: u32,
    blocks: VecDeque<Block>,
    /// What the blocks point into.
    buffer: Vec<u8>,
    /// Where in the first block's payload the next record is.
    cursor: usize,
    /// There was something that nobody can count.
    rubbish: bool,
    /// What to say of records that are not there.
    damage: (LostCause, &'static str),
    failures: u32,
    /// To be read again later.
    stalled: bool,
}

enum Source {
    Own(Arc<Live>),
    /// Of a process that has ended.
    Left {
        is_read: bool,
    },
}

/// What a reader wants.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub spans: usize,
    pub bytes: usize,
    /// Records from before are too old.
    pub oldest: u64,
}

pub(super) enum Step {
    Batch {
        records: Vec<u8>,
        range: Range<u32>,
    },
    /// Which records; none if it can't be told.
    Lost {
        range: Option<Range<u32>>,
        cause: LostCause,
        why: &'static str,
    },
    /// There is nothing in it that can be read, of so many records at least.
    Unreadable {
        records: u32,
    },
    Failed(io::Error),
    Nothing,
}

impl Segment {
    pub fn own(live: Arc<Live>) -> Self {
        Segment::new(live.name, Source::Own(live), Settled::default())
    }

    pub fn left(disk: &dyn Disk, folder: &Path, name: SegmentName) -> io::Result<Self> {
        Ok(Segment::new(name, Source::Left { is_read: false }, settled::read_file(disk, folder, name)?))
    }

    fn new(name: SegmentName, source: Source, settled: Settled) -> Self {
        Segment {
            name,
            source,
            settled,
            unsaved: Settled::default(),
            done: None,
            scanned: 0,
            known: 0,
            handed: 0,
            blocks: VecDeque::new(),
            buffer: Vec::new(),
            cursor: 0,
            rubbish: false,
            damage: (LostCause::Corrupt, "is damaged"),
            failures: 0,
            stalled: false,
        }
    }

    /// The caller's number of a record.
    pub fn seq(&self, record: u32) -> Option<u64> {
        match &self.source {
            Source::Own(live) => Some(live.base + u64::from(record)),
            Source::Left { .. } => None,
        }
    }

    /// Whether there may be something to read now.
    pub fn is_readable(&self) -> bool {
        !self.stalled && !self.is_read()
    }

    /// Whether there is nothing to read, now or later.
    pub fn is_read(&self) -> bool {
        let all = match &self.source {
            Source::Own(live) => {
                let extent = live.extent();
                extent.closed && extent.records <= self.handed
            }
            Source::Left { is_read } => *is_read && !self.rubbish && self.known <= self.handed,
        };
        all && self.blocks.is_empty()
    }

    /// Whether all of it is settled, with no more to come.
    pub fn is_settled(&self) -> bool {
        self.is_read() && self.settled.hole(0..self.handed).is_none()
    }

    pub fn retry(&mut self) {
        self.stalled = false;
    }

    /// These need never be sent again.
    pub fn settle(&mut self, range: Range<u32>) {
        self.settled.add(range.clone());
        self.unsaved.add(range);
    }

    pub fn next(&mut self, disk: &dyn Disk, folder: &Path, limits: Limits) -> Step {
        loop {
            if self.blocks.is_empty() && self.known <= self.handed {
                match self.load(disk, folder) {
                    Ok(None) => {}
                    Ok(Some(step)) => return step,
                    Err(error) => {
                        self.failures += 1;
                        self.stalled = true;
                        return Step::Failed(error);
                    }
                }
            }
            let Some(block) = self.blocks.front().cloned() else { return self.missing() };
            if let Some(gap) = self.settled.hole(self.handed..block.first) {
                return self.lose(gap, self.damage);
            }
            self.handed = self.handed.max(block.first);
            let Some(hole) = self.settled.hole(self.handed..block.end()) else {
                self.pass();
                continue;
            };
            self.skip_to(hole.start);
            if block.time < limits.oldest {
                return self.expire(hole, limits.oldest);
            }
            if let Some(batch) = self.take(limits) {
                return batch;
            }
            return self.lose(hole, self.damage);
        }
    }

    /// After the last block: what should have followed.
    fn missing(&mut self) -> Step {
        if let Some(gap) = self.settled.hole(self.handed..self.known) {
            return self.lose(gap, self.damage);
        }
        self.handed = self.handed.max(self.known);
        if std::mem::take(&mut self.rubbish) {
            return Step::Lost { range: None, cause: self.damage.0, why: self.damage.1 };
        }
        Step::Nothing
    }

    fn lose(&mut self, range: Range<u32>, (cause, why): (LostCause, &'static str)) -> Step {
        self.skip_to(range.end);
        self.settle(range.clone());
        Step::Lost { range: Some(range), cause, why }
    }

    fn expire(&mut self, hole: Range<u32>, oldest: u64) -> Step {
        let mut all = hole;
        for block in self.blocks.iter().skip(1) {
            match self.settled.hole(all.end..block.end()) {
                Some(more) if more.start == block.first && block.first == all.end && block.time < oldest => {
                    all.end = more.end;
                }
                _ => break,
            }
        }
        self.lose(all, (LostCause::Expired, "is too old"))
    }

    /// The records from where it is on, as far as nothing is between them.
    fn take(&mut self, limits: Limits) -> Option<Step> {
        let start = self.handed;
        let mut taken = Vec::new();
        while let Some(block) = self.blocks.front() {
            let left = limits
                .spans
                .saturating_sub((self.handed - start) as usize)
                .max(usize::from(taken.is_empty()));
            let Some(hole) = self.settled.hole(self.handed..block.end()) else { break };
            if block.first > self.handed
                || hole.start > self.handed
                || block.time < limits.oldest
                || left == 0
            {
                break;
            }
            let mut rest = self.buffer.get(block.payload.clone())?.get(self.cursor..)?;
            let fits = |more: usize| taken.len() + more <= limits.bytes;
            if hole.end == block.end() && (hole.end - hole.start) as usize <= left && fits(rest.len()) {
                taken.extend_from_slice(rest);
                self.handed = hole.end;
                self.pass();
                continue;
            }
            let mut end = self.handed;
            while end < hole.end && ((end - self.handed) as usize) < left {
                let (record, more) = records::split_first(rest)?;
                if !taken.is_empty() && taken.len() + record.len() > limits.bytes {
                    break;
                }
                taken.extend_from_slice(record);
                rest = more;
                end += 1;
            }
            let stopped = end < hole.end;
            self.skip_to(end);
            if stopped {
                break;
            }
        }
        (start < self.handed).then_some(Step::Batch { records: taken, range: start..self.handed })
    }

    /// Passes over the records before `record`, which are dealt with.
    fn skip_to(&mut self, record: u32) {
        while let Some(block) = self.blocks.front() {
            if block.end() <= record {
                self.pass();
                continue;
            }
            let first = self.handed.max(block.first);
            if record > first {
                let payload = self.buffer.get(block.payload.clone()).unwrap_or_default();
                let rest = payload.get(self.cursor..).unwrap_or_default();
                self.cursor += records::length_of(rest, record - first);
            }
            break;
        }
        self.handed = self.handed.max(record);
    }

    /// Is done with the first block.
    fn pass(&mut self) {
        if let Some(block) = self.blocks.pop_front() {
            self.handed = self.handed.max(block.end());
        }
        self.cursor = 0;
        if self.blocks.is_empty() {
            self.buffer = Vec::new();
        }
    }

    /// Reads what there is and was not read yet.
    fn load(&mut self, disk: &dyn Disk, folder: &Path) -> io::Result<Option<Step>> {
        let path = folder.join(self.name.spans());
        let (opened, extent) = match &self.source {
            Source::Own(live) => (live.file().map_or_else(|| disk.open(&path), Ok), Some(live.extent())),
            Source::Left { is_read: true } => return Ok(None),
            Source::Left { is_read: false } => (disk.open(&path), None),
        };
        if extent.is_some_and(|extent| extent.bytes <= self.scanned) {
            return Ok(None);
        }
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.is_gone(extent);
                return Ok(None);
            }
            file => file?,
        };
        match extent {
            Some(extent) => self.load_some(file.as_ref(), extent).map(|()| None),
            None => self.load_all(file.as_ref()),
        }
    }

    /// Reads a piece of what this process wrote, up to the end of a block: memory stays small.
    fn load_some(&mut self, file: &dyn DiskFile, extent: Extent) -> io::Result<()> {
        let mut piece = PIECE;
        loop {
            let end = extent.bytes.min(self.scanned + piece);
            let found = self.scan(file, end)?;
            let is_last = end == extent.bytes;
            let whole = found.blocks.iter().map(|block| block.payload.end).max();
            if let Some(whole) = whole.filter(|_| !is_last) {
                self.known = found.blocks.iter().map(Block::end).max().unwrap_or_default();
                self.scanned += whole as u64;
            } else if is_last {
                self.known = extent.records;
                self.scanned = end;
            } else {
                // A larger block, or a longer stretch that is damaged.
                piece *= 2;
                continue;
            }
            self.keep(found);
            return Ok(());
        }
    }

    /// Reads what an ended process left.
    fn load_all(&mut self, file: &dyn DiskFile) -> io::Result<Option<Step>> {
        let end = file.size()?;
        let found = self.scan(file, end)?;
        self.scanned = end;
        self.source = Source::Left { is_read: true };
        self.known = found.end;
        let whole: u32 = found.blocks.iter().map(|block| block.count).sum();
        self.rubbish = found.rubbish && whole == found.end;
        if found.blocks.is_empty() && (found.rubbish || found.end > 0) {
            return Ok(Some(Step::Unreadable { records: self.settled.open(0..found.end) }));
        }
        self.keep(found);
        Ok(None)
    }

    fn scan(&mut self, file: &dyn DiskFile, end: u64) -> io::Result<Scan> {
        self.buffer = match self.failures < PATIENCE {
            true => disk::read(file, self.scanned, end)?,
            false => disk::salvage(file, self.scanned, end)?,
        };
        self.failures = 0;
        Ok(block::scan(&self.buffer, self.name.seed))
    }

    fn keep(&mut self, found: Scan) {
        self.blocks = found.blocks.into_iter().filter(|block| !block.is_note).collect();
    }

    /// Someone removed its file.
    fn is_gone(&mut self, extent: Option<Extent>) {
        self.damage = (LostCause::Unreadable, "is gone");
        match (&mut self.source, extent) {
            (Source::Left { is_read }, _) => (*is_read, self.rubbish) = (true, true),
            (Source::Own(_), Some(extent)) => (self.scanned, self.known) = (extent.bytes, extent.records),
            (Source::Own(_), None) => {}
        }
    }

    /// Writes what was settled to the file; the file, if there was something.
    pub fn save(&mut self, disk: &dyn Disk, folder: &Path, usage: &Usage) -> io::Result<Option<File>> {
        if let Source::Own(live) = &self.source {
            let end = live.extent().records;
            self.unsaved.add(end..end.saturating_add(live.take_void()));
        }
        if self.unsaved.is_empty() || self.is_settled() {
            return Ok(None);
        }
        let file = match &self.done {
            Some(file) => file.clone(),
            None => {
                let path = folder.join(self.name.done());
                let file = match disk.create(&path) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => disk.open(&path),
                    created => created,
                }?;
                self.done.insert(file).clone()
            }
        };
        let mut frames = Vec::new();
        self.unsaved.runs().for_each(|run| settled::write(&mut frames, self.name.seed, &run));
        let size = file.size()?;
        if let Err(error) = disk::append_all(file.as_ref(), &frames) {
            // A torn frame is passed over when it is read.
            let _ = file.truncate(size);
            return Err(error);
        }
        usage.overdraw(frames.len() as u64);
        self.unsaved = Settled::default();
        Ok(Some(file))
    }

    /// Removes the records; what is known of them stays until that is safe.
    pub fn remove(&self, disk: &dyn Disk, folder: &Path, usage: &Usage) -> io::Result<()> {
        disk::remove_file(disk, &folder.join(self.name.spans()))?;
        usage.give_back(self.scanned);
        if let Source::Own(live) = &self.source {
            live.set_gone();
        }
        Ok(())
    }
}

/// The segments among what is in a folder, in order.
pub(super) fn segments(entries: &[Entry]) -> impl Iterator<Item = (SegmentName, &Entry)> {
    let files = entries.iter().filter(|entry| entry.is_file());
    files.filter_map(|entry| Some((SegmentName::parse_spans(entry.text())?, entry)))
}
