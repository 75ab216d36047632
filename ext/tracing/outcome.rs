//! How traced code ended, as its span says it.

use std::any::Any;
use std::borrow::Cow;
use std::fmt::{Debug, Display};

use crate::ext::delivery::{Exception, Status};

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
        Outcome::failed(Cow::Borrowed(std::any::type_name::<E>()), error.to_string())
    }

    /// An error value that has no text but its debug form.
    pub(crate) fn of_debug<E: Debug + ?Sized>(error: &E) -> Self {
        Outcome::failed(Cow::Borrowed(std::any::type_name::<E>()), format!("{error:?}"))
    }

    pub(crate) fn of_result<T, E: Display>(result: &Result<T, E>) -> Self {
        match result {
            Ok(_) => Outcome::DONE,
            Err(error) => Outcome::of_error(error),
        }
    }

    /// A panic: the text it was raised with.
    pub(crate) fn of_panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied().map(str::to_string);
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Outcome::failed("panic".into(), text.unwrap_or_else(|| "a panic without text".into()))
    }

    /// A panic that is seen by what it drops, where its text is not to be had.
    pub(crate) fn of_unwinding() -> Self {
        Outcome::failed("panic".into(), "the code panicked".into())
    }

    pub(crate) fn failed(kind: Cow<'static, str>, message: String) -> Self {
        Outcome(End::Failed(Exception { kind, message }))
    }

    pub(crate) fn into_status(self) -> (Status, Option<Exception>) {
        match self.0 {
            End::Done => (Status::Ok, None),
            End::Abandoned => (Status::Unset, None),
            End::Failed(exception) => {
                let status = Status::Error(format!("{}: {}", short(&exception.kind), exception.message));
                (status, Some(exception))
            }
        }
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
