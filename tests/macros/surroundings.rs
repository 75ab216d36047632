//! Other attributes, visibility, macros and names around a traced function.

use paid::tracing::paid_tracing;

mod inner {
    #[paid::tracing::paid_tracing("c")]
    pub(super) fn visible() -> u8 {
        1
    }

    #[paid::tracing::paid_tracing("c")]
    pub(in crate::surroundings) async fn visible_async() -> u8 {
        2
    }
}

#[cfg(any())]
#[paid_tracing("c")]
fn left_out() -> NoSuchType {}

#[paid_tracing("c")]
#[cfg(any())]
fn left_out_below() -> NoSuchType {}

#[paid_tracing("c")]
#[inline(always)]
#[doc = "Documented."]
#[deprecated]
fn deprecated(#[allow(unused_variables)] unused: u8) -> u8 {
    3
}

#[tokio::test]
#[paid_tracing("c")]
async fn a_test_may_be_traced() {
    assert_eq!(inner::visible(), 1);
    assert_eq!(inner::visible_async().await, 2);
    #[allow(deprecated)]
    let three = deprecated(0);
    assert_eq!(three, 3);
}

#[paid_tracing("c")]
#[tokio::test]
async fn a_test_may_be_traced_from_above() -> Result<(), String> {
    tokio::task::yield_now().await;
    Ok(())
}

#[paid_tracing("c")]
#[test]
#[should_panic(expected = "as expected")]
fn a_panic_is_still_expected() {
    panic!("as expected")
}

macro_rules! traced {
    ($visibility:vis fn $name:ident($argument:ident: $ty:ty) -> $output:ty, $customer:expr, $body:block) => {
        #[paid_tracing($customer)]
        $visibility fn $name($argument: $ty) -> $output $body
    };
    ($visibility:vis async fn $name:ident($argument:ident: $ty:ty) -> $output:ty, $customer:expr, $body:block) => {
        #[paid_tracing($customer)]
        $visibility async fn $name($argument: $ty) -> $output $body
    };
}

traced!(pub fn by_macro(value: &str) -> &str, value, { value });
traced!(async fn by_macro_async(value: u8) -> Result<u8, String>, value.to_string(), { Ok(value) });
traced!(fn never(text: &str) -> !, text, { panic!("{text}") });

#[tokio::test]
async fn macros_may_write_traced_functions() {
    assert_eq!(by_macro("a"), "a");
    assert_eq!(by_macro_async(1).await, Ok(1));
    assert!(std::panic::catch_unwind(|| never("text")).is_err());
}

/// A method of everything, called as those that the attribute uses.
trait Outcome {
    fn outcome(&self) -> u8 {
        1
    }
}

impl<T: ?Sized> Outcome for T {}

#[paid_tracing("c", "a")]
fn beside_a_trait() -> Result<u8, std::fmt::Error> {
    Ok(().outcome())
}

#[test]
fn a_trait_with_the_same_methods_is_not_in_the_way() {
    assert_eq!(beside_a_trait(), Ok(1));
}

#[paid_tracing(__paid_tracing, __paid_value, metadata = [("a", value)])]
fn same_names(__paid_tracing: &str, __paid_value: &str, tracing: u8, value: u8, private: u8) -> (usize, u8) {
    (__paid_tracing.len() + __paid_value.len(), tracing + value + private)
}

#[paid_tracing(__paid_tracing, __paid_value, metadata = [("a", value)])]
async fn same_names_async(__paid_tracing: &str, __paid_value: &str, tracing: u8, value: u8) -> (usize, u8) {
    (__paid_tracing.len() + __paid_value.len(), tracing + value)
}

#[tokio::test]
async fn names_of_the_expansion_are_free() {
    assert_eq!(same_names("a", "bc", 1, 2, 3), (3, 6));
    assert_eq!(same_names_async("a", "bc", 1, 2).await, (3, 3));
}

#[paid_tracing("c")]
fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}

#[test]
fn a_main_may_be_traced() {
    assert_eq!(main(), std::process::ExitCode::SUCCESS);
}
