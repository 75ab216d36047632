//! Why tracing did not start.

use std::fmt;

/// Why tracing did not start. The program goes on untraced.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TracingError {
    /// There is no API key.
    NoKey,
    /// The process has clients of several accounts, and none of them is the default.
    NoDefaultAccount,
    /// The key or the endpoint can't be used; the text says why.
    Invalid(String),
    /// Another account is the default of the process already.
    AlreadyInitialized,
    /// The account is traced already, with other settings; the text names those that differ.
    Conflict(String),
    /// [`TracingOptions::require_spool`](super::super::TracingOptions::require_spool) is set, and there is no spool
    /// directory that can be used; the text says why.
    SpoolUnusable(String),
    /// Tracing was shut down.
    ShutDown,
}

impl fmt::Display for TracingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TracingError::NoKey => f.write_str(
                "there is no API key: set PAID_API_KEY, build a client with one, or give it to initialize_tracing",
            ),
            TracingError::NoDefaultAccount => f.write_str(
                "the process has clients of several accounts and no default: open the scope from a client, wrap the \
                 code in client.as_default(..), or name the default with initialize_tracing(..)",
            ),
            TracingError::Invalid(problem) => f.write_str(problem),
            TracingError::AlreadyInitialized => f.write_str(
                "the process traces under another account by default already: open scopes from a client to trace \
                 under its key, or wrap the code in client.as_default(..)",
            ),
            TracingError::Conflict(problem) => write!(
                f,
                "this account is traced already, and {problem}: give all settings where tracing starts first, or call \
                 shutdown(..) before"
            ),
            TracingError::SpoolUnusable(problem) => write!(
                f,
                "a spool directory is required, and there is none to use: {problem}. Set spool_dir(..) or PAID_SPOOL_DIR to a \
                 directory that this user can write"
            ),
            TracingError::ShutDown => f.write_str("it was shut down"),
        }
    }
}

impl std::error::Error for TracingError {}
