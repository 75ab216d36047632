//! A call over HTTP, from its request to its answer.

use std::future::Future;

#[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use reqwest::{Body, Response, ResponseBuilderExt};

use super::body::WatchedBody;
use super::outgoing::Outgoing;
use super::refusing::{is_refusal, refuses, remember};
use super::upload::Upload;
use crate::ext::ai::engine::{
    self, HideUsage, Provider, Providers, Recognized, Speaks, UntracedCall, Watch, recognize, recognize_as,
};

/// What calls are counted, and how strictly.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub providers: Providers,
    pub optional_tracing: bool,
    /// Whose API the client speaks, whatever the host is; none for a client of any.
    pub api: Option<Provider>,
}

impl Default for Hook {
    fn default() -> Self {
        Hook { providers: Providers::new(), optional_tracing: true, api: None }
    }
}

/// A call that is counted, before it is made.
pub(crate) struct Exchange {
    watch: Watch,
    change: Change,
    /// The host that may refuse to be asked, until it has answered the caller's own request.
    refused_by: Option<String>,
}

/// What is changed of a request. It is done again where the request is built anew, for another attempt.
#[derive(Clone)]
pub(crate) struct Change {
    /// The call whose usage is asked for.
    asked: Option<Recognized>,
    /// The request as the caller made it, for a host that refuses to be asked.
    original: Option<Original>,
    /// What is read of a form while it is sent.
    upload: Option<Upload>,
}

/// What was changed of a request to ask for the usage of its stream.
#[derive(Clone)]
pub(crate) struct Original {
    host: String,
    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    headers: HeaderMap,
    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    body: Bytes,
}

impl Original {
    fn of(request: &impl Outgoing) -> Option<Self> {
        request.body().map(|_body| Original {
            host: request.host().into_owned(),
            #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
            headers: request.headers().clone(),
            #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
            body: Bytes::copy_from_slice(_body),
        })
    }

    /// Makes a request what it was.
    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    fn restore(&self, request: &mut impl Outgoing) {
        *request.headers_mut() = self.headers.clone();
        request.set_body(self.body.clone());
    }
}

impl Hook {
    /// Whether no call that is made here is counted, nor refused.
    pub fn is_idle(&self) -> bool {
        self.optional_tracing && !Watch::is_wanted()
    }

    /// Looks at a request; none if it is not counted.
    ///
    /// # Errors
    ///
    /// It would not be traced, and has to be: it is outside of a scope, or its host is not known.
    pub fn begin(&self, request: &mut impl Outgoing) -> Result<Option<Exchange>, UntracedCall> {
        if self.is_idle() {
            return Ok(None);
        }
        let Some(mut recognized) = self.recognize(request) else {
            self.check_unrecognized(request)?;
            return Ok(None);
        };
        UntracedCall::check(self.optional_tracing)?;
        if !Watch::is_wanted() {
            return Ok(None);
        }
        if request.peek()
            && let Some(closer) = self.recognize(request)
        {
            recognized = closer;
        }
        let original = match self.providers.asks() && !refuses(&request.host()) {
            true => ask(&recognized, request),
            false => None,
        };
        let is_read = request.body().is_none() && Upload::is_form(request.headers());
        let upload = is_read.then(Upload::default);
        if let Some(upload) = &upload {
            request.read_in_passing(upload);
        }
        let change = Change { asked: original.as_ref().map(|_| recognized.clone()), original, upload };
        let watch = Watch::start(recognized.of_async_client());
        Ok(watch.map(|watch| Exchange { watch, change, refused_by: None }))
    }

    fn check_unrecognized(&self, request: &mut impl Outgoing) -> Result<(), UntracedCall> {
        if !self.optional_tracing {
            // The body tells a call from what only has its path.
            request.peek();
        }
        let (host, path, method) = (request.host(), request.path(), request.method().as_str());
        let seen = engine::Request { method, host: &host, path: &path, body: request.body() };
        UntracedCall::check_unrecognized(self.optional_tracing, &seen)
    }

    fn recognize(&self, request: &impl Outgoing) -> Option<Recognized> {
        let (host, path) = (request.host(), request.path());
        let method = request.method().as_str();
        let seen = engine::Request { method, host: &host, path: &path, body: request.body() };
        recognize(&self.providers, &seen).or_else(|| {
            let mut speaks = Speaks::from(self.api?);
            // A provider that speaks another's API too does so in its own name.
            if let Some(known) = self.providers.find(&host, &path) {
                speaks.system = known.system;
            }
            recognize_as(&speaks, &seen)
        })
    }
}

/// Asks for the usage of a stream, where it has to be; what the request was before, if it was changed.
fn ask(recognized: &Recognized, request: &mut impl Outgoing) -> Option<Original> {
    if is_signed(request.headers()) {
        return None;
    }
    let asked = recognized.ask_for_usage(request.body()?)?;
    let original = Original::of(request)?;
    let headers = request.headers_mut();
    if headers.contains_key(CONTENT_LENGTH) {
        headers.insert(CONTENT_LENGTH, asked.len().into());
    }
    // What is compressed can't be taken out of the answer.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    request.set_body(asked.into());
    Some(original)
}

/// Whether a header holds for this body alone: a digest of it, a signature over it, or a scheme of authorization other
/// than those that hold for any body.
fn is_signed(headers: &HeaderMap) -> bool {
    const PARTS: [&str; 9] =
        ["signature", "digest", "sha1", "sha256", "sha384", "sha512", "md5", "checksum", "hmac"];
    let is_of_body = |name: &HeaderName| PARTS.iter().any(|part| name.as_str().contains(part));
    let is_plain = |value: &HeaderValue| {
        let scheme = value.as_bytes().split(|byte| *byte == b' ').next().unwrap_or_default();
        [&b"bearer"[..], b"basic"].iter().any(|plain| scheme.eq_ignore_ascii_case(plain))
    };
    headers.keys().any(is_of_body) || !headers.get_all(AUTHORIZATION).iter().all(is_plain)
}

#[cfg(feature = "openai")]
impl Change {
    /// Changes the same request, built anew.
    pub fn repeat(&self, request: &mut reqwest::Request) {
        if let Some(recognized) = &self.asked {
            let _ = ask(recognized, request);
        }
        if let Some(upload) = &self.upload {
            request.read_in_passing(upload);
        }
    }
}

impl Exchange {
    /// What was changed of the request.
    #[cfg(feature = "openai")]
    pub fn change(&self) -> Change {
        self.change.clone()
    }

    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    /// The request as the caller made it, if it was changed to ask for the usage of its stream.
    pub fn original<R: Outgoing>(&self, request: &R) -> Option<R> {
        let original = self.change.original.as_ref()?;
        let mut again = request.repeat()?;
        original.restore(&mut again);
        Some(again)
    }

    /// Whether the request was changed to ask for the usage of its stream.
    #[cfg(feature = "openai")]
    pub fn is_changed(&self) -> bool {
        self.change.original.is_some()
    }

    /// Whether an answer may refuse what was asked. Then the caller's own request is sent, and nothing is hidden of the
    /// answer to that.
    pub fn is_refused(&mut self, status: StatusCode) -> bool {
        if !is_refusal(status) {
            return false;
        }
        self.change.asked = None;
        self.refused_by = self.change.original.take().map(|original| original.host);
        self.refused_by.is_some()
    }

    /// A part of the call, up to the head of an answer: hooks below don't count it again.
    #[cfg(any(feature = "openai", feature = "reqwest-middleware"))]
    pub async fn inside<F: Future>(&self, call: F) -> F::Output {
        Watch::inside(Some(&self.watch), call).await
    }

    /// The call has its answer, which is watched on its way to the caller, or has failed.
    #[cfg(any(feature = "openai", feature = "reqwest-middleware"))]
    pub fn finish<E>(
        mut self,
        result: Result<Response, E>,
        tell: impl FnOnce(&mut Watch, &E),
    ) -> Result<Response, E> {
        match result {
            Ok(answer) => Ok(self.answered(answer)),
            Err(error) => {
                self.tell_upload();
                tell(&mut self.watch, &error);
                Err(error)
            }
        }
    }

    /// The same, where the call is made in two steps: a closure starts it.
    #[cfg(feature = "tower")]
    pub fn start<F: Future>(&self, call: impl FnOnce() -> F) -> engine::Inside<F> {
        let call = Watch::inside_sync(Some(&self.watch), call);
        Watch::inside(Some(&self.watch), call)
    }

    /// The same for a call that may not be made.
    #[cfg(feature = "tower")]
    pub fn call_again<F: Future>(&self, call: impl FnOnce() -> Option<F>) -> Option<engine::Inside<F>> {
        let call = Watch::inside_sync(Some(&self.watch), call)?;
        Some(Watch::inside(Some(&self.watch), call))
    }

    /// The call failed before its answer.
    #[cfg(feature = "tower")]
    pub fn fail_as(mut self, kind: &str, message: &str) {
        self.tell_upload();
        self.watch.fail_as(kind, message);
    }

    /// The answer as the caller gets it.
    pub fn answered(self, answer: Response) -> Response {
        let url = answer.url().clone();
        let (mut parts, body) = self.answered_http(http::Response::from(answer)).into_parts();
        // An answer that is made anew has no URL, unless it is said.
        if let Ok(carrier) = http::Response::builder().url(url).body(()) {
            parts.extensions.extend(carrier.into_parts().0.extensions);
        }
        Response::from(http::Response::from_parts(parts, Body::wrap(body)))
    }

    /// The same for an answer of any client.
    pub fn answered_http<B: http_body::Body>(
        mut self,
        answer: http::Response<B>,
    ) -> http::Response<WatchedBody<B>> {
        let (mut parts, body) = answer.into_parts();
        // One that answers the caller's own request otherwise is not asked again.
        if let Some(host) = self.refused_by.take()
            && !is_refusal(parts.status)
        {
            remember(&host);
        }
        self.tell_upload();
        self.watch.answered_http(parts.status, &parts.headers);
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_plain = ["", "identity"].contains(&text(CONTENT_ENCODING));
        let hide = match self.change.asked {
            Some(_) if is_plain => HideUsage::new(text(CONTENT_TYPE)),
            _ => None,
        };
        if hide.is_some() {
            parts.headers.remove(CONTENT_LENGTH);
        }
        http::Response::from_parts(parts, WatchedBody::new(body, Some(self.watch), hide))
    }
    /// By now, the request is sent, as far as it will be.
    fn tell_upload(&mut self) {
        if let Some(upload) = &self.change.upload {
            upload.tell(&mut self.watch);
        }
    }
}
