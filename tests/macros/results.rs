//! Results: `?`, early returns, errors of every kind, all untouched.

use std::error::Error;
use std::fmt;
use std::num::ParseIntError;

use paid::tracing::paid_tracing;

#[derive(Debug, PartialEq)]
enum AgentError {
    Parse(ParseIntError),
    TooBig(u32),
}

impl fmt::Display for AgentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AgentError::Parse(error) => write!(f, "not a number: {error}"),
            AgentError::TooBig(number) => write!(f, "{number} is too big"),
        }
    }
}

impl Error for AgentError {}

impl From<ParseIntError> for AgentError {
    fn from(error: ParseIntError) -> Self {
        AgentError::Parse(error)
    }
}

#[paid_tracing("c")]
fn parse(text: &str) -> Result<u32, AgentError> {
    let number = text.parse()?;
    if number > 100 {
        return Err(AgentError::TooBig(number));
    }
    Ok(number)
}

#[paid_tracing("c")]
async fn parse_async(text: &str) -> Result<u32, AgentError> {
    tokio::task::yield_now().await;
    let number = text.parse()?;
    if number > 100 {
        return Err(AgentError::TooBig(number));
    }
    Ok(number)
}

#[tokio::test]
async fn question_marks_and_returns_leave_the_function() {
    crate::token();
    for text in ["7", "x", "101"] {
        assert_eq!(parse(text), parse_async(text).await);
    }
    assert_eq!(parse("7"), Ok(7));
    assert!(matches!(parse("x"), Err(AgentError::Parse(_))));
    assert_eq!(parse("101"), Err(AgentError::TooBig(101)));
}

#[paid_tracing("c")]
fn coerced(text: &str) -> Result<Box<dyn fmt::Display>, Box<dyn Error + Send + Sync>> {
    if text.is_empty() {
        return Err("empty".into());
    }
    let number: u8 = text.parse()?;
    Ok(Box::new(number))
}

#[paid_tracing("c")]
async fn coerced_async(text: &str) -> Result<Box<dyn fmt::Display>, Box<dyn Error + Send + Sync>> {
    if text.is_empty() {
        return Err("empty".into());
    }
    let number: u8 = text.parse()?;
    Ok(Box::new(number))
}

#[tokio::test]
async fn results_coerce_to_the_declared_type() {
    assert_eq!(coerced("3").unwrap().to_string(), "3");
    assert_eq!(coerced_async("3").await.unwrap().to_string(), "3");
    assert_eq!(coerced("").err().unwrap().to_string(), "empty");
    assert!(coerced_async("x").await.err().unwrap().is::<ParseIntError>());
}

/// An error that can't be shown at all.
#[derive(PartialEq)]
struct Mute;

#[paid_tracing("c")]
fn mute(fail: bool) -> Result<(), Mute> {
    if fail { Err(Mute) } else { Ok(()) }
}

#[paid_tracing("c")]
fn unit_error(fail: bool) -> Result<(), ()> {
    if fail { Err(()) } else { Ok(()) }
}

#[paid_tracing("c")]
fn any_error<T, E>(result: Result<T, E>) -> Result<T, E> {
    let value = result?;
    Ok(value)
}

#[paid_tracing("c")]
async fn any_error_async<T, E>(result: Result<T, E>) -> Result<T, E> {
    let value = result?;
    Ok(value)
}

#[paid_tracing("c")]
fn borrowed_error(text: &str) -> Result<(), &str> {
    Err(text)
}

#[paid_tracing("c")]
fn infallible() -> Result<u8, std::convert::Infallible> {
    Ok(1)
}

#[paid_tracing("c")]
fn result_reference<'a>(result: &'a Result<u8, Mute>) -> &'a Result<u8, Mute> {
    result
}

#[tokio::test]
async fn errors_need_no_trait() {
    crate::token();
    assert!(mute(true) == Err(Mute) && mute(false) == Ok(()));
    assert!(unit_error(true).is_err() && unit_error(false).is_ok());
    assert!(any_error(Err::<(), _>(Mute)).is_err());
    assert!(any_error_async(Err::<(), _>(Mute)).await.is_err());
    assert_eq!(borrowed_error("text"), Err("text"));
    assert_eq!(infallible(), Ok(1));
    assert!(result_reference(&Err(Mute)).is_err());
}

#[paid_tracing("c")]
fn option(list: &[u8]) -> Option<u8> {
    let first = list.first()?;
    Some(first + 1)
}

#[test]
fn options_work() {
    assert_eq!(option(&[1]), Some(2));
    assert_eq!(option(&[]), None);
}

type Alias<T> = Result<T, AgentError>;

#[paid_tracing("c")]
#[must_use]
fn alias() -> Alias<u32> {
    Ok("5".parse::<u32>()?)
}

#[test]
fn an_alias_is_its_type() {
    assert_eq!(alias(), Ok(5));
}
