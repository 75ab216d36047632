//! The body of a request, looked at before it is sent.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::ext::ai::http::{Reading, Upload};

pin_project! {
    /// The body of a request as the service below a [`PaidLayer`](super::PaidLayer) gets it: the caller's own, with
    /// what was looked at of it.
    pub struct PeekedBody<B>
    where
        B: Body,
    {
        // None of a body that is sent again, which was seen whole.
        #[pin]
        inner: Option<B>,
        // Before all that is still in the body.
        peeked: Option<Peeked<B::Error>>,
        // Of a form.
        reading: Option<Reading>,
    }
}

#[derive(Clone)]
struct Peeked<E> {
    first: First<E>,
    /// How long the body is with its first frame.
    length: u64,
}

#[derive(Clone)]
enum First<E> {
    Data(Bytes),
    Trailers(HeaderMap),
    Failed(E),
    End,
}

impl<B: Body<Data = Bytes>> PeekedBody<B> {
    pub(super) fn new(inner: B) -> Self {
        PeekedBody { inner: Some(inner), peeked: None, reading: None }
    }

    /// All of it, if that was there at the first look.
    pub(super) fn as_bytes(&self) -> Option<&[u8]> {
        let Peeked { first: First::Data(bytes), length } = self.peeked.as_ref()? else { return None };
        (u64::try_from(bytes.len()) == Ok(*length)).then_some(bytes)
    }

    /// The same body again, if all of it is at hand.
    pub(super) fn repeat(&self) -> Option<Self> {
        let Peeked { first: First::Data(bytes), length } = self.peeked.as_ref()? else { return None };
        let peeked = Peeked { first: First::Data(bytes.clone()), length: *length };
        Some(PeekedBody { inner: None, peeked: Some(peeked), reading: None })
    }

    pub(super) fn set(&mut self, bytes: Bytes) {
        let length = bytes.len().try_into().unwrap_or(u64::MAX);
        self.peeked = Some(Peeked { first: First::Data(bytes), length });
    }

    pub(super) fn read_in_passing(&mut self, upload: &Upload) {
        self.reading = Some(upload.read());
    }

    /// Takes the first frame out, if it is there. Only a body of a known length can be seen to be whole.
    pub(super) fn peek(&mut self)
    where
        B: Unpin,
    {
        let Some(inner) = self.inner.as_mut().filter(|_| self.peeked.is_none()) else { return };
        let Some(length @ 1..) = inner.size_hint().exact() else { return };
        // Who sends it asks again, and is woken.
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(frame) = Pin::new(inner).poll_frame(&mut context) else { return };
        let first = match frame.map(|frame| frame.map(Frame::into_data)) {
            Some(Ok(Ok(bytes))) => First::Data(bytes),
            Some(Ok(Err(other))) => First::Trailers(other.into_trailers().unwrap_or_default()),
            Some(Err(error)) => First::Failed(error),
            None => First::End,
        };
        self.peeked = Some(Peeked { first, length });
    }
}

impl<B: Body<Data = Bytes>> Body for PeekedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let frame = match this.peeked.take() {
            None => match this.inner.as_pin_mut() {
                Some(inner) => ready!(inner.poll_frame(context)),
                None => None,
            },
            Some(peeked) => match peeked.first {
                First::Data(bytes) => Some(Ok(Frame::data(bytes))),
                First::Trailers(trailers) => Some(Ok(Frame::trailers(trailers))),
                First::Failed(error) => Some(Err(error)),
                First::End => None,
            },
        };
        if let Some(reading) = this.reading
            && let Some(Ok(frame)) = &frame
            && let Some(bytes) = frame.data_ref()
        {
            reading.feed(bytes);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.peeked.is_none() && self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.peeked {
            Some(peeked) => SizeHint::with_exact(peeked.length),
            None => self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint),
        }
    }
}

impl<B: Body + Clone> Clone for PeekedBody<B>
where
    B::Error: Clone,
{
    fn clone(&self) -> Self {
        PeekedBody {
            inner: self.inner.clone(),
            peeked: self.peeked.clone(),
            // It is sent, and read, from its start.
            reading: self.reading.as_ref().map(Reading::again),
        }
    }
}

impl<B: Body<Data = Bytes> + Default> Default for PeekedBody<B> {
    fn default() -> Self {
        PeekedBody::new(B::default())
    }
}

/// Shows nothing of the content.
impl<B: Body> fmt::Debug for PeekedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeekedBody").finish_non_exhaustive()
    }
}
