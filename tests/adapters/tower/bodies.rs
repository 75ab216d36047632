//! Bodies of requests: seen where they are at hand, and sent as they are.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
use http_body_util::{BodyExt, Full};
use paid::ai::PaidLayer;
use paid::ai::tower::PeekedBody;
use paid_sandbox::StatusCode;
use tower::{BoxError, Layer, ServiceBuilder, service_fn};

use super::{CHAT_SPAN, World, count, hyper, layer, read, world};

/// A body of pieces, each after a wait. Its length is told or not.
struct Pieces {
    pieces: VecDeque<Result<Frame<Bytes>, &'static str>>,
    length: Option<u64>,
    is_late: bool,
    waits: bool,
}

impl Pieces {
    fn new<const N: usize>(pieces: [&str; N]) -> Self {
        let length = pieces.iter().map(|piece| piece.len() as u64).sum();
        let data = |piece: &str| Ok(Frame::data(Bytes::copy_from_slice(piece.as_bytes())));
        Pieces { pieces: pieces.map(data).into(), length: Some(length), is_late: false, waits: false }
    }

    fn unknown(self) -> Self {
        Pieces { length: None, ..self }
    }

    fn late(self) -> Self {
        Pieces { is_late: true, waits: true, ..self }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        if self.is_late && std::mem::replace(&mut self.waits, false) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.waits = true;
        Poll::Ready(self.pieces.pop_front())
    }

    /// All of it from first to last, as some bodies tell it.
    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn text(world: &World) -> String {
    let body = world.chat(true).into_body().into_inner().unwrap();
    String::from_utf8(body.into()).unwrap()
}

/// The request for a chat stream, with another body.
fn request<B>(world: &World, body: B) -> Request<B> {
    world.chat(true).map(|_| body)
}

#[tokio::test]
async fn a_body_in_a_box_is_seen() {
    let world = world().await;
    let text = text(&world);
    let boxed: BoxBody<Bytes, Infallible> = Full::from(text.clone()).boxed();
    let http = layer(&world.sandbox).layer(hyper());
    let (_, call) = world.traced_call(read(http, request(&world, boxed))).await;
    assert_eq!(count(&call, "input_tokens"), Some(3));
    let boxed: UnsyncBoxBody<Bytes, &str> = Pieces::new([&text]).boxed_unsync();
    let http = layer(&world.sandbox).layer(hyper());
    let (_, call) = world.traced_call(read(http, request(&world, boxed))).await;
    assert_eq!(count(&call, "input_tokens"), Some(3));
    let http = layer(&world.sandbox).layer(hyper());
    let (_, call) = world.traced_call(read(http, request(&world, text))).await;
    assert_eq!(count(&call, "input_tokens"), Some(3));
}

#[tokio::test]
async fn a_service_below_gets_the_body_that_it_takes() {
    let world = world().await;
    let client = hyper::<BoxBody<Bytes, BoxError>>();
    let http = ServiceBuilder::new()
        .layer(layer(&world.sandbox))
        .map_request(|request: Request<PeekedBody<Full<Bytes>>>| {
            request.map(|body| body.map_err(BoxError::from).boxed())
        })
        .service(client);
    let (answer, call) = world.traced_call(read(http, world.chat(true))).await;
    assert!(answer.is_ok());
    assert_eq!(count(&call, "input_tokens"), Some(3));
}

#[tokio::test]
async fn a_body_that_is_not_at_hand_is_sent_as_it_is_and_its_call_counted() {
    let world = world().await;
    let text = text(&world);
    let (one, two) = text.split_at(20);
    for (body, length) in [
        (Pieces::new([&text]).unknown(), None),
        (Pieces::new([&text]).late(), Some(text.len())),
        (Pieces::new([one, two]), Some(text.len())),
        (Pieces::new([one, two]).late().unknown(), None),
        (Pieces::new(["", one, two]), Some(text.len())),
    ] {
        let http = layer(&world.sandbox).layer(hyper());
        let (answer, call) = world.traced_call(read(http, request(&world, body))).await;
        assert!(answer.unwrap().body().ends_with(b"data: [DONE]\n\n"));
        let received = world.received().pop().unwrap();
        assert_eq!(std::str::from_utf8(received.body()).unwrap(), text);
        let told = received.header("content-length").map(|length| length.parse().unwrap());
        assert_eq!(told, length);
        assert_eq!((call.name.as_str(), call.status.code), (CHAT_SPAN, StatusCode::Ok));
        assert!(call.text("paid.usage.missing").is_some());
        assert_eq!(call.text("gen_ai.response.model"), Some(super::MODEL));
    }
}

#[tokio::test]
async fn a_body_that_breaks_at_the_first_look_breaks_when_it_is_sent() {
    let world = world().await;
    let mut body = Pieces::new([]);
    body.length = Some(10);
    body.pieces.push_back(Err("unplugged"));
    let http = layer(&world.sandbox).layer(hyper());
    let (answer, call) = world.traced_call(read(http, request(&world, body))).await;
    let error = answer.unwrap_err();
    let mut source = Some(&*error as &dyn std::error::Error);
    let told = std::iter::from_fn(|| {
        let error = source?;
        source = error.source();
        Some(error.to_string())
    });
    assert!(told.last().unwrap().contains("unplugged"), "{error:?}");
    assert_eq!(call.status.code, StatusCode::Error);
}

/// What a body is, frame by frame, and what it says of itself before each.
type Seen = Vec<(Option<u64>, bool, String)>;

async fn look<B: Body<Data = Bytes, Error = &'static str> + Unpin>(mut body: B) -> Seen {
    let mut seen = Vec::new();
    for _ in 0..4 {
        let (length, is_over) = (body.size_hint().exact(), body.is_end_stream());
        let frame = body.frame().await.map(|frame| frame.map(Frame::into_data));
        seen.push((length, is_over, format!("{frame:?}")));
    }
    seen
}

#[tokio::test]
async fn frames_are_what_they_are_without_the_look() {
    let world = world().await;
    let trailers = || Frame::trailers(HeaderMap::from_iter([(http::header::ETAG, "x".parse().unwrap())]));
    let bodies: [fn() -> Pieces; 4] = [
        || Pieces::new(["a", "b"]),
        || Pieces::new(["ab"]),
        || Pieces::new(["ab"]).late(),
        || Pieces { length: Some(1), ..Pieces::new([]) },
    ];
    for make in bodies {
        for with_trailers in [false, true] {
            let make = || {
                let mut body = make();
                body.pieces.extend(with_trailers.then(|| Ok(trailers())));
                body
            };
            let seen = Arc::new(Mutex::new(Seen::new()));
            let into = seen.clone();
            let below = service_fn(move |request: Request<PeekedBody<Pieces>>| {
                let into = into.clone();
                async move {
                    let seen = look(request.into_body()).await;
                    *into.lock().unwrap() = seen;
                    Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("{}")))
                }
            });
            let request = Request::post("https://api.openai.com/v1/chat/completions").body(make()).unwrap();
            world.traced_call(read(PaidLayer::new().layer(below), request)).await.0.unwrap();
            let unseen = look(make()).await;
            assert_eq!(*seen.lock().unwrap(), unseen);
        }
    }
}

#[tokio::test]
async fn a_request_that_names_its_host_in_a_header_is_counted() {
    let world = world().await;
    let sandbox = world.sandbox.origin();
    let http = ServiceBuilder::new()
        .layer(PaidLayer::new())
        .map_request(move |request: Request<PeekedBody<Full<Bytes>>>| {
            let (mut parts, body) = request.into_parts();
            parts.uri = format!("{sandbox}{}", parts.uri).parse().unwrap();
            Request::from_parts(parts, body)
        })
        .service(hyper());
    let mut request = world.chat(false);
    *request.uri_mut() = "/v1/chat/completions".parse().unwrap();
    request.headers_mut().insert("host", "api.openai.com".parse().unwrap());
    let (answer, call) = world.traced_call(read(http, request)).await;
    assert!(answer.unwrap().status().is_success());
    assert_eq!((call.name.as_str(), count(&call, "input_tokens")), (CHAT_SPAN, Some(3)));
}

#[tokio::test]
async fn a_form_that_is_streamed_is_read_while_it_is_sent() {
    let world = world().await;
    let part =
        |head: &str, value: &str| format!("--x\r\ncontent-disposition: form-data; {head}\r\n\r\n{value}\r\n");
    let file = part("name=\"file\"; filename=\"hello.wav\"", &"a".repeat(64_000));
    let form = [file, part("name=\"model\"", "whisper-1"), "--x--\r\n".into()].concat();
    for pieces in [form.len(), 1000] {
        let url = format!("{}/audio/transcriptions", world.sandbox.openai_base());
        let pieces: Vec<_> =
            form.as_bytes().chunks(pieces).map(|piece| std::str::from_utf8(piece).unwrap()).collect();
        let data = |piece: &&str| Ok(Frame::data(Bytes::copy_from_slice(piece.as_bytes())));
        let body = Pieces { pieces: pieces.iter().map(data).collect(), ..Pieces::new([]).unknown() };
        let request = Request::post(url)
            .header("authorization", format!("Bearer {}", super::KEY))
            .header("content-type", "multipart/form-data; boundary=x")
            .body(body)
            .unwrap();
        let http = layer(&world.sandbox).layer(hyper());
        let (answer, call) = world.traced_call(read(http, request)).await;
        assert!(answer.unwrap().status().is_success());
        assert_eq!(world.received().pop().unwrap().body(), form.as_bytes());
        assert_eq!(call.name, "paid.trace.openai.audio.transcriptions.create");
        assert_eq!(call.text("gen_ai.request.model"), Some("whisper-1"));
    }
}
