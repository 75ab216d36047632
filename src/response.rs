//! The raw answer of a call.

use std::fmt;

use bytes::Bytes;

/// An answer with its status, headers and body beside the decoded value. Python: `with_raw_response`.
///
/// ```no_run
/// # async fn example(client: paid::AsyncPaid) -> Result<(), paid::Error> {
/// let response = client.customers().get("cus_1").raw().await?;
/// println!("{} {:?} {}", response.status, response.headers.get("x-request-id"), response.data.name);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Response<T> {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body as it came.
    pub body: Bytes,
    /// The decoded body.
    pub data: T,
}

impl<T> Response<T> {
    pub(crate) fn with<U>(self, data: U) -> Response<U> {
        Response { status: self.status, headers: self.headers, body: self.body, data }
    }
}

impl<T: fmt::Debug> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("data", &self.data)
            .finish()
    }
}

/// The headers of an answer. Names are matched in any letter case.
#[derive(Clone, Default)]
pub struct Headers(http::HeaderMap);

impl Headers {
    pub(crate) fn new(headers: http::HeaderMap) -> Self {
        Headers(headers)
    }

    pub(crate) fn map(&self) -> &http::HeaderMap {
        &self.0
    }

    /// The first value of a header, if it is there and is text.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }

    /// Every header with its value; a value that is not text is left out.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |name: &str| matches!(name, "set-cookie" | "authorization" | "www-authenticate");
        f.debug_map()
            .entries(self.iter().map(|(name, value)| (name, if hidden(name) { "***" } else { value })))
            .finish()
    }
}
