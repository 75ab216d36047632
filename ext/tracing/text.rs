//! Ids that may be missing.

use std::borrow::Cow;
use std::sync::Arc;

/// An id as a program has it: `&str`, `String`, or an `Option` of one. `None` is not given.
pub trait OptionalText {
    #[doc(hidden)]
    fn into_text(self) -> Option<Arc<str>>;
}

macro_rules! text {
    ($($ty:ty),*) => {
        $(impl OptionalText for $ty {
            fn into_text(self) -> Option<Arc<str>> {
                Some(self.into())
            }
        })*
    };
}

text!(&str, String, Arc<str>, Box<str>, Cow<'_, str>);

impl OptionalText for &String {
    fn into_text(self) -> Option<Arc<str>> {
        Some(self.as_str().into())
    }
}

impl<T: OptionalText> OptionalText for Option<T> {
    fn into_text(self) -> Option<Arc<str>> {
        self.and_then(OptionalText::into_text)
    }
}

macro_rules! lent {
    ($($ty:ty),*) => {
        $(impl OptionalText for &Option<$ty> {
            fn into_text(self) -> Option<Arc<str>> {
                self.as_ref().map(|text| Arc::from(&**text))
            }
        })*
    };
}

// One by one: a blanket impl sends the compiler in circles where the type is still open.
lent!(&str, String, Arc<str>, Box<str>);
