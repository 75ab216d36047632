//! A request on its way out, of any client.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, Method};
use reqwest::{Body, Request};

use super::upload::Upload;

/// What is looked at of a request, and changed.
pub(crate) trait Outgoing {
    fn method(&self) -> &Method;

    /// With its port, if it is told.
    fn host(&self) -> Cow<'_, str>;

    /// With its query.
    fn path(&self) -> Cow<'_, str>;

    fn headers(&self) -> &HeaderMap;

    fn headers_mut(&mut self) -> &mut HeaderMap;

    /// None if it is not at hand.
    fn body(&self) -> Option<&[u8]>;

    fn set_body(&mut self, body: Bytes);

    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    /// The same request again; none if its body is not at hand.
    fn repeat(&self) -> Option<Self>
    where
        Self: Sized;

    /// Looks for a body that may be at hand. Whether there is one now that was not there before.
    fn peek(&mut self) -> bool {
        false
    }

    /// Has a body that is not at hand read while it is sent.
    fn read_in_passing(&mut self, _upload: &Upload) {}
}

impl Outgoing for Request {
    fn method(&self) -> &Method {
        self.method()
    }

    fn host(&self) -> Cow<'_, str> {
        match (self.url().host_str(), self.url().port()) {
            (Some(host), Some(port)) => format!("{host}:{port}").into(),
            (host, _) => host.unwrap_or_default().into(),
        }
    }

    fn path(&self) -> Cow<'_, str> {
        match self.url().query() {
            Some(query) => format!("{}?{query}", self.url().path()).into(),
            None => self.url().path().into(),
        }
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }

    fn body(&self) -> Option<&[u8]> {
        self.body().and_then(Body::as_bytes)
    }

    fn set_body(&mut self, body: Bytes) {
        *self.body_mut() = Some(body.into());
    }

    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    fn repeat(&self) -> Option<Self> {
        self.try_clone()
    }

    fn read_in_passing(&mut self, upload: &Upload) {
        if let Some(body) = self.body_mut().take() {
            *self.body_mut() = Some(Body::wrap(upload.of(body)));
        }
    }
}
