//! The API key, as text or as a function that is asked for it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::HeaderValue;

use crate::error::InvalidRequest;

/// An API key: text, or a function that is called for every request. It never shows in `Debug`.
///
/// ```
/// use paid::Token;
///
/// let fixed = Token::from("paid_key");
/// let rotating = Token::from_fn(|| std::fs::read_to_string("/run/secrets/paid").unwrap_or_default());
/// assert_eq!(format!("{fixed:?} {rotating:?}"), "Token(***) Token(fn)");
/// ```
#[derive(Clone)]
pub struct Token(Source);

#[derive(Clone)]
enum Source {
    Text(Arc<str>),
    Function(Arc<dyn Fn() -> String + Send + Sync>),
}

impl Token {
    /// A token that is asked for before every attempt, for keys that rotate. It should not block.
    ///
    /// Surrounding white space, such as the line end of a file, is cut off.
    pub fn from_fn(function: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Token(Source::Function(Arc::new(function)))
    }

    /// The header of a fixed token; none for a function.
    pub(crate) fn fixed(&self) -> Result<Option<HeaderValue>, InvalidRequest> {
        match &self.0 {
            Source::Text(text) => header(text).map(Some),
            Source::Function(_) => Ok(None),
        }
    }

    pub(crate) fn header(&self) -> Result<HeaderValue, InvalidRequest> {
        header(&self.key())
    }

    fn key(&self) -> Cow<'_, str> {
        match &self.0 {
            Source::Text(text) => Cow::Borrowed(text),
            Source::Function(function) => Cow::Owned(function().trim().to_string()),
        }
    }
}

impl Token {
    /// The key itself, checked as for a header.
    #[cfg(feature = "cost-tracing")]
    pub(crate) fn text(&self) -> Result<String, InvalidRequest> {
        let key = self.key();
        header(&key).map(|_| key.into_owned())
    }

    /// Whether both are the same text, or the same function.
    #[cfg(feature = "cost-tracing")]
    pub(crate) fn same(&self, other: &Token) -> bool {
        match (&self.0, &other.0) {
            (Source::Text(one), Source::Text(other)) => std::sync::Arc::ptr_eq(one, other) || one == other,
            (Source::Function(one), Source::Function(other)) => std::sync::Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// Marks that a shell or a configuration file takes off a value, and that others leave on.
const QUOTES: [char; 3] = ['"', '\'', '`'];

/// Checks a token and makes its header. Messages never hold any of it.
fn header(token: &str) -> Result<HeaderValue, InvalidRequest> {
    let refuse = |problem: &str| Err(InvalidRequest::new("token", problem));
    if token.trim().is_empty() {
        return refuse("is empty: give the API key from the Paid dashboard, or set PAID_API_KEY");
    }
    if token.starts_with(QUOTES) || token.ends_with(QUOTES) {
        return refuse("is in quotes: give the API key without them");
    }
    if token.to_ascii_lowercase().starts_with("bearer ") {
        return refuse("starts with \"Bearer\": give the API key alone, the SDK adds the word");
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refuse(
            "has white space, line ends or characters beyond ASCII: copy the API key again, nothing else",
        );
    }
    match HeaderValue::try_from(format!("Bearer {token}")) {
        Ok(mut value) => {
            value.set_sensitive(true);
            Ok(value)
        }
        Err(_) => refuse("does not fit a header: copy the API key again"),
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::Text(_) => "Token(***)",
            Source::Function(_) => "Token(fn)",
        })
    }
}

impl From<&str> for Token {
    fn from(text: &str) -> Self {
        Token(Source::Text(text.into()))
    }
}

impl From<String> for Token {
    fn from(text: String) -> Self {
        Token(Source::Text(text.into()))
    }
}
