//! Ids of customers and agents, as programs have them.

use std::borrow::Cow;
use std::sync::Arc;

/// An id as a program has it: text (`&str`, `String`, ..), an integer, or an `Option` of one; `None` is not given.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an id that Paid knows",
    label = "give text, an integer, or an `Option` of one",
    note = "call `.to_string()` on other ids, such as a `Uuid`"
)]
pub trait IntoId {
    #[doc(hidden)]
    fn into_id(self) -> Option<Arc<str>>;
}

macro_rules! text {
    ($($ty:ty),*) => {
        $(impl IntoId for $ty {
            fn into_id(self) -> Option<Arc<str>> {
                Some(self.into())
            }
        })*
    };
}

text!(&str, String, Arc<str>, Box<str>, Cow<'_, str>);

macro_rules! integer {
    ($($ty:ty),*) => {
        $(impl IntoId for $ty {
            fn into_id(self) -> Option<Arc<str>> {
                Some(self.to_string().into())
            }
        })*
    };
}

integer!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

impl IntoId for &String {
    fn into_id(self) -> Option<Arc<str>> {
        Some(self.as_str().into())
    }
}

impl<T: IntoId> IntoId for Option<T> {
    fn into_id(self) -> Option<Arc<str>> {
        self.and_then(IntoId::into_id)
    }
}

macro_rules! borrowed {
    ($($ty:ty),*) => {
        $(impl IntoId for &Option<$ty> {
            fn into_id(self) -> Option<Arc<str>> {
                self.as_ref().map(|text| Arc::from(&**text))
            }
        })*
    };
}

// One by one: a blanket impl sends the compiler in circles where the type is still open.
borrowed!(&str, String, Arc<str>, Box<str>);
