//! What the user is told: problems that pass, losses, and dead letters; in the log, and to callbacks.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::encode;
use super::loss::Loss;
use crate::ext::log::log;

type OnLoss = Arc<dyn Fn(&Loss) + Send + Sync>;
type OnDeadLetter = Arc<dyn Fn(&DeadLetter) + Send + Sync>;

/// Spans that the collector refused for good: sent again as they are, they would be refused again.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The collector's status; 200 if it took the rest of the request.
    pub status: u16,
    /// The collector's words: at most 200 characters, without control characters.
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

/// Where a pipeline reports to, and what is wrong with it now. Nothing is logged or called under a lock: a layer or a
/// callback of the host may ask for the problem.
#[derive(Debug, Default)]
pub(super) struct Reports {
    callbacks: Callbacks,
    problem: Mutex<Option<String>>,
    account: Mutex<Option<String>>,
}

impl Reports {
    pub fn new(callbacks: Callbacks) -> Self {
        Reports { callbacks, ..Reports::default() }
    }

    /// The account in log lines, as the fingerprint of its key.
    pub fn set_account(&self, fingerprint: &str) {
        let mut known = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_deref() != Some(fingerprint) {
            *known = Some(fingerprint.to_string());
        }
    }

    /// The account, once its key is known.
    pub fn account(&self) -> Option<String> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why nothing goes out at the moment.
    pub fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Spans are held until a later attempt. Logged once per run of failures, not per attempt.
    pub fn holding(&self, problem: &str) {
        let known = self.problem.lock().unwrap_or_else(PoisonError::into_inner).replace(problem.to_string());
        if known.is_none() {
            let account = self.account();
            log(|| {
                tracing::error!(target: "paid", account, "spans are held and will be sent again: {problem}");
            });
        }
    }

    pub fn delivering(&self) {
        if self.problem.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            let account = self.account();
            log(|| tracing::info!(target: "paid", account, "spans go out again"));
        }
    }

    pub fn lost(&self, loss: &Loss) {
        let account = self.account();
        log(|| {
            tracing::error!(target: "paid", account, spans = loss.spans, "spans are lost: {}", loss.cause);
        });
        if let Some(callback) = &self.callbacks.on_loss {
            call(|| callback(loss));
        }
    }

    /// The collector's words go to the callback alone: they may quote the spans.
    pub fn dead(&self, letter: &DeadLetter) {
        let (account, status, refused) = (self.account(), letter.status, letter.refused);
        log(|| {
            tracing::error!(
                target: "paid",
                account,
                status,
                refused,
                "the collector refused spans for good: its words are in the dead letter"
            );
        });
        if let Some(callback) = &self.callbacks.on_dead_letter {
            call(|| callback(letter));
        }
    }
}

/// A callback that panics does not end delivery.
fn call(callback: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(callback)).is_err() {
        log(|| tracing::error!(target: "paid", "a callback of yours panicked"));
    }
}
