//! Redirects are followed, and the token stays with its host.

use paid::AsyncPaid;
use paid::types::CustomerCreate;
use paid_sandbox::{Fault, Sandbox};

#[tokio::test]
async fn a_redirect_to_another_host_does_not_carry_the_token() {
    let here = Sandbox::start().await.unwrap();
    let there = Sandbox::builder().any_api_key().start().await.unwrap();
    let client = super::client_of(&here);
    for status in [301, 302, 303, 307, 308] {
        there.clear_requests();
        here.fail(
            Fault::on("GET", "*")
                .status(status)
                .header("location", format!("{}/customers", there.base_url())),
        );
        let error = client.customers().list().await.unwrap_err();
        assert!(error.is_unauthorized(), "{status}: the other host sees no key: {error:?}");
        assert_eq!(there.requests()[0].header("authorization"), None, "{status}");
    }
}

#[tokio::test]
async fn a_redirect_on_the_same_host_keeps_the_token() {
    let (sandbox, client) = super::start().await;
    sandbox.fail(Fault::on("GET", "/customers/moved").status(308).header("location", "/api/v1/customers"));
    let error = client.customers().get("moved").await.unwrap_err();
    assert!(matches!(error, paid::Error::Decode(_)), "it followed, and a list is no customer: {error:?}");
    assert!(sandbox.requests()[1].bearer_is(sandbox.api_key()));
}

#[tokio::test]
async fn a_post_becomes_a_get_on_301_302_303_and_stays_one_on_307_308() {
    for (status, method) in [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")] {
        let (sandbox, client) = super::start().await;
        sandbox.fail(Fault::on("POST", "*").status(status).header("location", "/api/v1/customers"));
        let _ = client.customers().create(CustomerCreate::new("A")).await;
        assert_eq!(sandbox.requests()[1].method(), method, "{status}");
    }
}

#[tokio::test]
async fn redirects_can_be_left_unfollowed_and_loops_end() {
    let (sandbox, client) = super::start().await;
    sandbox.fail(Fault::on("*", "*").status(302).header("location", "/api/v1/customers").forever());
    let error = client.customers().list().await.unwrap_err();
    assert!(matches!(error, paid::Error::Transport(_)), "{error:?}");
    assert!(error.to_string().contains("redirect"), "{error}");
    let client = AsyncPaid::builder()
        .token(sandbox.api_key())
        .base_url(sandbox.base_url())
        .follow_redirects(false)
        .build()
        .unwrap();
    let error = client.customers().list().await.unwrap_err();
    assert_eq!(error.status_code(), Some(302));
}
