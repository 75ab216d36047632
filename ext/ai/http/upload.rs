//! A form that is streamed, read while it is sent: recordings to be transcribed, images to be edited.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::ext::ai::engine::{FormBody, RequestBody, Watch};

/// What is read at once, so that a recording in one piece holds up nobody else for long.
const MOST_AT_ONCE: usize = 64 * 1024;

/// What the request tells, once it is sent. Of several attempts, the last one that was sent whole counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upload(Arc<Mutex<Sent>>);

#[derive(Debug, Default)]
struct Sent {
    body: RequestBody,
    whole: bool,
}

impl Upload {
    /// Whether a body of this type can be read.
    pub fn is_form(headers: &HeaderMap) -> bool {
        const FORM: &[u8] = b"multipart/form-data";
        let content_type = headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        content_type.get(..FORM.len()).is_some_and(|start| start.eq_ignore_ascii_case(FORM))
    }

    /// The body of one attempt. It is sent byte for byte as it is.
    pub fn of<B>(&self, body: B) -> UploadBody<B> {
        UploadBody { inner: body, rest: Bytes::new(), reading: self.read() }
    }

    /// Reads the body of one attempt.
    pub fn read(&self) -> Reading {
        Reading { form: FormBody::default(), upload: self.clone() }
    }

    /// Tells the watch what is known by now.
    pub fn tell(&self, watch: &mut Watch) {
        watch.sent(&self.lock().body);
    }

    fn lock(&self) -> MutexGuard<'_, Sent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// More is known from an attempt.
    fn learn(&self, form: &FormBody) {
        let mut sent = self.lock();
        let whole = form.is_whole();
        if (whole || !sent.whole) && sent.body != *form.body() {
            sent.body = form.body().clone();
        }
        sent.whole |= whole;
    }
}

/// The form of one attempt, as far as it was sent.
pub(crate) struct Reading {
    form: FormBody,
    upload: Upload,
}

impl Reading {
    pub fn feed(&mut self, bytes: &[u8]) {
        self.form.feed(bytes);
        self.upload.learn(&self.form);
    }

    /// For another attempt, from the start.
    #[cfg(feature = "tower")]
    pub fn again(&self) -> Self {
        self.upload.read()
    }
}

pin_project! {
    /// A body that is read in passing. Nothing of it is kept.
    pub(crate) struct UploadBody<B> {
        #[pin]
        inner: B,
        // Of a large piece.
        rest: Bytes,
        reading: Reading,
    }
}

impl<B: Body<Data = Bytes>> Body for UploadBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let mut bytes = if this.rest.is_empty() {
            match ready!(this.inner.poll_frame(context)).map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(bytes))) => bytes,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        } else {
            std::mem::take(this.rest)
        };
        if bytes.len() > MOST_AT_ONCE {
            *this.rest = bytes.split_off(MOST_AT_ONCE);
        }
        this.reading.feed(&bytes);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (hint, rest) = (self.inner.size_hint(), self.rest.len() as u64);
        let mut whole = SizeHint::new();
        whole.set_lower(hint.lower().saturating_add(rest));
        if let Some(upper) = hint.upper() {
            whole.set_upper(upper.saturating_add(rest));
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::task::Waker;

    use http::HeaderValue;

    use super::*;

    /// Pieces, then trailers.
    struct Pieces(Vec<Bytes>, Option<HeaderMap>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            let piece = (!self.0.is_empty()).then(|| Frame::data(self.0.remove(0)));
            Poll::Ready(piece.or_else(|| self.1.take().map(Frame::trailers)).map(Ok))
        }

        fn is_end_stream(&self) -> bool {
            self.0.is_empty() && self.1.is_none()
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
        }
    }

    fn send(body: UploadBody<Pieces>, frames: usize) -> (Vec<u8>, bool) {
        let (mut body, mut sent, mut trailed) = (std::pin::pin!(body), Vec::new(), false);
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..frames {
            let before = body.size_hint().exact().unwrap();
            let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(&mut context) else { break };
            match frame.into_data() {
                Ok(bytes) => {
                    assert!(bytes.len() <= MOST_AT_ONCE);
                    assert_eq!(before - bytes.len() as u64, body.size_hint().exact().unwrap());
                    sent.extend_from_slice(&bytes);
                }
                Err(_) => trailed = true,
            }
        }
        (sent, trailed && body.is_end_stream())
    }

    fn form(model: &str, file: &[u8]) -> Vec<u8> {
        let part = |name: &str| format!("\r\n--b\r\nContent-Disposition: form-data; {name}\r\n\r\n");
        let (file_head, model_head) = (part("name=\"file\"; filename=\"a\""), part("name=\"model\""));
        let model = [&model_head, model].concat();
        [file_head.as_bytes(), file, model.as_bytes(), b"\r\n--b--\r\n"].concat().split_off(2)
    }

    fn pieces(form: &[u8], size: usize) -> Pieces {
        Pieces(form.chunks(size).map(Bytes::copy_from_slice).collect(), Some(HeaderMap::new()))
    }

    #[test]
    fn a_body_passes_as_it_is_whatever_its_pieces() {
        let form = form("m", &vec![b'-'; 300_000]);
        for size in [1000, MOST_AT_ONCE, MOST_AT_ONCE + 1, usize::MAX] {
            let upload = Upload::default();
            let (sent, is_whole) = send(upload.of(pieces(&form, size.min(form.len()))), usize::MAX);
            assert!(sent == form && is_whole, "{size}");
            assert_eq!(upload.lock().body.model.as_deref(), Some("m"));
        }
    }

    #[test]
    fn the_last_attempt_that_was_whole_counts() {
        let upload = Upload::default();
        let model = || upload.lock().body.model.clone().unwrap_or_default();
        let attempt = |model: &str, frames| send(upload.of(pieces(&form(model, b"x"), 10)), frames);
        attempt("cut", 5);
        assert_eq!(model(), "");
        attempt("first", usize::MAX);
        assert_eq!(model(), "first");
        attempt("second", usize::MAX);
        attempt("cut", 5);
        assert_eq!(model(), "second");
    }

    #[test]
    fn forms_are_known_by_their_type() {
        let is_form = |value: &'static str| {
            Upload::is_form(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(value))]))
        };
        assert!(is_form("multipart/form-data; boundary=b") && is_form("Multipart/Form-Data;boundary=b"));
        assert!(!is_form("application/json") && !is_form("") && !Upload::is_form(&HeaderMap::new()));
    }
}
