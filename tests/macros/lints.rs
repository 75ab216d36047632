//! No lint minds what the attribute writes, even where none may be allowed.

#[tokio::test]
async fn everything_is_used() {
    strict::unit();
    assert_eq!(strict::calls(), "text");
    assert_eq!(strict::fails("1"), strict::fails_async("1").await);
    strict::unit_async().await;
    assert_eq!(strict::mutates(vec![]), [1]);
    let mut is_set = false;
    strict::flag(&mut is_set);
    assert!(is_set);
    assert_eq!(strict::later().await, 1);
    assert_eq!(strict::branches(Some(2)), 2);
    assert_eq!(strict::one_line("same"), "same");
    assert_eq!(strict::one_line_async(1).await, 2);
    if !is_set {
        strict::stops(1);
    }
    if !is_set {
        strict::stops_async(1).await;
    }
}

#[forbid(
    unused,
    nonstandard_style,
    rust_2018_idioms,
    unused_qualifications,
    let_underscore_drop,
    unsafe_code
)]
#[deny(clippy::all, clippy::pedantic, clippy::nursery)]
mod strict {
    use paid::tracing::paid_tracing;
    use tokio::task::yield_now;

    #[paid_tracing("c")]
    pub(crate) fn unit() {
        helper();
    }

    #[paid_tracing("c")]
    pub(crate) fn calls() -> String {
        text()
    }

    #[paid_tracing("c")]
    pub(crate) fn fails(text: &str) -> Result<u8, std::num::ParseIntError> {
        let number: u8 = text.parse()?;
        Ok(number)
    }

    #[paid_tracing("c")]
    pub(crate) fn stops(code: i32) -> ! {
        std::process::exit(code)
    }

    #[paid_tracing("c")]
    pub(crate) async fn unit_async() {
        yield_now().await;
    }

    #[paid_tracing("c")]
    pub(crate) async fn fails_async(text: &str) -> Result<u8, std::num::ParseIntError> {
        yield_now().await;
        text.parse()
    }

    #[paid_tracing("c")]
    pub(crate) async fn stops_async(code: i32) -> ! {
        yield_now().await;
        std::process::exit(code)
    }

    #[paid_tracing("c")]
    pub(crate) fn mutates(mut list: Vec<u8>) -> Vec<u8> {
        list.push(1);
        list
    }

    #[paid_tracing("c")]
    pub(crate) fn flag(is_set: &mut bool) {
        *is_set = true;
    }

    #[paid_tracing("c")]
    pub(crate) fn later() -> impl Future<Output = u8> {
        std::future::ready(1)
    }

    #[paid_tracing("c")]
    pub(crate) fn branches(value: Option<u8>) -> u8 {
        let Some(value) = value else { return 1 };
        value
    }

    #[rustfmt::skip]
    #[paid_tracing("c")]
    pub(crate) fn one_line(value: &str) -> &str { value }

    #[rustfmt::skip]
    #[paid_tracing("c")]
    pub(crate) async fn one_line_async(value: u8) -> u8 { value + 1 }

    fn helper() {
        println!();
    }

    fn text() -> String {
        String::from("text")
    }
}
