//! Why a call that failed was not repeated, though retries were left.

use std::fmt;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotRepeated {
    /// The server asks to wait this long.
    RetryAfter(Duration),
    /// The client has no retry in its budget.
    BudgetEmpty,
    /// The call's deadline ends before the next attempt.
    Deadline,
    /// The method is not idempotent.
    MayHaveBeenProcessed,
}

impl fmt::Display for NotRepeated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(". It was not repeated: ")?;
        match self {
            NotRepeated::RetryAfter(wait) => {
                write!(f, "the API asks to wait {wait:?} (Retry-After), which is too long")
            }
            NotRepeated::BudgetEmpty => f.write_str("the client's retry budget is empty (retry_budget)"),
            NotRepeated::Deadline => f.write_str("the deadline ends before the next attempt (deadline)"),
            NotRepeated::MayHaveBeenProcessed => f.write_str(
                "the API may have processed it. Give it an .idempotency_key(..), or allow it with .retry_unsafe(true)",
            ),
        }
    }
}
