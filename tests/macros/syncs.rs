//! Functions without `async`: what they return, and how.

use std::cell::{Ref, RefCell};
use std::fmt::{Debug, Display};
use std::process::ExitCode;

use paid::tracing::{TracingToken, paid_tracing};

use crate::{is_inside, token};

#[paid_tracing("c", tracing_token = token)]
fn inside(token: TracingToken) -> bool {
    is_inside(token)
}

#[paid_tracing("c")]
fn nothing() {}

#[paid_tracing("c")]
fn unit(into: &mut Vec<u8>) -> () {
    into.push(1)
}

#[paid_tracing("c")]
fn early(into: &mut Vec<u8>, stop: bool) {
    if stop {
        return;
    }
    into.push(2);
}

#[test]
fn the_body_runs_in_the_scope_and_only_the_body() {
    let token = token();
    assert!(inside(token));
    assert_eq!(paid::tracing::current_tracing_token(), None);
    nothing();
    let mut numbers = vec![];
    unit(&mut numbers);
    early(&mut numbers, true);
    early(&mut numbers, false);
    assert_eq!(numbers, [1, 2]);
}

#[paid_tracing("c")]
fn same(text: &str) -> &str {
    text.trim()
}

#[paid_tracing("c")]
fn longest<'a, 'b: 'a>(one: &'a str, other: &'b str) -> &'a str {
    if one.len() > other.len() { one } else { other }
}

#[paid_tracing("c")]
fn first(list: &mut Vec<String>) -> &mut String {
    if list.is_empty() {
        list.push("new".into());
    }
    &mut list[0]
}

#[paid_tracing("c")]
fn split(list: &mut [u8]) -> Option<(&mut u8, &mut [u8])> {
    let (first, rest) = list.split_first_mut()?;
    Some((first, rest))
}

#[paid_tracing("c")]
fn borrowed(cell: &RefCell<String>) -> Ref<'_, str> {
    Ref::map(cell.borrow(), |text| text.as_str())
}

#[paid_tracing("c")]
fn constant() -> &'static str {
    "constant"
}

#[test]
fn references_keep_their_lifetimes() {
    let text = String::from(" text ");
    assert_eq!(same(&text), "text");
    assert_eq!(longest("one", &text), " text ");
    let mut list = vec![];
    first(&mut list).push_str("er");
    assert_eq!(first(&mut list), "newer");
    let mut numbers = [1, 2, 3];
    let (one, rest) = split(&mut numbers).unwrap();
    std::mem::swap(one, &mut rest[1]);
    assert_eq!(numbers, [3, 2, 1]);
    assert!(split(&mut []).is_none());
    assert_eq!(&*borrowed(&RefCell::new("cell".into())), "cell");
    assert_eq!(constant(), "constant");
}

#[paid_tracing(name.as_ref())]
fn generic<'a, N: AsRef<str> + ?Sized, const COUNT: usize, T>(name: &'a N, value: T) -> ([T; COUNT], &'a str)
where
    T: Clone + Debug,
{
    (std::array::from_fn(|_| value.clone()), name.as_ref())
}

#[paid_tracing(name.to_string())]
fn impl_argument(name: impl Display, mut work: impl FnMut() -> usize) -> usize {
    work() + name.to_string().len() + work()
}

#[paid_tracing("c")]
fn impl_return(upto: u32) -> impl Iterator<Item = u32> + Clone {
    if upto == 0 {
        return (0..0).map(double as fn(u32) -> u32);
    }
    (0..upto).map(double as fn(u32) -> u32)
}

fn double(value: u32) -> u32 {
    value * 2
}

#[paid_tracing("c")]
fn impl_return_that_borrows(list: &[u32], by: u32) -> impl Iterator<Item = u32> {
    list.iter().map(move |value| value * by)
}

#[paid_tracing("c")]
fn impl_inside(text: &str) -> Result<impl Iterator<Item = char> + '_, std::num::ParseIntError> {
    let count: usize = text.parse()?;
    Ok(text.chars().take(count))
}

#[paid_tracing("c")]
fn closure(by: i32) -> impl Fn(i32) -> i32 {
    move |value| value + by
}

#[paid_tracing("c")]
fn boxed(by: i32) -> Box<dyn Fn(i32) -> i32> {
    if by == 0 {
        return Box::new(|value| value);
    }
    Box::new(move |value| value + by)
}

#[test]
fn generics_and_types_without_a_name_work() {
    assert_eq!(generic::<_, 2, _>("n", 'x'), (['x', 'x'], "n"));
    let mut count = 0;
    let next = || {
        count += 1;
        count
    };
    assert_eq!(impl_argument("four", next), 7);
    assert_eq!(impl_return(3).clone().collect::<Vec<_>>(), [0, 2, 4]);
    assert_eq!(impl_return(0).count(), 0);
    assert_eq!(impl_return_that_borrows(&[1, 2], 3).collect::<Vec<_>>(), [3, 6]);
    assert_eq!(impl_inside("2").unwrap().count(), 1);
    assert!(impl_inside("x").is_err());
    assert_eq!(closure(1)(1), boxed(1)(1));
    assert_eq!(boxed(0)(1), 1);
}

#[paid_tracing("c")]
fn patterns(
    (a, b): (u32, u32),
    mut c: u32,
    _: String,
    [d, ..]: [u32; 3],
    &e: &u32,
    Wrapped { value, .. }: Wrapped,
) -> u32 {
    c += 1;
    a + b + c + d + e + value
}

struct Wrapped {
    value: u32,
    #[allow(dead_code)]
    other: u32,
}

#[test]
fn parameters_may_be_patterns() {
    assert_eq!(patterns((1, 2), 3, "unused".into(), [4, 0, 0], &5, Wrapped { value: 6, other: 0 }), 22);
}

#[paid_tracing("c")]
fn forever(text: &str) -> ! {
    panic!("{text}")
}

#[paid_tracing("c")]
fn either(fail: bool) -> u8 {
    if fail { forever("never returns") } else { 1 }
}

#[paid_tracing("c")]
fn unwinds(guard: Dropped<'_>) {
    let _guard = guard;
    std::panic::panic_any(17_u8);
}

struct Dropped<'a>(&'a std::cell::Cell<bool>);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

#[test]
fn a_panic_goes_on_with_what_it_carries() {
    assert_eq!(either(false), 1);
    let payload = std::panic::catch_unwind(|| either(true)).unwrap_err();
    assert_eq!(payload.downcast_ref::<String>().unwrap(), "never returns");
    let dropped = std::cell::Cell::new(false);
    let payload =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| unwinds(Dropped(&dropped)))).unwrap_err();
    assert_eq!(payload.downcast_ref::<u8>(), Some(&17));
    assert!(dropped.get());
    assert_eq!(paid::tracing::current_tracing_token(), None);
}

#[paid_tracing("c")]
fn factorial(n: u64) -> u64 {
    if n == 0 { 1 } else { n * factorial(n - 1) }
}

#[paid_tracing("outer")]
#[paid_tracing("inner")]
fn twice() -> u8 {
    2
}

#[test]
fn scopes_nest() {
    token();
    assert_eq!(factorial(10), 3_628_800);
    assert_eq!(twice(), 2);
}

#[paid_tracing("c")]
#[allow(unsafe_code)]
unsafe fn reads(pointer: *const u8) -> u8 {
    // SAFETY: it is the caller's promise.
    unsafe { *pointer }
}

#[paid_tracing("c")]
extern "C" fn of_c(value: i32) -> i32 {
    value + 1
}

#[test]
#[allow(unsafe_code)]
fn unsafe_and_extern_functions_work() {
    // SAFETY: the reference is valid.
    assert_eq!(unsafe { reads(&3) }, 3);
    let function: extern "C" fn(i32) -> i32 = of_c;
    assert_eq!(function(1), 2);
}

#[paid_tracing("c")]
fn tail_temporary(cell: &RefCell<Vec<u8>>) -> usize {
    let local = RefCell::new(cell);
    local.borrow().borrow().len()
}

#[paid_tracing("c")]
fn exit() -> ExitCode {
    ExitCode::SUCCESS
}

#[paid_tracing("c")]
fn labels(limit: u32) -> u32 {
    'outer: loop {
        for number in 0.. {
            if number == limit {
                break 'outer number;
            }
        }
    }
}

#[test]
fn bodies_are_as_usual() {
    assert_eq!(tail_temporary(&RefCell::new(vec![1])), 1);
    assert_eq!(exit(), ExitCode::SUCCESS);
    assert_eq!(labels(3), 3);
    #[paid_tracing("c")]
    fn local() -> u8 {
        #![allow(unused_variables)]
        //! A comment inside.
        let unused = 1;
        3
    }
    assert_eq!(local(), 3);
}
