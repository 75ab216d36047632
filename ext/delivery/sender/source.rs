//! Where the sender's batches come from: memory, or the spool and what did not get into it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Shared;
use super::batch::Batch;
use crate::ext::delivery::chunk::{MOST_BYTES, MOST_SPANS};
use crate::ext::delivery::loss::LossCause;
use crate::ext::delivery::queue::Taken;
use crate::ext::delivery::spool::{DeadLetterNote, Finding, Lost, LostCause, Next, Place, Spool};
use crate::ext::delivery::stats::Settled;
use crate::ext::delivery::writer::Disk;
use crate::ext::log::log;

/// How long a span waits for others to share a request with.
const LINGER: Duration = Duration::from_millis(200);
/// How often what was settled is noted on disk, and how often ended processes are looked for.
const PERSIST: Duration = Duration::from_millis(200);
const TIDY: Duration = Duration::from_secs(3);
/// How often, while someone waits and more folders than can be read at once are there.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// In memory, everything that happens wakes the sender.
const NOTHING_TO_DO: Duration = Duration::from_secs(60);

pub(super) struct Source {
    /// None: memory only.
    disk: Option<Arc<Disk>>,
    unread_since: Option<Instant>,
    /// Settled on disk, and not noted there yet.
    unnoted_since: Option<Instant>,
    tidied: Option<Instant>,
    key: Option<String>,
    flushing: bool,
    /// The newest flush that the directory was looked through for.
    looked_for: u64,
    reported_others: bool,
}

impl Source {
    pub fn new(disk: Option<Arc<Disk>>) -> Self {
        Source {
            disk,
            unread_since: None,
            unnoted_since: None,
            tidied: None,
            key: None,
            flushing: false,
            looked_for: 0,
            reported_others: false,
        }
    }

    fn spool(&self) -> Option<&Spool> {
        self.disk.as_ref().and_then(|disk| disk.spool())
    }

    /// A batch, or how long there is none.
    pub fn next(&mut self, shared: &Shared) -> Result<Batch, Duration> {
        let Some(disk) = self.disk.clone() else { return from_memory(shared, false) };
        let disk_wait = match disk.spool() {
            Some(spool) => match self.next_on_disk(spool, shared) {
                Ok(batch) => return Ok(batch),
                Err(wait) => wait,
            },
            None => NOTHING_TO_DO,
        };
        if !disk.is_failing() {
            return Err(disk_wait);
        }
        from_memory(shared, true).map_err(|wait| wait.min(disk_wait))
    }

    fn next_on_disk(&mut self, spool: &Spool, shared: &Shared) -> Result<Batch, Duration> {
        shared.queue.wake().sender_idles(true);
        let unread = spool.unread();
        if unread == 0 {
            self.unread_since = None;
            return Err(NOTHING_TO_DO);
        }
        shared.queue.wake().sender_idles(false);
        let since = *self.unread_since.get_or_insert_with(Instant::now);
        let left = LINGER.saturating_sub(since.elapsed());
        if unread < u64::from(MOST_SPANS) && !self.flushing && !left.is_zero() {
            return Err(left);
        }
        while let Some(next) = spool.next(MOST_SPANS as usize, MOST_BYTES) {
            match next {
                Next::Lost(lost) => {
                    // It may have been the last that a file is kept for.
                    self.unnoted_since.get_or_insert_with(Instant::now);
                    note_loss(shared, &lost);
                }
                Next::Batch(stored) => {
                    if stored.seq.is_none() {
                        shared.queue.adopt(u64::from(stored.spans));
                    }
                    return Ok(Batch::of_stored(stored));
                }
            }
        }
        self.unread_since = None;
        Err(NOTHING_TO_DO)
    }

    /// These need never be sent again. It is noted on disk before anyone who flushes is told.
    pub fn settled(&mut self, place: &Place, now: bool) {
        let Some(spool) = self.disk.as_ref().and_then(|disk| disk.spool()) else { return };
        spool.settle(place);
        self.unnoted_since.get_or_insert_with(Instant::now);
        if now {
            self.note();
        }
    }

    fn note(&mut self) {
        self.unnoted_since = None;
        if let Some(Err(error)) = self.spool().map(Spool::persist) {
            log(
                || tracing::warn!(target: "paid", "what was delivered can't be noted in the spool directory: {error}"),
            );
        }
    }

    /// What is to be done from time to time. A flush that is new has the directory looked through at once.
    pub fn look_after(&mut self, shared: &Shared, (flushes, flushing): (u64, bool)) {
        self.flushing = flushing;
        if self.unnoted_since.is_some_and(|since| since.elapsed() >= PERSIST) {
            self.note();
        }
        let news = flushing && self.looked_for != flushes;
        let more = flushing && self.spool().is_some_and(|spool| spool.orphaned().own_bytes > 0);
        let pause = if more { LOOK_AGAIN } else { TIDY };
        if news || self.tidied.is_none_or(|tidied| tidied.elapsed() >= pause) {
            self.look(shared);
            if self.tidied.is_some() || self.disk.as_ref().is_none_or(|disk| disk.is_unusable()) {
                self.looked_for = flushes;
            }
        }
        if flushing {
            let is_clear = self.spool().is_none_or(|spool| {
                let orphaned = spool.orphaned();
                orphaned.own_bytes == 0 && !orphaned.is_unknown && !spool.has_unread_adopted()
            });
            shared.queue.looked(self.looked_for, is_clear);
        }
    }

    fn look(&mut self, shared: &Shared) {
        let Some(spool) = self.spool() else { return };
        let findings = spool.tidy();
        let others = spool.orphaned().other_bytes;
        let dir = spool.dir().to_owned();
        self.tidied = Some(Instant::now());
        if others > 0 && !std::mem::replace(&mut self.reported_others, true) {
            log(|| {
                tracing::warn!(
                    target: "paid",
                    "{others} bytes of spans in {} were recorded under another key, and wait for a process with it: start \
                     one with that key to deliver them",
                    dir.display()
                )
            });
        }
        // What was found may be empty: it is removed as what was delivered is.
        self.unnoted_since.get_or_insert_with(Instant::now);
        for finding in findings {
            match finding {
                Finding::Lost(lost) => note_loss(shared, &lost),
                Finding::SetAside { path, why } => {
                    log(|| tracing::warn!(target: "paid", "set aside as {}: {why}", path.display()));
                }
                Finding::Problem { path, error } => {
                    log(
                        || tracing::warn!(target: "paid", "in the spool directory, {}: {error}", path.display()),
                    );
                }
            }
        }
    }

    /// Whether what is in memory goes to disk.
    pub fn writes(&self) -> bool {
        self.disk.as_ref().is_some_and(|disk| !disk.is_failing())
    }

    /// How long the sender may sleep before it has to look after something.
    pub fn longest_sleep(&self) -> Duration {
        if self.flushing && self.disk.is_some() {
            return LOOK_AGAIN;
        }
        match (&self.disk, self.unnoted_since) {
            (_, Some(since)) => PERSIST.saturating_sub(since.elapsed()),
            (Some(_), None) => super::LONGEST_SLEEP,
            (None, None) => NOTHING_TO_DO,
        }
    }

    /// The key may have changed since the spool was opened.
    pub fn use_key(&mut self, key: &str) {
        let known = self.key.as_deref() == Some(key);
        if known {
            return;
        }
        if let Some(spool) = self.spool() {
            if let Err(error) = spool.rekey(key) {
                log(|| tracing::warn!(target: "paid", "the spool can't be renamed for the new key: {error}"));
            }
            self.key = Some(key.to_string());
        }
    }

    /// Keeps what was refused for good; where, if it could be kept.
    pub fn bury(&self, records: &[u8], status: u16, reason: &str, refused: u64) -> Option<PathBuf> {
        let note = DeadLetterNote { status, reason: reason.to_string(), refused };
        match self.spool()?.dead_letter(records, &note) {
            Ok(file) => Some(file),
            Err(error) => {
                log(
                    || tracing::error!(target: "paid", "dead letters can't be written to the spool directory: {error}"),
                );
                None
            }
        }
    }

    /// Whether everything that will be written to disk has been.
    pub fn is_final(&self) -> bool {
        self.disk.as_ref().is_none_or(|disk| disk.is_done())
    }

    /// At the end: what is left in memory.
    pub fn rest(&mut self, shared: &Shared) -> Vec<Batch> {
        let has_disk = self.disk.is_some();
        std::iter::from_fn(|| from_memory(shared, has_disk).ok()).collect()
    }

    pub fn end(&mut self) {
        if let Some(spool) = self.spool() {
            spool.close();
        }
    }
}

/// From memory: with a disk, only what could not be written to it.
fn from_memory(shared: &Shared, has_disk: bool) -> Result<Batch, Duration> {
    let taken = match has_disk {
        true => shared.queue.take_unwritten(LINGER),
        false => shared.queue.take_ripe(LINGER),
    };
    match taken {
        Taken::Chunk(chunk) => {
            let (batch, spare) = Batch::of_chunk(chunk);
            if let Some(spare) = spare {
                shared.queue.recycle(spare);
            }
            Ok(batch)
        }
        Taken::NotBefore(then) => Err(then.saturating_duration_since(Instant::now())),
        Taken::Nothing => Err(NOTHING_TO_DO),
    }
}

fn note_loss(shared: &Shared, lost: &Lost) {
    log(|| tracing::warn!(target: "paid", "{}", lost.detail));
    let cause = match lost.cause {
        LostCause::Expired => LossCause::Expired,
        LostCause::Corrupt | LostCause::Unreadable => LossCause::Corrupt,
    };
    match &lost.seq {
        Some(numbers) => shared.queue.settle_on_disk(numbers.clone(), Settled::Dropped),
        None => {
            shared.queue.adopt(lost.spans);
            shared.queue.settle_adopted(lost.spans, Settled::Dropped);
        }
    }
    shared.queue.lose(cause, lost.spans);
}
