//! A call over HTTP, from its request to its answer.

use std::future::Future;

use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Response, ResponseBuilderExt};

use super::body::WatchedBody;
use super::outgoing::Outgoing;
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
}

/// What is changed of a request. It is done again where the request is built anew, for another attempt.
#[derive(Clone)]
pub(crate) struct Change {
    /// The call whose usage is asked for.
    asked: Option<Recognized>,
    /// What is read of a form while it is sent.
    upload: Option<Upload>,
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
        let is_asked = self.providers.asks() && ask(&recognized, request);
        let is_read = request.body().is_none() && Upload::is_form(request.headers());
        let upload = is_read.then(Upload::default);
        if let Some(upload) = &upload {
            request.read_in_passing(upload);
        }
        let change = Change { asked: is_asked.then(|| recognized.clone()), upload };
        let watch = Watch::start(recognized.of_async_client());
        Ok(watch.map(|watch| Exchange { watch, change }))
    }

    fn check_unrecognized(&self, request: &impl Outgoing) -> Result<(), UntracedCall> {
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

/// Asks for the usage of a stream, where it has to be.
fn ask(recognized: &Recognized, request: &mut impl Outgoing) -> bool {
    if is_signed(request.headers()) {
        return false;
    }
    let Some(asked) = request.body().and_then(|body| recognized.ask_for_usage(body)) else { return false };
    if request.headers().contains_key(CONTENT_LENGTH) {
        request.headers_mut().insert(CONTENT_LENGTH, asked.len().into());
    }
    request.set_body(asked);
    true
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
            ask(recognized, request);
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

    /// Makes the call, and tells the watch of its error. What it answers is what the caller gets; its body is watched on
    /// the way.
    #[cfg(any(feature = "openai", feature = "reqwest-middleware"))]
    pub async fn run<E>(
        mut self,
        call: impl Future<Output = Result<Response, E>>,
        tell: impl FnOnce(&mut Watch, &E),
    ) -> Result<Response, E> {
        match Watch::inside(Some(&self.watch), call).await {
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
