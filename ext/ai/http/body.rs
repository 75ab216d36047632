//! The body of an answer, on its way to the caller.

use std::fmt::{self, Display};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::ext::ai::engine::{HideUsage, Watch};

pin_project! {
    /// The body of an answer. It is passed on piece by piece as it comes, and watched if the call is counted.
    ///
    /// Dropped before the usage of a stream is told, the call is recorded as failed.
    pub struct WatchedBody<B>
    where
        B: Body,
    {
        #[pin]
        inner: B,
        // None if the call is not counted.
        watch: Option<Watch>,
        // Takes out what only we asked for.
        hide: Option<HideUsage>,
        // What comes after bytes that were held back.
        next: Option<Result<Frame<Bytes>, B::Error>>,
        ended: bool,
    }

    impl<B> PinnedDrop for WatchedBody<B>
    where
        B: Body,
    {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            // Who is told that nothing comes any more does not ask for it.
            if let Some(watch) = this.watch && this.inner.is_end_stream() {
                watch.end();
            }
        }
    }
}

impl<B: Body> WatchedBody<B> {
    pub(crate) fn new(inner: B, watch: Option<Watch>, hide: Option<HideUsage>) -> Self {
        WatchedBody { inner, watch, hide, next: None, ended: false }
    }
}

impl<B: Body<Data = Bytes>> Body for WatchedBody<B>
where
    B::Error: Display,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        if let Some(next) = this.next.take() {
            return Poll::Ready(Some(next));
        }
        while !*this.ended {
            let polled = ready!(this.inner.as_mut().poll_frame(context));
            let next = match polled.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(bytes))) => {
                    if let Some(watch) = this.watch {
                        watch.feed(&bytes);
                    }
                    let Some(hide) = this.hide else {
                        // Who knows the length does not ask for the end.
                        if let Some(watch) = this.watch
                            && this.inner.is_end_stream()
                        {
                            watch.end();
                        }
                        return Poll::Ready(Some(Ok(Frame::data(bytes))));
                    };
                    // Nothing of a piece may be left, or all of one that is empty.
                    let was_empty = bytes.is_empty();
                    let bytes = hide.filter(bytes);
                    if bytes.is_empty() && !was_empty {
                        continue;
                    }
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Some(Ok(Err(other))) => {
                    if let Some(watch) = this.watch
                        && other.is_trailers()
                    {
                        watch.end();
                    }
                    Some(Ok(other))
                }
                Some(Err(error)) => {
                    if let Some(watch) = this.watch {
                        watch.fail(&error);
                    }
                    Some(Err(error))
                }
                None => {
                    *this.ended = true;
                    if let Some(watch) = this.watch {
                        watch.end();
                    }
                    None
                }
            };
            let held = this.hide.as_mut().map(HideUsage::end).filter(|held| !held.is_empty());
            return Poll::Ready(match held {
                Some(held) => {
                    *this.next = next;
                    Some(Ok(Frame::data(held)))
                }
                None => next,
            });
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        let nothing_held = self.ended || self.hide.is_none();
        self.next.is_none() && nothing_held && (self.ended || self.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match self.hide {
            _ if self.ended => SizeHint::with_exact(0),
            Some(_) => SizeHint::default(),
            None => self.inner.size_hint(),
        }
    }
}

/// One that nothing watches.
impl<B: Body + Default> Default for WatchedBody<B> {
    fn default() -> Self {
        WatchedBody::new(B::default(), None, None)
    }
}

/// Shows nothing of the content.
impl<B: Body> fmt::Debug for WatchedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchedBody").field("is_watched", &self.watch.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
