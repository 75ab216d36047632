//! A request of a tower service.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, Method, Request};
use http_body::Body;

use super::PeekedBody;
use crate::ext::ai::http::{Outgoing, Upload};

impl<B: Body<Data = Bytes> + Unpin> Outgoing for Request<PeekedBody<B>> {
    fn method(&self) -> &Method {
        self.method()
    }

    fn host(&self) -> Cow<'_, str> {
        match self.uri().authority() {
            Some(authority) => authority.as_str().into(),
            // A service below adds it to the path.
            None => self.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().into(),
        }
    }

    fn path(&self) -> Cow<'_, str> {
        self.uri().path_and_query().map_or("", |path| path.as_str()).into()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }

    fn body(&self) -> Option<&[u8]> {
        self.body().as_bytes()
    }

    fn set_body(&mut self, body: Bytes) {
        self.body_mut().set(body);
    }

    fn repeat(&self) -> Option<Self> {
        let mut again = Request::new(self.body().repeat()?);
        *again.method_mut() = self.method().clone();
        *again.uri_mut() = self.uri().clone();
        *again.version_mut() = self.version();
        *again.headers_mut() = self.headers().clone();
        *again.extensions_mut() = self.extensions().clone();
        Some(again)
    }

    fn peek(&mut self) -> bool {
        self.body_mut().peek();
        self.body().as_bytes().is_some()
    }

    fn read_in_passing(&mut self, upload: &Upload) {
        self.body_mut().read_in_passing(upload);
    }
}
