//! What the user is told: problems that pass, losses, and dead letters; in the log, and to callbacks.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::encode;
use super::loss::Loss;

type OnLoss = Arc<dyn Fn(&Loss) + Send + Sync>;
type OnDeadLetter = Arc<dyn Fn(&DeadLetter) + Send + Sync>;

/// Spans that the collector refused for good: sent again as they are, they would be refused again.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The collector's status; 200 if it took the rest of the request.
    pub status: u16,
    /// The collector's words, cut.
    pub reason: String,
    /// How many spans were refused.
    pub refused: u64,
    /// How many spans are in here. More than were refused if the collector doesn't say which they were: the others were
    /// taken, and must not be sent again.
    pub spans: u64,
    /// Where they are kept; none without a spool directory, or if it could not be written.
    pub file: Option<PathBuf>,
    /// The spans as an OTLP `ExportTraceServiceRequest` in protobuf, without the key.
    pub otlp: Vec<u8>,
}

impl DeadLetter {
    pub(crate) fn new(
        scope: (&str, &str),
        records: &[u8],
        spans: u64,
        (status, reason, refused): (u16, String, u64),
        file: Option<PathBuf>,
    ) -> Self {
        let mut otlp = encode::head(None, scope, records.len());
        otlp.extend_from_slice(records);
        DeadLetter { status, reason, refused, spans, file, otlp }
    }
}

impl fmt::Debug for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetter")
            .field("status", &self.status)
            .field("reason", &self.reason)
            .field("refused", &self.refused)
            .field("spans", &self.spans)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// The user's callbacks. They run on the sender's thread.
#[derive(Clone, Default)]
pub(crate) struct Callbacks {
    pub on_loss: Option<OnLoss>,
    pub on_dead_letter: Option<OnDeadLetter>,
}

impl Callbacks {
    /// Whether `on_loss` is not given here, or is the very same function there.
    pub fn on_loss_is_that_of(&self, other: &Callbacks) -> bool {
        same_if_given(&self.on_loss, &other.on_loss)
    }

    /// As [`on_loss_is_that_of`](Self::on_loss_is_that_of), for `on_dead_letter`.
    pub fn on_dead_letter_is_that_of(&self, other: &Callbacks) -> bool {
        same_if_given(&self.on_dead_letter, &other.on_dead_letter)
    }
}

fn same_if_given<T: ?Sized>(given: &Option<Arc<T>>, other: &Option<Arc<T>>) -> bool {
    given.as_ref().is_none_or(|given| other.as_ref().is_some_and(|other| Arc::ptr_eq(given, other)))
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callbacks")
            .field("on_loss", &self.on_loss.is_some())
            .field("on_dead_letter", &self.on_dead_letter.is_some())
            .finish()
    }
}

/// Where a pipeline reports to, and what is wrong with it now.
#[derive(Debug, Default)]
pub(super) struct Reports {
    callbacks: Callbacks,
    problem: Mutex<Option<String>>,
}

impl Reports {
    pub fn new(callbacks: Callbacks) -> Self {
        Reports { callbacks, problem: Mutex::default() }
    }

    /// Why nothing goes out at the moment.
    pub fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Spans wait for a better time. Logged once per run of failures, not per attempt.
    pub fn holding(&self, problem: &str) {
        let mut known = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            tracing::error!(target: "paid", "spans are held and will be sent again: {problem}");
        }
        *known = Some(problem.to_string());
    }

    pub fn delivering(&self) {
        if self.problem.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            tracing::info!(target: "paid", "spans go out again");
        }
    }

    pub fn lost(&self, loss: &Loss) {
        tracing::error!(target: "paid", spans = loss.spans, "spans are lost: {}", loss.cause);
        if let Some(callback) = &self.callbacks.on_loss {
            call(|| callback(loss));
        }
    }

    pub fn dead(&self, letter: &DeadLetter) {
        tracing::error!(
            target: "paid",
            status = letter.status,
            refused = letter.refused,
            file = letter.file.as_ref().map(|file| tracing::field::display(file.display())),
            "the collector refused spans for good: {}",
            letter.reason
        );
        if let Some(callback) = &self.callbacks.on_dead_letter {
            call(|| callback(letter));
        }
    }
}

/// A callback that panics does not end delivery.
fn call(callback: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(callback)).is_err() {
        tracing::error!(target: "paid", "a callback of yours panicked");
    }
}
