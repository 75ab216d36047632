//! Uploads that are repeated, long, many, or seen twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;

use super::*;
use crate::support::audio::{assert_each_is_longer_by_a_tenth, tenths};
use crate::support::crowd::crowd;

#[tokio::test]
async fn a_form_at_hand_is_read_too_and_can_be_repeated() {
    let world = world().await;
    let policy = ExponentialBackoff::builder()
        .retry_bounds(Duration::from_millis(1), Duration::from_millis(1))
        .build_with_max_retries(2);
    let http = ClientBuilder::new(reqwest::Client::new())
        .with(middleware(world.sandbox.openai_base()))
        .with(RetryTransientMiddleware::new_with_policy(policy))
        .build();
    let mut body =
        b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n\r\n".to_vec();
    body.extend(sample("cbr.mp3"));
    body.extend(b"\r\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b--\r\n");
    world.sandbox.fail(Fault::on("POST", PATH).status(429));
    world.sandbox.fail(Fault::on("POST", PATH).cut());
    let url = format!("{}/audio/transcriptions", world.sandbox.openai_base());
    let request = http.post(url).bearer_auth(KEY);
    let request = request.header("content-type", "multipart/form-data; boundary=b").body(body.clone());
    let (status, span) = world.traced_call(async { request.send().await.unwrap().status() }).await;
    assert_eq!(status.as_u16(), 200);
    assert_measured(&span, 1.227_755);
    let attempts = world.received();
    assert_eq!(attempts.len(), 3);
    assert!(attempts.iter().all(|attempt| attempt.body() == body));
}

/// A piece that is counted for as long as anyone has it.
struct Counted(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_long_recording_is_not_held() {
    const PIECE: usize = 64 * 1024;
    const PIECES: usize = 600;
    let world = world().await;
    let (held, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let start = sample("piped.wav");
    let pieces = (0..PIECES).map({
        let most = most.clone();
        move |number| {
            let mut piece = vec![0; PIECE];
            if number == 0 {
                piece[..start.len()].copy_from_slice(&start);
            }
            most.fetch_max(held.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            Bytes::from_owner(Counted(piece, held.clone()))
        }
    });
    let file = Part::stream(Body::wrap_stream(Pieces(pieces))).file_name("long.wav");
    let span = world.transcribe(form(file)).await;
    let header = 78.0;
    assert_measured(&span, ((PIECES * PIECE) as f64 - header) / 16_000.0);
    let most = most.load(Ordering::Relaxed);
    assert!(most < 64, "{most} pieces of {PIECES} at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_at_once_are_each_counted_for_their_customer() {
    let calls = crowd(world().await, 200, |caller| async move {
        let file = streamed(tenths(caller.number + 1), 500 + caller.number);
        let request = caller.world.request(form(Part::stream(file).file_name("a.wav")));
        let call = async { caller.world.http.execute(request).await.unwrap().text().await.unwrap() };
        caller.scope.run_async(call).await;
    });
    assert_each_is_longer_by_a_tenth(&calls.await);
}

#[tokio::test]
async fn an_upload_that_two_hooks_see_is_one_span() {
    let world = world().await;
    let twice = ClientBuilder::new(reqwest::Client::new())
        .with(middleware(world.sandbox.openai_base()))
        .with(middleware(world.sandbox.openai_base()))
        .build();
    let request = world.request(form(part("opus.ogg")));
    let (_, span) =
        world.traced_call(async { twice.execute(request).await.unwrap().text().await.unwrap() }).await;
    assert_measured(&span, 1.7);
}
