//! Every case from the field, through the middleware.

use paid::ai::{PaidMiddleware, Provider};
use reqwest_middleware::ClientBuilder;

use super::{World, world};
use crate::support::cases::{Case, all};
use crate::support::scripted::Scripted;

async fn call(world: &World, case: &Case, server: &Scripted) {
    let (url, host) = server.url(case);
    let mut providers = case.providers();
    if case.then.is_some() {
        providers = providers.host(&host, Provider::OpenAi);
    }
    let middleware = PaidMiddleware::new().providers(providers);
    let client = ClientBuilder::new(server.client(&host)).with(middleware).build();
    let mut request = client.post(url).body(case.request_body.clone());
    for (name, value) in &case.request_headers {
        request = request.header(name, value);
    }
    let read = async {
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap())
    };
    let how = "through the middleware";
    let (status, body) = if case.expect.span {
        let (read, span) = world.traced_call(read).await;
        case.assert_told(&span, how);
        read
    } else {
        world.scope().run_async(read).await
    };
    case.assert_passed(status, &body, how);
}

#[tokio::test]
async fn every_case_is_told_as_it_has_to_be() {
    let world = world().await;
    for case in all() {
        let server = Scripted::start(&case);
        call(&world, &case, &server).await;
        let received = server.received();
        let asked = received[0].body != case.request_body.as_bytes();
        if asked {
            assert!(received[0].head.contains("accept-encoding: identity"), "{}", received[0].head);
        }
        if case.then.is_some() {
            // Its own bytes once more; from then on they are all that it gets.
            assert_eq!(received[1].body, case.request_body.as_bytes());
            call(&world, &case, &server).await;
            let received = server.received();
            assert_eq!((received.len(), &received[2].body[..]), (3, case.request_body.as_bytes()));
        }
    }
}
