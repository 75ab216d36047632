//! Uploads that are refused, break off, or are not counted.

use paid::ai::UntracedCall;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

#[tokio::test]
async fn who_is_refused_gets_the_refusal_and_it_is_recorded() {
    let world = world().await;
    for status in [400, 401, 413, 429, 500] {
        world.sandbox.fail(Fault::on("POST", PATH).status(status));
        let request = world.request(form(part("cbr.mp3")));
        let call = async { world.http.execute(request).await.unwrap().status().as_u16() };
        let (answered, span) = world.traced_call(call).await;
        assert_eq!(answered, status);
        assert_failed_as(&span, &format!("ApiError: {status} "));
        assert_eq!(seconds(&span), None);
        assert_eq!(span.text("gen_ai.request.model"), Some("whisper-1"));
    }
    world.sandbox.fail(Fault::on("POST", PATH).cut());
    let request = world.request(form(part("cbr.mp3")));
    let (answer, span) = world.traced_call(async { world.http.execute(request).await }).await;
    assert!(answer.is_err());
    assert_failed_as(&span, "Error: ");
}

#[tokio::test]
async fn a_refusal_before_the_recording_was_read_is_recorded() {
    let world = world().await;
    for status in ["401 Unauthorized", "413 Payload Too Large"] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}");
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream
        });
        let http = ClientBuilder::new(reqwest::Client::new()).with(middleware(&base)).build();
        // It never ends.
        let endless = Pieces(std::iter::repeat(Bytes::from_static(&[0; 1000])));
        let file = Part::stream(Body::wrap_stream(endless)).file_name("a.mp3");
        let request = reqwest::Client::new().post(format!("{base}/audio/transcriptions"));
        let request = request.multipart(form(file)).build().unwrap();
        let call = async { http.execute(request).await.unwrap().status() };
        let (answered, span) = world.traced_call(call).await;
        assert_eq!(answered.as_str(), &status[..3]);
        assert_failed_as(&span, &format!("ApiError: {status}"));
        assert_eq!(span.text("gen_ai.request.model"), Some("whisper-1"));
        drop(server.await.unwrap());
    }
}

#[tokio::test]
async fn outside_of_a_scope_uploads_go_through_unless_that_is_forbidden() {
    let world = world().await;
    let answer = world.http.execute(world.request(form(part("cbr.mp3")))).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let strict = middleware(world.sandbox.openai_base()).optional_tracing(false);
    let strict = ClientBuilder::new(reqwest::Client::new()).with(strict).build();
    let before = world.received().len();
    let error = strict.execute(world.request(form(part("cbr.mp3")))).await.unwrap_err();
    let reqwest_middleware::Error::Middleware(error) = error else { panic!("{error}") };
    assert!(error.is::<UntracedCall>(), "{error}");
    assert_eq!(world.received().len(), before, "nothing was sent");
    assert!(world.calls().await.is_empty());
}

#[tokio::test]
async fn an_upload_that_fails_midway_passes_its_error_on() {
    let world = world().await;
    struct Broken(bool);
    impl Stream for Broken {
        type Item = Result<Bytes, std::io::Error>;
        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(Some(match std::mem::replace(&mut self.0, true) {
                false => Ok(Bytes::from_static(b"RIFF")),
                true => Err(std::io::Error::other("the disk is gone")),
            }))
        }
    }
    let request = world.request(form(Part::stream(Body::wrap_stream(Broken(false))).file_name("a.wav")));
    let (answer, span) = world.traced_call(async { world.http.execute(request).await }).await;
    let mut cause: &dyn std::error::Error = &answer.unwrap_err();
    while let Some(source) = cause.source() {
        cause = source;
    }
    assert_eq!(cause.to_string(), "the disk is gone");
    assert_failed_as(&span, "Error: ");
    assert_eq!(seconds(&span), None);
}
