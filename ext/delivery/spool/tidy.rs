//! Looking around in the directory: what ended processes left, and what is too old for anyone.

use std::io;
use std::path::Path;

use super::claim::{self, Claim};
use super::disk::{self, Disk};
use super::folder;
use super::names::{self, FolderName, LOCK, SegmentName};
use super::reader::{Reader, oldest};
use super::{Finding, Lost, LostCause, Orphaned, Spool, lock, usage};

/// A folder that was not finished after so many seconds never will be.
const UNREADY: u64 = 3600;

pub(super) fn tidy(spool: &Spool, reader: &mut Reader) -> Vec<Finding> {
    let disk = spool.disk.as_ref();
    spool.look_home();
    reader.retry();
    let looked = spool.usage.measure(disk, spool.dir()).and_then(|()| disk.list(spool.dir()));
    let is_unknown = looked.is_err();
    let entries = looked.unwrap_or_else(|error| {
        reader.find(Finding::Problem { path: spool.dir().to_owned(), error: error.to_string() });
        Vec::new()
    });
    let mut orphaned = Orphaned { is_unknown, ..Orphaned::default() };
    for entry in entries.iter().filter(|entry| entry.is_dir()) {
        let path = spool.dir().join(&entry.name);
        let result = match FolderName::parse(entry.text()) {
            Some(name) if !reader.is_alien(&path) => look_at(spool, reader, &path, &name, &mut orphaned),
            None if names::is_unready(entry.text()) && entry.modified + UNREADY < disk.now() => {
                remove_unready(disk, &path)
            }
            _ => Ok(()),
        };
        match result {
            // Someone else was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                orphaned.is_unknown |=
                    FolderName::parse(entry.text()).is_some_and(|name| name.fits(&reader.key));
                reader.find(Finding::Problem { path, error: error.to_string() });
            }
            Ok(()) => {}
        }
    }
    *lock(&spool.orphaned) = orphaned;
    std::mem::take(&mut reader.findings)
}

fn look_at(
    spool: &Spool,
    reader: &mut Reader,
    path: &Path,
    name: &FolderName,
    orphaned: &mut Orphaned,
) -> io::Result<()> {
    let disk = spool.disk.as_ref();
    let adopts = name.fits(&reader.key);
    let oldest = oldest(spool);
    let Some(claim) = Claim::take(disk, spool.dir(), name)? else { return Ok(()) };
    if adopts && !reader.has_room() {
        orphaned.own_bytes += usage::size(disk, path, 0);
        return Ok(());
    }
    if !adopts && !folder::seems_older(disk, path, oldest)? {
        orphaned.other_bytes += usage::size(disk, path, 0);
        return Ok(());
    }
    if adopts {
        return reader.adopt(spool, claim);
    }
    let mut findings = Vec::new();
    let expired = folder::expire(disk, spool.dir(), path, oldest, &mut findings);
    findings.into_iter().for_each(|finding| reader.find(finding));
    let Some(spans) = expired? else { return Ok(()) };
    if spans > 0 {
        let detail = format!("what was recorded in {} is too old", path.display());
        reader.find(Finding::Lost(Lost { spans, seq: None, cause: LostCause::Expired, detail }));
    }
    reader.remove(spool, claim);
    Ok(())
}

/// Removes a folder that someone started to make. There is nothing in it that is not elsewhere.
fn remove_unready(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    let Some(_lock) = claim::lock(disk, path)? else { return Ok(()) };
    for entry in disk.list(path)?.iter().filter(|entry| entry.is_file()) {
        if entry.text() == LOCK || SegmentName::parse_spans(entry.text()).is_some() {
            disk::remove_file(disk, &path.join(&entry.name))?;
        }
    }
    disk.remove_dir(path)
}
