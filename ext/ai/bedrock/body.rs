//! The body of a stream, on its way to the caller.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_smithy_types::body::{Error, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::shared::{SharedWatch, chain};

pin_project! {
    /// A body that is passed on piece by piece as it comes, and watched.
    pub(super) struct WatchedBody {
        #[pin]
        inner: SdkBody,
        watch: SharedWatch,
    }
}

impl WatchedBody {
    pub fn new(inner: SdkBody, watch: SharedWatch) -> Self {
        WatchedBody { inner, watch }
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut this = self.project();
        let polled = ready!(this.inner.as_mut().poll_frame(context));
        let mut watch = this.watch.lock();
        match &polled {
            Some(Ok(frame)) => {
                if let Some(bytes) = frame.data_ref() {
                    watch.feed(bytes);
                }
                // Who knows the length does not ask for the end.
                if this.inner.is_end_stream() {
                    watch.end();
                }
            }
            // As the caller sees it.
            Some(Err(error)) => watch.fail_as("DispatchFailure", &chain(error.as_ref())),
            None => watch.end(),
        }
        drop(watch);
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
