//! A stream of answers, on its way to the caller.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use gemini_rust::client::Error;

use super::fail::fail;
use super::tells::{Tells, Words};
use crate::ext::ai::engine::Watch;

/// As `gemini-rust` has it.
pub(super) type Inner<T> = Pin<Box<dyn Stream<Item = Result<T, Error>> + Send>>;

struct Watched<T> {
    inner: Inner<T>,
    watch: Watch,
    words: Words,
}

/// The stream, with the watch in it.
pub(super) fn watched<T: Tells + 'static>(inner: Inner<T>, watch: Watch) -> Inner<T> {
    Box::pin(Watched { inner, watch, words: Words::default() })
}

impl<T: Tells> Stream for Watched<T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let next = ready!(this.inner.as_mut().poll_next(context));
        match &next {
            Some(Ok(part)) => this.watch.feed(this.words.event(&part.tell())),
            Some(Err(error)) => fail(&mut this.watch, error),
            None => this.watch.end(),
        }
        Poll::Ready(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}
