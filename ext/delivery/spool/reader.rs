//! The sender's side: what is read next, what is settled, and whose folders this process reads.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::claim::Claim;
use super::folder::{self, Folder, Turn};
use super::names::{DEAD_LETTERS, FolderName};
use super::segment::Limits;
use super::{Finding, Next, Place, Spool, lock};

/// Beyond so many, folders of ended processes wait, or are taken by others.
const MOST_ADOPTED: usize = 16;

pub(super) struct Reader {
    pub key: String,
    own: Folder,
    adopted: Vec<Adopted>,
    /// How many were adopted, ever.
    adoptions: u32,
    /// Whether it is the turn of an adopted one.
    others_turn: bool,
    /// Known before there was anyone to tell.
    next: Option<Next>,
    pub findings: Vec<Finding>,
    told: BTreeSet<(PathBuf, String)>,
    /// Folders with something alien in them.
    alien: BTreeSet<PathBuf>,
}

struct Adopted {
    claim: Claim,
    folder: Folder,
}

impl Reader {
    pub fn new(key: &str) -> Self {
        Reader {
            key: key.to_owned(),
            own: Folder::own(),
            adopted: Vec::new(),
            adoptions: 0,
            others_turn: false,
            next: None,
            findings: Vec::new(),
            told: BTreeSet::new(),
            alien: BTreeSet::new(),
        }
    }

    pub fn next(&mut self, spool: &Spool, spans: usize, bytes: usize) -> Option<Next> {
        let oldest = oldest(spool);
        let limits = Limits { spans, bytes, oldest };
        let next = self.next.take().or_else(|| {
            self.others_turn = !self.others_turn;
            match self.others_turn {
                true => self.next_adopted(spool, limits).or_else(|| self.next_own(spool, limits)),
                false => self.next_own(spool, limits).or_else(|| self.next_adopted(spool, limits)),
            }
        });
        self.look_for_left(spool);
        next
    }

    fn next_own(&mut self, spool: &Spool, limits: Limits) -> Option<Next> {
        self.learn(spool);
        let path = spool.home_path().ok()?;
        let next = loop {
            match self.own.next(spool.disk.as_ref(), spool.dir(), &path, limits)? {
                Turn::Next(next) => break next,
                Turn::Trouble(finding, _) => self.find(finding),
            }
        };
        let count = match &next {
            Next::Batch(stored) => u64::from(stored.spans),
            Next::Lost(lost) => lost.spans,
        };
        spool.read.fetch_add(count, Ordering::Release);
        Some(next)
    }

    fn next_adopted(&mut self, spool: &Spool, limits: Limits) -> Option<Next> {
        let mut findings = Vec::new();
        let next = self.adopted.iter_mut().find_map(|adopted| {
            loop {
                let path = &adopted.claim.path;
                match adopted.folder.next(spool.disk.as_ref(), spool.dir(), path, limits)? {
                    Turn::Next(next) => return Some(next),
                    Turn::Trouble(finding, next) => {
                        findings.push(finding);
                        if next.is_some() {
                            return next;
                        }
                    }
                }
            }
        });
        findings.into_iter().for_each(|finding| self.find(finding));
        next
    }

    /// Takes in the segments that were started since.
    fn learn(&mut self, spool: &Spool) {
        std::mem::take(&mut *lock(&spool.started)).into_iter().for_each(|live| self.own.push(live));
    }

    fn look_for_left(&self, spool: &Spool) {
        let has_left = self.adopted.iter().any(|adopted| adopted.folder.is_readable());
        spool.has_left.store(has_left, Ordering::Release);
        let has_unread = self.adopted.iter().any(|adopted| adopted.folder.has_unread());
        spool.has_unread_adopted.store(has_unread, Ordering::Release);
    }

    /// To be told, unless it was.
    pub fn find(&mut self, finding: Finding) {
        let news = match &finding {
            Finding::Problem { path, error } => self.told.insert((path.clone(), error.clone())),
            Finding::Lost(_) | Finding::SetAside { .. } => true,
        };
        if news {
            self.findings.push(finding);
        }
    }

    pub fn settle(&mut self, place: &Place) {
        let adopted = self.adopted.iter_mut().map(|adopted| &mut adopted.folder);
        if let Some(folder) = std::iter::once(&mut self.own).chain(adopted).find(|it| it.id() == place.folder)
        {
            folder.settle(place);
        }
    }

    pub fn persist(&mut self, spool: &Spool) -> io::Result<()> {
        self.learn(spool);
        let disk = spool.disk.as_ref();
        let (persisted, mut result) = self.own.persist(disk, &spool.home_path()?, &spool.usage);
        spool.to_sync.add_done(persisted.files);
        spool.to_sync.removed(persisted.removed);
        for mut adopted in std::mem::take(&mut self.adopted) {
            let (persisted, outcome) = adopted.folder.persist(disk, &adopted.claim.path, &spool.usage);
            spool.to_sync.add_done(persisted.files);
            result = result.and(outcome);
            if adopted.folder.is_empty() {
                self.remove(spool, adopted.claim);
            } else {
                self.adopted.push(adopted);
            }
        }
        self.look_for_left(spool);
        result
    }

    /// Removes a folder that has no segments any more.
    pub fn remove(&mut self, spool: &Spool, claim: Claim) {
        let path = claim.path.clone();
        match folder::remove(spool.disk.as_ref(), claim) {
            Ok(true) => {}
            Ok(false) => drop(self.alien.insert(path)),
            Err(error) => self.find(Finding::Problem { path, error: error.to_string() }),
        }
    }

    /// Whether one more folder of an ended process can be read.
    pub fn has_room(&self) -> bool {
        self.adopted.len() < MOST_ADOPTED
    }

    pub fn is_alien(&self, path: &Path) -> bool {
        self.alien.contains(path)
    }

    pub fn adopt(&mut self, spool: &Spool, claim: Claim) -> io::Result<()> {
        self.adoptions += 1;
        let folder = Folder::left(spool.disk.as_ref(), &claim.path, self.adoptions)?;
        if folder.is_empty() {
            self.remove(spool, claim);
        } else {
            self.adopted.push(Adopted { claim, folder });
            self.look_for_left(spool);
        }
        Ok(())
    }

    /// Reads again what could not be read.
    pub fn retry(&mut self) {
        self.own.retry();
        self.adopted.iter_mut().for_each(|adopted| adopted.folder.retry());
    }

    pub fn rekey(&mut self, spool: &Spool, key: &str) -> io::Result<()> {
        if self.key == key {
            return Ok(());
        }
        let disk = spool.disk.as_ref();
        let mut result = Ok(());
        // The writer must find its folder where it looks for it.
        let _writer = lock(&spool.writer);
        if let Some(home) = lock(&spool.home).as_mut() {
            let name = home.name.with_key(key);
            result = home.rename(disk, &name);
            result = result.and(lock(&spool.undertaker).rename(disk, spool.dir(), &name));
        }
        for adopted in &mut self.adopted {
            let name = adopted.claim.name.with_key(key);
            result = result.and(adopted.claim.rename(disk, &name));
        }
        self.rename_dead_letters(spool, key);
        self.key = key.to_owned();
        spool.to_sync.directory_changed();
        result
    }

    /// Those that other processes left. What can't be renamed needs the old key to be sent again.
    fn rename_dead_letters(&mut self, spool: &Spool, key: &str) {
        let dir = spool.dir().join(DEAD_LETTERS);
        let entries = super::disk::list(spool.disk.as_ref(), &dir).unwrap_or_default();
        for entry in entries.iter().filter(|entry| entry.is_dir()) {
            let Some(name) = FolderName::parse(entry.text()).filter(|name| name.fits(&self.key)) else {
                continue;
            };
            let renamed = Claim::take(spool.disk.as_ref(), &dir, &name).and_then(|claim| {
                claim.map_or(Ok(()), |mut claim| claim.rename(spool.disk.as_ref(), &name.with_key(key)))
            });
            if let Err(error) = renamed {
                self.find(Finding::Problem { path: dir.join(&entry.name), error: error.to_string() });
            }
        }
    }

    pub fn close(&mut self, spool: &Spool) {
        // What could not be noted is sent again by the next process.
        let _ = self.persist(spool);
        self.adopted.clear();
        self.look_for_left(spool);
        let home = lock(&spool.home).take();
        if let Some(home) = home.filter(|_| self.own.is_empty()) {
            self.remove(spool, home);
        }
    }
}

/// Records from before are too old.
pub(super) fn oldest(spool: &Spool) -> u64 {
    spool.disk.now().saturating_sub(spool.settings.max_age.as_secs())
}
