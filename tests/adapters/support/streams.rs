//! Streams of what a client makes of an answer.

use std::future::poll_fn;
use std::pin::Pin;

use futures_core::Stream;

pub async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await
}

/// All of a stream, and the error that it ended with.
pub async fn all<T, E>(mut stream: impl Stream<Item = Result<T, E>> + Unpin) -> (Vec<T>, Option<E>) {
    let mut items = Vec::new();
    while let Some(item) = next(&mut stream).await {
        match item {
            Ok(item) => items.push(item),
            Err(error) => return (items, Some(error)),
        }
    }
    (items, None)
}
