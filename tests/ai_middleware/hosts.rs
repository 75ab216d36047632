//! Hosts that nobody named.

use paid::ai::{PaidMiddleware, Providers, UntracedCall};
use serde_json::json;

use super::ai_support::hosts::{calls, others};
use super::ai_support::lines;
use super::{client_of, world};

#[tokio::test]
async fn a_call_to_a_host_that_is_not_known_is_refused_where_calls_have_to_be_traced() {
    let world = world().await;
    let strict = client_of(PaidMiddleware::new().optional_tracing(false));
    let base = world.sandbox.base_url();
    let host = base.trim_start_matches("http://").split('/').next().unwrap();
    let post = |path: &str, body: &serde_json::Value| {
        strict.post(format!("http://{host}{path}")).body(body.to_string()).build().unwrap()
    };
    for (path, body) in calls() {
        let before = world.received().len();
        // Within a scope as well as without one: it would be billed to nobody.
        for scoped in [true, false] {
            let call = strict.execute(post(path, &body));
            let result = if scoped { world.scope().run_async(call).await } else { call.await };
            let Err(reqwest_middleware::Error::Middleware(error)) = result else {
                panic!("{path}: {result:?}")
            };
            assert!(error.is::<UntracedCall>(), "{error}");
            let text = error.to_string();
            assert!(text.contains(&format!("Providers::compatible(\"{host}\", system)")), "{text}");
            assert!(!text.contains("AIza"), "{text}");
        }
        assert_eq!(world.received().len(), before, "nothing was sent");
    }
    for (path, body) in others() {
        strict.execute(post(path, &body)).await.unwrap();
    }
    // Named, it is a call like any other.
    let named = PaidMiddleware::new().providers(Providers::new().compatible(host, "gateway"));
    let named = client_of(named.optional_tracing(false));
    let request =
        named.post(format!("http://{host}/v1/chat/completions")).body(json!({"model": "m"}).to_string());
    let (_, call) = world.traced_call(super::text(request)).await;
    assert_eq!(call.text("gen_ai.system"), Some("gateway"));
}

#[tokio::test]
async fn a_hook_above_that_knows_the_host_is_enough() {
    let world = world().await;
    let both = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
        .with(super::middleware(&world.sandbox))
        .with(PaidMiddleware::new().optional_tracing(false))
        .build();
    let request = world.chat(false).build().unwrap();
    let read = async { both.execute(request).await.unwrap().text().await.unwrap() };
    let (answer, _) = world.traced_call(read).await;
    assert!(answer.contains("chat.completion"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_not_counted_is_reported_once_per_host() {
    let world = world().await;
    let (client, scope) = (client_of(PaidMiddleware::new()), world.scope());
    let post = |host: &str, path: &str| {
        client.post(format!("http://{host}{path}")).body(r#"{"model": "m"}"#).build().unwrap()
    };
    let work = || {
        // Nobody listens there, which is as good.
        for (host, path) in [
            ("127.0.0.1:9", "/acme-secret-id/v1/chat/completions?key=AIzaSecretSecret"),
            ("127.0.0.1:9", "/v1/chat/completions"),
            ("127.0.0.1:9", "/v1/messages"),
            ("127.0.0.2:9", "/v1/chat/completions"),
            ("127.0.0.1:9", "/v1/files"),
        ] {
            let call = scope.clone().run_async(client.execute(post(host, path)));
            tokio::runtime::Handle::current().block_on(call).unwrap_err();
        }
        scope.run(|| drop(paid::ai::watch("POST", "http://127.0.0.3:9/v1/chat/completions", "{}")));
    };
    // On this thread, which the subscriber is of.
    let ((), lines) = tokio::task::block_in_place(|| lines::of(work));
    let lines: Vec<_> = lines.iter().filter(|line| line.contains("was not counted")).collect();
    assert_eq!(lines.len(), 4, "{lines:#?}");
    for (line, (host, path)) in lines.iter().zip([
        ("127.0.0.1:9", "/chat/completions"),
        ("127.0.0.1:9", "/v1/messages"),
        ("127.0.0.2:9", "/chat/completions"),
        ("127.0.0.3:9", "/chat/completions"),
    ]) {
        assert!(line.starts_with("DEBUG") && line.contains(host) && line.contains(path), "{line}");
        assert!(line.contains("Providers::compatible(host, system)"), "{line}");
        assert!(!line.contains("secret") && !line.contains("AIza"), "{line}");
    }
}
