//! A host that refuses to be asked for the usage of a stream.

use async_openai::config::OpenAIConfig;
use paid::ai::openai::client;

use super::{KEY, all, hello, world};
use crate::support::cases::all as cases;
use crate::support::scripted::Scripted;

#[tokio::test]
async fn it_gets_the_callers_own_request_and_is_not_asked_again() {
    let world = world().await;
    for case in cases().into_iter().filter(|case| case.then.is_some()) {
        let server = Scripted::start(&case);
        let config =
            OpenAIConfig::new().with_api_base(format!("http://{}/v1", server.address)).with_api_key(KEY);
        let openai = client(config);
        for (call, requests) in [(1, 2), (2, 3)] {
            let read = async { all(openai.chat().create_stream(hello()).await.unwrap()).await };
            let ((chunks, error), span) = world.traced_call(read).await;
            assert!(error.is_none(), "{error:?}");
            assert_eq!(chunks.len(), 2);
            case.assert_told(&span, "through async-openai");
            let received = server.received();
            assert_eq!(received.len(), requests, "{call}");
            let asks = |body: &[u8]| String::from_utf8_lossy(body).contains("stream_options");
            assert!(asks(&received[0].body) && !received[1..].iter().any(|received| asks(&received.body)));
        }
    }
}
