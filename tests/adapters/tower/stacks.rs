//! The layer in tower stacks.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use paid::ai::PaidLayer;
use paid::ai::tower::PeekedBody;
use paid_sandbox::{Fault, Script, StatusCode};
use serde_json::json;
use tower::limit::ConcurrencyLimitLayer;
use tower::retry::{Policy, RetryLayer};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt};

use super::{CHAT, CHAT_SPAN, assert_failed, bytes, count, hyper, layer, post, read, world};

/// Repeats what fails, at once.
#[derive(Clone)]
struct Again(usize);

impl<B, R, E> Policy<Request<B>, Response<R>, E> for Again
where
    B: Clone,
{
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request<B>, result: &mut Result<Response<R>, E>) -> Option<Ready<()>> {
        let failed = result.as_ref().map_or(true, |answer| !answer.status().is_success());
        self.0 = if failed { self.0.checked_sub(1)? } else { return None };
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        Some(request.clone())
    }
}

#[tokio::test]
async fn a_call_that_is_repeated_below_is_one_span_and_above_one_for_each() {
    let world = world().await;
    for stream in [false, true] {
        let fail = || {
            world.sandbox.fail(Fault::on("POST", CHAT).status(429));
            world.sandbox.fail(Fault::on("POST", CHAT).cut());
            world.sandbox.provider_script(Script::on(CHAT).input_tokens(100));
        };
        fail();
        let before = world.received().len();
        let below = layer(&world.sandbox).layer(RetryLayer::new(Again(2)).layer(hyper()));
        let (answer, call) = world.traced_call(read(below, world.chat(stream))).await;
        let received = world.received();
        let bodies: Vec<_> = received[before..].iter().map(|request| request.body()).collect();
        assert!(
            bodies.len() == 3 && bodies.iter().all(|body| *body == bodies[0]),
            "every attempt is the same"
        );
        assert!(!super::unnumbered(answer.unwrap().body()).contains("\"choices\":[],\"usage\":{"));
        assert_eq!((call.status.code, call.status.message.as_str()), (StatusCode::Ok, ""));
        assert_eq!(count(&call, "input_tokens"), Some(100));

        fail();
        let before = world.calls().await.len();
        let above = RetryLayer::new(Again(2)).layer(world.http.clone());
        let scope = world.client.paid_tracing("acme");
        scope.run_async(read(above, world.chat(stream))).await.unwrap();
        let calls = world.calls().await.split_off(before);
        let codes: Vec<_> = calls.iter().map(|call| call.status.code).collect();
        assert_eq!(codes, [StatusCode::Error, StatusCode::Error, StatusCode::Ok]);
        assert_eq!(count(&calls[2], "input_tokens"), Some(100));
    }
}

#[tokio::test]
async fn it_goes_around_any_stack_and_into_any() {
    let world = world().await;
    let stack = ServiceBuilder::new()
        .boxed_clone()
        .timeout(Duration::from_secs(10))
        .layer(layer(&world.sandbox))
        .timeout(Duration::from_secs(10))
        .concurrency_limit(2)
        .retry(Again(1))
        .service(hyper());
    world.sandbox.fail(Fault::on("POST", CHAT).status(500));
    let (answer, call) = world.traced_call(read(stack, world.chat(true))).await;
    assert!(answer.unwrap().status().is_success());
    assert_eq!((call.name.as_str(), count(&call, "input_tokens")), (CHAT_SPAN, Some(3)));
}

#[tokio::test]
async fn an_inner_limit_is_respected() {
    let world = world().await;
    let mut first = layer(&world.sandbox).layer(ConcurrencyLimitLayer::new(1).layer(hyper()));
    let mut second = first.clone();
    let is_ready = |http: &mut _| poll_ready(http).is_ready();
    assert!(is_ready(&mut first));
    assert!(is_ready(&mut first), "the room that was taken is kept");
    assert!(!is_ready(&mut second));
    let call = async {
        let call = first.call(world.chat(false));
        assert!(!is_ready(&mut first) && !is_ready(&mut second));
        bytes(call.await.unwrap()).await
    };
    let (_, span) = world.traced_call(call).await;
    assert_eq!(span.name, CHAT_SPAN);
    assert!(is_ready(&mut first) || is_ready(&mut second), "there is room again");
}

fn poll_ready<S: Service<Request<Full<Bytes>>>>(http: &mut S) -> Poll<Result<(), S::Error>> {
    http.poll_ready(&mut Context::from_waker(std::task::Waker::noop()))
}

/// Ready once, after which it has to be asked again. Its clones are not ready.
struct OnceReady {
    is_ready: bool,
    called: Arc<AtomicUsize>,
}

impl Clone for OnceReady {
    fn clone(&self) -> Self {
        OnceReady { is_ready: false, called: self.called.clone() }
    }
}

impl Service<Request<PeekedBody<Full<Bytes>>>> for OnceReady {
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = Ready<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.is_ready = true;
        match self.called.load(Ordering::Relaxed) {
            2.. => Poll::Ready(Err("it is worn out".into())),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, _: Request<PeekedBody<Full<Bytes>>>) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called without being ready");
        self.called.fetch_add(1, Ordering::Relaxed);
        ready(Ok(Response::new(Full::from("{}"))))
    }
}

#[tokio::test]
async fn the_service_that_is_ready_is_the_one_that_is_called() {
    let world = world().await;
    let called = Arc::new(AtomicUsize::new(0));
    let inner = OnceReady { is_ready: false, called: called.clone() };
    let mut http = PaidLayer::new().layer(inner);
    let request = || post("https://api.openai.com/v1/chat/completions", &json!({"stream": true}));
    http.ready().await.unwrap().call(request()).await.unwrap();
    let scope = world.client.paid_tracing("acme");
    scope.run_async(async { http.ready().await.unwrap().call(request()).await.unwrap() }).await;
    assert_eq!(called.load(Ordering::Relaxed), 2);
    assert_eq!(http.ready().await.err().unwrap().to_string(), "it is worn out");
    assert_eq!(world.calls().await.len(), 1);
}

#[tokio::test]
async fn a_client_of_reqwest_is_a_service_too() {
    let world = world().await;
    let http = layer(&world.sandbox).layer(reqwest::Client::new());
    let request = || {
        let (parts, body) = world.chat(true).into_parts();
        let body = body.into_inner().unwrap();
        reqwest::Request::try_from(Request::from_parts(parts, body)).unwrap()
    };
    let work = async {
        let answer = http.clone().oneshot(request()).await.unwrap();
        assert!(answer.url().path().ends_with("/chat/completions"));
        answer.bytes().await.unwrap()
    };
    let (seen, call) = world.traced_call(work).await;
    assert!(!super::unnumbered(&seen).contains("\"choices\":[]"));
    assert_eq!((call.name.as_str(), count(&call, "input_tokens")), (CHAT_SPAN, Some(3)));

    world.sandbox.fail(Fault::on("POST", CHAT).cut());
    let (answer, call) = world.traced_call(http.clone().oneshot(request())).await;
    assert!(answer.unwrap_err().is::<reqwest::Error>());
    assert_failed(&call, "Error: error sending request for url ([url])");
    assert!(http.oneshot(request()).await.is_ok(), "outside of a scope");
}

#[test]
fn what_is_shown_of_them_is_no_secret() {
    let layer = PaidLayer::new().optional_tracing(false);
    assert_eq!(
        format!("{layer:?}"),
        "PaidLayer { providers: Providers { added: [], asks_nothing: false }, optional_tracing: false }"
    );
    assert_eq!(format!("{:?}", layer.layer("inner")), "PaidService { inner: \"inner\", .. }");
}
