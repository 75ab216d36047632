//! One call: its request, its answer, and the watch over it.

use std::future::Future;

use gemini_rust::client::Error;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::fail::fail;
use super::stream::{Inner, watched};
use super::tells::{Tells, Words};
use crate::ext::ai::engine::{Provider, Recognized, Request, Watch, recognize_as};

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    GenerateContent,
    Interactions,
}

impl Api {
    fn recognized(self, stream: bool) -> Option<Recognized> {
        let request =
            Request { method: "POST", path: "/v1beta/models/any:generateContent", ..Request::default() };
        let mut recognized = recognize_as(&Provider::Gemini.into(), &request)?;
        recognized.stream = stream;
        if self == Api::Interactions {
            recognized.name = "gemini.interactions.create".into();
        }
        Some(recognized)
    }

    fn start(self, stream: bool) -> Option<Watch> {
        Watch::is_wanted().then(|| self.recognized(stream)).flatten().and_then(Watch::start)
    }
}

/// A call whose answer comes whole.
pub(super) async fn whole<T: Tells>(
    api: Api,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut watch = api.start(false);
    let result = Watch::inside(watch.as_ref(), call).await;
    if let Some(watch) = &mut watch {
        match &result {
            Ok(answer) => {
                watch.feed(Words::default().whole(&answer.tell()));
                watch.end();
            }
            Err(error) => fail(watch, error),
        }
    }
    result
}

/// A call whose answer is a stream.
pub(super) async fn stream<T: Tells + 'static>(
    api: Api,
    call: impl Future<Output = Result<Inner<T>, Error>>,
) -> Result<Inner<T>, Error> {
    let Some(mut watch) = api.start(true) else { return call.await };
    match Watch::inside(Some(&watch), call).await {
        Ok(stream) => {
            let events = HeaderValue::from_static("text/event-stream");
            watch.answered_http(StatusCode::OK, &HeaderMap::from_iter([(header::CONTENT_TYPE, events)]));
            Ok(watched(stream, watch))
        }
        Err(error) => {
            fail(&mut watch, &error);
            Err(error)
        }
    }
}
