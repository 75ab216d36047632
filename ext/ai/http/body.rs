//! The body of a watched answer, on its way to the caller.

use std::fmt::Display;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::ext::ai::engine::{HideUsage, Watch};

pin_project! {
    /// A body that is passed on piece by piece as it comes, and watched.
    pub(super) struct WatchedBody<B> {
        #[pin]
        inner: B,
        watch: Watch,
        // Takes out what only we asked for.
        hide: Option<HideUsage>,
        ended: bool,
    }
}

impl<B> WatchedBody<B> {
    pub fn new(inner: B, watch: Watch, hide: Option<HideUsage>) -> Self {
        WatchedBody { inner, watch, hide, ended: false }
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
        while !*this.ended {
            match ready!(this.inner.as_mut().poll_frame(context)) {
                Some(Err(error)) => {
                    this.watch.fail(&error);
                    return Poll::Ready(Some(Err(error)));
                }
                Some(Ok(frame)) => {
                    let bytes = match frame.into_data() {
                        Ok(bytes) => bytes,
                        Err(other) => return Poll::Ready(Some(Ok(other))),
                    };
                    this.watch.feed(&bytes);
                    let Some(hide) = this.hide else {
                        // Who knows the length does not ask for the end.
                        if this.inner.is_end_stream() {
                            this.watch.end();
                        }
                        return Poll::Ready(Some(Ok(Frame::data(bytes))));
                    };
                    let bytes = hide.filter(bytes);
                    if !bytes.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(bytes))));
                    }
                }
                None => {
                    *this.ended = true;
                    this.watch.end();
                    let rest = this.hide.as_mut().map(HideUsage::end).filter(|rest| !rest.is_empty());
                    return Poll::Ready(rest.map(|rest| Ok(Frame::data(rest))));
                }
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.ended || (self.hide.is_none() && self.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        if self.hide.is_none() { self.inner.size_hint() } else { SizeHint::default() }
    }
}
