//! Dead letters in a spool directory: to look at, to send again, or to remove.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::INSTRUMENTATION;
use crate::ext::delivery::{DeadLetter, StoredLetters, dead_letter_store};

/// The dead letters in a spool directory, of all processes and accounts, oldest first within a process. Processes may be
/// at work in it.
///
/// ```no_run
/// use paid::tracing::dead_letters;
///
/// # fn main() -> std::io::Result<()> {
/// for stored in dead_letters("/var/lib/my-agent/paid")? {
///     println!("{} {} {}", stored.id(), stored.letter().status, stored.letter().reason);
///     if stored.letter().reason.contains("unknown customer") {
///         stored.resend()?; // the customer is known now
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The directory can't be read.
pub fn dead_letters(spool_dir: impl AsRef<Path>) -> io::Result<Vec<StoredDeadLetter>> {
    let dir = spool_dir.as_ref();
    let stored = |group| StoredDeadLetter::new(dir, group);
    dead_letter_store::list(dir)?.into_iter().map(stored).collect()
}

/// A dead letter in a spool directory. See [`dead_letters`].
#[derive(Clone, Debug)]
pub struct StoredDeadLetter {
    dir: PathBuf,
    id: String,
    recorded_at: SystemTime,
    letter: DeadLetter,
}

impl StoredDeadLetter {
    fn new(dir: &Path, group: StoredLetters) -> io::Result<Self> {
        let records = group.records()?;
        let spans = u64::from(group.spans);
        let (status, reason, refused) = match group.note {
            Some(note) => (note.status, note.reason, note.refused),
            None => (0, "the note is damaged".to_string(), spans),
        };
        let letter =
            DeadLetter::new(INSTRUMENTATION, &records, spans, (status, reason, refused), Some(group.path));
        Ok(StoredDeadLetter { dir: dir.to_path_buf(), id: group.id, recorded_at: group.recorded_at, letter })
    }

    /// Names it, as long as it is there.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it was refused.
    pub fn recorded_at(&self) -> SystemTime {
        self.recorded_at
    }

    /// The spans, and why they were refused.
    pub fn letter(&self) -> &DeadLetter {
        &self.letter
    }

    /// Puts the spans back among those to be sent: a process with the same key and spool directory sends them within
    /// seconds, or when it starts.
    ///
    /// # Errors
    ///
    /// The collector took some of them and did not say which, so that sending them again would bill those twice
    /// ([`resend_all`](Self::resend_all) does it all the same); it is gone; the directory can't be written.
    pub fn resend(&self) -> io::Result<()> {
        let DeadLetter { refused, spans, .. } = self.letter;
        if refused < spans {
            let problem = format!(
                "of these {spans} spans the collector refused {refused} and took the others, without saying which: sent \
                 again, those would count twice"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        }
        self.resend_all()
    }

    /// As [`resend`](Self::resend), with spans among them that were taken before.
    ///
    /// # Errors
    ///
    /// It is gone; the directory can't be written.
    pub fn resend_all(&self) -> io::Result<()> {
        dead_letter_store::resend(&self.dir, &self.id)
    }

    /// Removes it for good.
    ///
    /// # Errors
    ///
    /// It is gone; the directory can't be written.
    pub fn remove(&self) -> io::Result<()> {
        dead_letter_store::remove(&self.dir, &self.id)
    }
}
