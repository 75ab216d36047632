use paid_macros::paid_tracing;

#[paid_tracing("customer")]
struct Struct; //~ `#[paid_tracing]` goes on a function

#[paid_tracing("customer")]
pub(crate) const NUMBER: u8 = 1; //~ `#[paid_tracing]` goes on a function

#[paid_tracing("customer")]
impl Struct {} //~ `#[paid_tracing]` goes on a function

#[paid_tracing("customer")]
unsafe extern "C" {} //~ `#[paid_tracing]` goes on a function

#[paid_tracing("customer")]
/// Documented.
mod module {} //~ `#[paid_tracing]` goes on a function

#[paid_tracing("customer")]
pub const fn constant() -> u8 { //~ a `const fn` can't be traced: it may run at compile time
    1
}

trait Trait {
    #[paid_tracing("customer")]
    fn required(&self); //~ a function without a body can't be traced: put the attribute where the body is
}

impl Trait for Struct {
    fn required(&self) {
        let _ = (NUMBER, constant());
    }
}
