//! Methods of traits: declared, by default, async, boxed.

use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;

use paid::tracing::{TracingToken, paid_tracing};
use tokio::task::yield_now;

use crate::{is_inside, token};

trait Agent {
    type Error: Display;

    fn id(&self) -> &str;
    fn token(&self) -> TracingToken;
    fn answer(&self, question: &str) -> Result<String, Self::Error>;
    async fn answer_async(&mut self, question: &str) -> Result<String, Self::Error>;

    #[paid_tracing("c", self.id(), tracing_token = self.token())]
    fn greet(&self) -> bool {
        is_inside(self.token())
    }

    #[paid_tracing("c", self.id(), tracing_token = self.token())]
    async fn greet_async(&self) -> bool {
        yield_now().await;
        is_inside(self.token())
    }

    #[paid_tracing("c", self.id())]
    fn words(&self) -> impl Iterator<Item = &str> {
        self.id().split(' ')
    }

    #[paid_tracing("c", self.id(), tracing_token = self.token())]
    fn greet_later(&self) -> impl Future<Output = bool> + Send
    where
        Self: Sync,
    {
        let token = self.token();
        async move { is_inside(token) }
    }
}

struct Echo(TracingToken);

impl Agent for Echo {
    type Error = String;

    fn id(&self) -> &str {
        "an echo"
    }

    fn token(&self) -> TracingToken {
        self.0
    }

    #[paid_tracing("c", self.id())]
    fn answer(&self, question: &str) -> Result<String, Self::Error> {
        if question.is_empty() {
            return Err("silence".into());
        }
        Ok(question.to_string())
    }

    #[paid_tracing("c", self.id())]
    async fn answer_async(&mut self, question: &str) -> Result<String, Self::Error> {
        yield_now().await;
        self.answer(question)
    }
}

#[tokio::test]
async fn methods_of_traits_work() {
    let mut echo = Echo(token());
    assert!(echo.greet());
    assert!(echo.greet_async().await);
    assert!(echo.greet_later().await);
    assert_eq!(echo.words().collect::<Vec<_>>(), ["an", "echo"]);
    assert_eq!(echo.answer("question"), Ok("question".to_string()));
    assert_eq!(echo.answer_async("").await, Err("silence".to_string()));
}

/// As `#[async_trait]` writes it.
trait Boxed {
    fn ask<'life0, 'life1, 'async_trait>(
        &'life0 self,
        question: &'life1 str,
    ) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait;
}

impl Boxed for Echo {
    #[paid_tracing("c", self.id(), tracing_token = self.0)]
    fn ask<'life0, 'life1, 'async_trait>(
        &'life0 self,
        question: &'life1 str,
    ) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            if let Some(result) = None::<Result<String, String>> {
                return result;
            }
            let __self = self;
            let question = question;
            yield_now().await;
            let result: Result<String, String> =
                { __self.answer(question).map(|text| format!("{text}{}", is_inside(__self.0))) };
            result
        })
    }
}

#[tokio::test]
async fn boxed_futures_of_traits_run_in_the_scope() {
    let echo: Box<dyn Boxed + Send> = Box::new(Echo(token()));
    assert_eq!(echo.ask("so ").await, Ok("so true".to_string()));
    assert_eq!(echo.ask("").await, Err("silence".to_string()));
}
