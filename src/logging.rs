//! Log lines of the SDK, at the level of `PAID_LOG_LEVEL`.
//!
//! The SDK writes [`tracing`] events under the target `paid`: a program with a subscriber of its own
//! sees them there. A program without one calls [`init`].

use std::fmt::{self, Write as _};
use std::io::Write as _;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// The variable that sets the level: DEBUG, INFO, WARNING, ERROR or CRITICAL, in any letter case.
pub const LEVEL_VARIABLE: &str = "PAID_LOG_LEVEL";

/// Writes the SDK's log lines to standard error, at the level of `PAID_LOG_LEVEL`, ERROR by default.
///
/// It does nothing if the program has a [`tracing`] subscriber already, and says so by returning
/// `false`. A level it does not know is reported on standard error and taken as ERROR.
///
/// ```
/// paid::logging::init();
/// ```
pub fn init() -> bool {
    let given = std::env::var(LEVEL_VARIABLE).unwrap_or_default();
    let level = level(&given);
    let installed =
        tracing::subscriber::set_global_default(Lines { level: level.unwrap_or(Some(Level::ERROR)) });
    if installed.is_ok() && level.is_none() {
        tracing::error!(
            target: "paid",
            "{LEVEL_VARIABLE} is {given:?}, which is not DEBUG, INFO, WARNING, ERROR or CRITICAL; ERROR is used"
        );
    }
    installed.is_ok()
}

/// Whether `PAID_LOG_LEVEL` lets errors through, for programs without a subscriber.
#[cfg(feature = "cost-tracing")]
pub(crate) fn is_error_wanted() -> bool {
    level(&std::env::var(LEVEL_VARIABLE).unwrap_or_default()) != Some(None)
}

/// The level of a name; `Some(None)` for CRITICAL, above which the SDK writes nothing; `None` if unknown.
fn level(name: &str) -> Option<Option<Level>> {
    match name.trim().to_ascii_uppercase().as_str() {
        "DEBUG" => Some(Some(Level::DEBUG)),
        "INFO" => Some(Some(Level::INFO)),
        "WARNING" | "WARN" => Some(Some(Level::WARN)),
        "ERROR" | "" => Some(Some(Level::ERROR)),
        "CRITICAL" => Some(None),
        _ => None,
    }
}

/// A subscriber for the SDK's events and nothing else.
struct Lines {
    level: Option<Level>,
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let ours = metadata.target() == "paid" || metadata.target().starts_with("paid::");
        metadata.is_event() && ours && self.level.is_some_and(|level| *metadata.level() <= level)
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        let time = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
        let level = match *event.metadata().level() {
            Level::WARN => "WARNING",
            level => level.as_str(),
        };
        // A closed standard error is no reason to disturb the program.
        let _ = writeln!(
            std::io::stderr().lock(),
            "{} {level} paid:{}",
            time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            line.0
        );
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// The message and fields of an event on one line.
struct Line(String);

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}").replace(['\n', '\r'], " ");
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.0, " {text}"),
            name => write!(self.0, " {name}={text}"),
        };
    }
}
