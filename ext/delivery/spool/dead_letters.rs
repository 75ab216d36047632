//! What to do with dead letters, for a tool: see them, send them again, or remove them. Processes may be at work.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::bury::DeadLetterNote;
use super::disk::{self, Disk, File};
use super::names::{DEAD_LETTERS, FolderName, LOCK, SegmentName, unready};
use super::real::RealDisk;
use super::segment::segments;
use super::settled::{self, Settled};
use super::{block, claim, folder};

/// How long to wait for another tool.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// Spans that were refused together.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// Names it, as long as it is there.
    pub id: String,
    /// The file that it is in.
    pub path: PathBuf,
    pub recorded_at: SystemTime,
    /// None if it is damaged.
    pub note: Option<DeadLetterNote>,
    /// How many there are; damage may have cost some.
    pub spans: u32,
    /// The folder of the process that it comes from, which tells accounts apart.
    pub folder: String,
    segment: SegmentName,
    range: Range<u32>,
    /// Where its records are in the file.
    pieces: Vec<Range<usize>>,
}

impl Group {
    /// Its records, one after the other.
    pub fn records(&self) -> io::Result<Vec<u8>> {
        self.read_on(&RealDisk)
    }

    pub(super) fn read_on(&self, disk: &dyn Disk) -> io::Result<Vec<u8>> {
        let bytes = whole(disk, &self.path)?;
        let changed =
            || io::Error::new(io::ErrorKind::InvalidData, format!("{} changed", self.path.display()));
        let mut records = Vec::new();
        for piece in &self.pieces {
            records.extend_from_slice(bytes.get(piece.clone()).ok_or_else(changed)?);
        }
        Ok(records)
    }
}

/// All there are in a spool directory, oldest first within a process.
pub(crate) fn list(dir: &Path) -> io::Result<Vec<Group>> {
    list_on(&RealDisk, dir)
}

/// Gives them to the next process with the same key, to be sent again.
pub(crate) fn resend(dir: &Path, id: &str) -> io::Result<()> {
    resend_on(&RealDisk, dir, id)
}

/// Removes them for good.
pub(crate) fn remove(dir: &Path, id: &str) -> io::Result<()> {
    remove_on(&RealDisk, dir, id)
}

pub(super) fn list_on(disk: &dyn Disk, dir: &Path) -> io::Result<Vec<Group>> {
    let mut groups = Vec::new();
    let dir = dir.join(DEAD_LETTERS);
    for entry in disk::list(disk, &dir)?.iter().filter(|entry| entry.is_dir()) {
        if FolderName::parse(entry.text()).is_none() {
            continue;
        }
        let path = dir.join(&entry.name);
        let files = disk::list(disk, &path)?;
        for (segment, _) in segments(&files) {
            match groups_of(disk, entry.text(), &path, segment) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                found => groups.extend(found?),
            }
        }
    }
    Ok(groups)
}

fn groups_of(disk: &dyn Disk, folder: &str, dir: &Path, segment: SegmentName) -> io::Result<Vec<Group>> {
    let path = dir.join(segment.spans());
    let bytes = whole(disk, &path)?;
    let done = settled::read_file(disk, dir, segment)?;
    let mut groups = BTreeMap::<u32, Group>::new();
    for block in block::scan(&bytes, segment.seed).blocks {
        let last = groups.last_entry().map(|entry| entry.into_mut());
        let note = match block.is_note {
            true => bytes.get(block.payload.clone()).and_then(DeadLetterNote::read),
            false => None,
        };
        let belongs = |group: &Group| !block.is_note && block.first < group.range.end;
        if let Some(group) = last.filter(|group| belongs(group)) {
            group.spans += block.count;
            group.pieces.push(block.payload);
            continue;
        }
        let (note, spans) = note.map_or((None, block.count), |(note, spans)| (Some(note), spans));
        let group = Group {
            id: format!("{folder}:{segment}:{}", block.first),
            path: path.clone(),
            recorded_at: UNIX_EPOCH + Duration::from_secs(block.time),
            note,
            spans: block.count,
            folder: folder.to_owned(),
            segment,
            range: block.first..block.first.saturating_add(spans),
            pieces: if block.is_note { Vec::new() } else { vec![block.payload] },
        };
        groups.insert(block.first, group);
    }
    let open = |group: &Group| group.spans > 0 && done.hole(group.range.clone()).is_some();
    Ok(groups.into_values().filter(open).collect())
}

pub(super) fn remove_on(disk: &dyn Disk, dir: &Path, id: &str) -> io::Result<()> {
    find(disk, dir, id)?;
    let _tool = only_tool(disk, dir)?;
    bury_again(disk, dir, &find(disk, dir, id)?)
}

pub(super) fn resend_on(disk: &dyn Disk, dir: &Path, id: &str) -> io::Result<()> {
    find(disk, dir, id)?;
    let _tool = only_tool(disk, dir)?;
    // Another tool may have had it in between.
    let group = find(disk, dir, id)?;
    let records = group.read_on(disk)?;
    let origin = FolderName::parse(&group.folder).ok_or(io::ErrorKind::InvalidInput)?;
    let name = origin.with_more(u32::from_be_bytes(disk::random(disk)?));
    let hidden = dir.join(unready(&name));
    disk.make_dir(&hidden)?;
    disk.create(&hidden.join(LOCK))?;
    let segment = SegmentName { number: 1, seed: u32::from_be_bytes(disk::random(disk)?) };
    let mut blocks = Vec::new();
    block::write_spans(&mut blocks, segment.seed, 0, disk.now(), &records)
        .ok_or(io::ErrorKind::InvalidData)?;
    let file = disk.create(&hidden.join(segment.spans()))?;
    disk::append_all(file.as_ref(), &blocks)?;
    file.sync()?;
    disk.sync_dir(&hidden)?;
    disk.rename(&hidden, &dir.join(name.to_string()))?;
    disk.sync_dir(dir)?;
    // Only now: should the power go before, they are in two places rather than in none.
    bury_again(disk, dir, &group)
}

fn find(disk: &dyn Disk, dir: &Path, id: &str) -> io::Result<Group> {
    let unknown = || io::Error::new(io::ErrorKind::NotFound, format!("there are no dead letters {id}"));
    list_on(disk, dir)?.into_iter().find(|group| group.id == id).ok_or_else(unknown)
}

/// Notes that a group is no more, and removes files that hold nothing else.
fn bury_again(disk: &dyn Disk, dir: &Path, group: &Group) -> io::Result<()> {
    let path = dir.join(DEAD_LETTERS).join(&group.folder);
    let done = path.join(group.segment.done());
    let file = match disk.open(&done) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => disk.create(&done),
        opened => opened,
    }?;
    let mut frame = Vec::new();
    settled::write(&mut frame, group.segment.seed, &group.range);
    disk::append_all(file.as_ref(), &frame)?;
    file.sync()?;
    disk.sync_dir(&path)?;
    clean(disk, dir)
}

/// Removes files of which nothing is left, of processes that have ended.
fn clean(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    let dir = dir.join(DEAD_LETTERS);
    for entry in disk.list(&dir)?.iter().filter(|entry| entry.is_dir()) {
        let Some(name) = FolderName::parse(entry.text()) else { continue };
        let Some(claim) = claim::Claim::take(disk, &dir, &name)? else { continue };
        let mut left = false;
        for (segment, _) in segments(&disk.list(&claim.path)?) {
            let bytes = whole(disk, &claim.path.join(segment.spans()))?;
            let found = block::scan(&bytes, segment.seed);
            let done: Settled = settled::read_file(disk, &claim.path, segment)?;
            if found.blocks.is_empty() && found.rubbish || done.hole(0..found.end).is_some() {
                left = true;
            } else {
                disk::remove_file(disk, &claim.path.join(segment.spans()))?;
            }
        }
        if !left {
            folder::remove(disk, claim)?;
        }
    }
    Ok(())
}

/// One tool at a time.
fn only_tool(disk: &dyn Disk, dir: &Path) -> io::Result<File> {
    let dir = dir.join(DEAD_LETTERS);
    for _ in 0..TRIES {
        if let Some(lock) = claim::lock(disk, &dir)? {
            return Ok(lock);
        }
        std::thread::sleep(PAUSE);
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, format!("another tool is at work in {}", dir.display())))
}

fn whole(disk: &dyn Disk, path: &Path) -> io::Result<Vec<u8>> {
    let file = disk.open(path)?;
    disk::read(file.as_ref(), 0, file.size()?)
}
