//! How traced code ended, as its span says it.

use std::any::Any;
use std::borrow::Cow;
use std::fmt::{self, Debug, Display, Write};

use crate::ext::delivery::{Exception, Status};
use crate::ext::redact::{may_quote_an_answer, redact, redact_keys};

/// What is read of an error's text, in bytes: more than any span keeps of it.
const LONGEST_READ: usize = 128 * 1024;

/// How traced code ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome(End);

#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Done,
    Failed(Exception),
    /// Given up before its end, such as a future that was dropped.
    Abandoned,
}

impl Outcome {
    pub(crate) const DONE: Outcome = Outcome(End::Done);
    pub(crate) const ABANDONED: Outcome = Outcome(End::Abandoned);

    /// An error value: its type's name and its text.
    pub(crate) fn of_error<E: Display + ?Sized>(error: &E) -> Self {
        Outcome::failed(Cow::Borrowed(std::any::type_name::<E>()), read(format_args!("{error}")))
    }

    /// An error value that has no text but its debug form.
    pub(crate) fn of_debug<E: Debug + ?Sized>(error: &E) -> Self {
        Outcome::failed(Cow::Borrowed(std::any::type_name::<E>()), read(format_args!("{error:?}")))
    }

    pub(crate) fn of_result<T, E: Display>(result: &Result<T, E>) -> Self {
        match result {
            Ok(_) => Outcome::DONE,
            Err(error) => Outcome::of_error(error),
        }
    }

    /// A panic: the text it was raised with.
    pub(crate) fn of_panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Outcome::failed("panic".into(), read(format_args!("{}", text.unwrap_or("a panic without text"))))
    }

    /// A panic that is seen by what it drops, where its text is not to be had.
    pub(crate) fn of_unwinding() -> Self {
        Outcome::failed("panic".into(), "the code panicked".into())
    }

    pub(crate) fn failed(kind: Cow<'static, str>, message: String) -> Self {
        Outcome(End::Failed(Exception { kind, message }))
    }

    /// The status of a span, and its `exception` event. Every span's text of an error comes through here: it is redacted
    /// and cut, and left out where it would quote an answer. A scope that stores content keeps the text, without its
    /// keys.
    pub(crate) fn into_status(self, stores_content: bool) -> (Status, Option<Exception>) {
        match self.0 {
            End::Done => (Status::Ok, None),
            End::Abandoned => (Status::Unset, None),
            End::Failed(Exception { kind, message }) => {
                let message = if stores_content {
                    redact_keys(&message)
                } else if may_quote_an_answer(&kind) {
                    without_quote(&message)
                } else {
                    redact(&message)
                };
                let exception = Exception { message: message.into_owned(), kind: redacted(kind) };
                let status = Status::Error(format!("{}: {}", short(&exception.kind), exception.message));
                (status, Some(exception))
            }
        }
    }
}

/// A text of any length, read as far as it may be kept. An implementation that fails has no more of it.
fn read(text: fmt::Arguments<'_>) -> String {
    struct Bounded(String);
    impl Write for Bounded {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let room = LONGEST_READ.saturating_sub(self.0.len());
            let end =
                (0..=room.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or_default();
            self.0.push_str(text.get(..end).unwrap_or_default());
            if end < text.len() { Err(fmt::Error) } else { Ok(()) }
        }
    }
    let mut bounded = Bounded(String::new());
    let _ = bounded.write_fmt(text);
    bounded.0
}

/// What remains of the text of an error that quotes what it could not read: where that was.
fn without_quote(message: &str) -> Cow<'static, str> {
    let is_position = |text: &str| {
        let (line, column) = text.split_once(" column ")?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        (is_number(line) && is_number(column)).then_some(())
    };
    let position = message.rsplit_once(" at line ").filter(|(_, position)| is_position(position).is_some());
    match position {
        Some((_, position)) => format!("the text could not be read at line {position}").into(),
        None => "the text could not be read".into(),
    }
}

/// The name of a type is that of the program; one that a provider has sent may be any text.
fn redacted(kind: Cow<'static, str>) -> Cow<'static, str> {
    match kind {
        Cow::Borrowed(kind) => kind.into(),
        Cow::Owned(kind) => redact(&kind).into_owned().into(),
    }
}

/// The type's own name: `AgentError` of `my_agent::errors::AgentError`, `Box<AgentError>` kept whole.
fn short(path: &str) -> &str {
    let generics = path.find('<').unwrap_or(path.len());
    match path.get(..generics).and_then(|head| head.rfind("::")) {
        Some(at) => path.get(at + 2..).unwrap_or(path),
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_names_lose_their_path_and_keep_their_generics() {
        assert_eq!(short("core::num::error::ParseIntError"), "ParseIntError");
        assert_eq!(short("alloc::boxed::Box<dyn core::error::Error>"), "Box<dyn core::error::Error>");
        assert_eq!(short("panic"), "panic");
    }
}
