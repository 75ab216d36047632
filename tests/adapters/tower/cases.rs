//! Every case from the field, through the layer: over `http` requests, and over those of reqwest.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use paid::ai::tower::PeekedBody;
use paid::ai::{PaidLayer, Provider};
use tower::{BoxError, Layer, ServiceExt};

use super::{World, read, world};
use crate::support::cases::{Case, all};
use crate::support::scripted::Scripted;

fn layer(case: &Case, host: &str) -> PaidLayer {
    let mut providers = case.providers();
    if case.then.is_some() {
        providers = providers.host(host, Provider::OpenAi);
    }
    PaidLayer::new().providers(providers)
}

async fn over_http(case: &Case, server: &Scripted) -> (u16, Bytes) {
    let (url, host) = server.url(case);
    let client = server.client(&host);
    let inner = tower::service_fn(move |request: Request<PeekedBody<Full<Bytes>>>| {
        let client = client.clone();
        async move {
            let (parts, body) = request.into_parts();
            let Ok::<_, Infallible>(body) = body.collect().await;
            let request = Request::from_parts(parts, reqwest::Body::from(body.to_bytes()));
            let answer = client.execute(request.try_into()?).await?;
            Ok::<Response<reqwest::Body>, BoxError>(answer.into())
        }
    });
    let mut request = Request::post(url);
    for (name, value) in &case.request_headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::from(case.request_body.clone())).unwrap();
    let answer = read(layer(case, &host).layer(inner), request).await.unwrap();
    (answer.status().as_u16(), answer.into_body())
}

async fn over_reqwest(case: &Case, server: &Scripted) -> (u16, Bytes) {
    let (url, host) = server.url(case);
    let client = server.client(&host);
    let mut request = client.post(url).body(case.request_body.clone());
    for (name, value) in &case.request_headers {
        request = request.header(name, value);
    }
    let answer = layer(case, &host).layer(client).oneshot(request.build().unwrap()).await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap())
}

async fn check(world: &World, case: &Case, call: impl Future<Output = (u16, Bytes)>, how: &str) {
    let (status, body) = if case.expect.span {
        let (read, span) = world.traced_call(call).await;
        case.assert_told(&span, how);
        read
    } else {
        world.scope().run_async(call).await
    };
    case.assert_passed(status, &body, how);
}

#[tokio::test]
async fn every_case_is_told_as_it_has_to_be() {
    let world = world().await;
    for case in all() {
        // What a host refuses is known by its port, so each way has one of its own.
        let server = Scripted::start(&case);
        check(&world, &case, over_http(&case, &server), "over http").await;
        let other = Scripted::start(&case);
        check(&world, &case, over_reqwest(&case, &other), "over reqwest").await;
        for server in [server, other] {
            let received = server.received();
            if received[0].body != case.request_body.as_bytes() {
                assert!(received[0].head.contains("accept-encoding: identity"), "{}", received[0].head);
            }
            if case.then.is_some() {
                assert_eq!(received[1].body, case.request_body.as_bytes());
                check(&world, &case, over_http(&case, &server), "again").await;
                let received = server.received();
                assert_eq!((received.len(), &received[2].body[..]), (3, case.request_body.as_bytes()));
            }
        }
    }
}
