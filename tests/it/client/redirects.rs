//! Redirects are followed on the same server, with the same method; anything else is an error that helps.

use paid::types::{CustomerCreate, CustomerUpdate, Signal};
use paid::{AsyncPaid, Error};
use paid_sandbox::{Fault, Sandbox};

fn signal() -> Signal {
    Signal::new().event_name("e").external_customer_id("acme")
}

#[tokio::test]
async fn a_post_that_would_become_a_get_is_an_error_that_names_the_base_url() {
    let (sandbox, client) = super::start().await;
    for status in [301, 302, 303] {
        for (location, base) in [
            ("/v2/usage/signals/bulk".to_string(), format!("{}/v2", sandbox.origin())),
            (
                sandbox.base_url().replace("http://", "https://") + "/usage/signals/bulk",
                sandbox.base_url().replace("http://", "https://"),
            ),
            ("http://user:pw@other.test/usage/signals/bulk?key=k".into(), "http://other.test".into()),
        ] {
            sandbox.clear_requests();
            sandbox.fail(Fault::on("POST", "*").status(status).header("location", location.as_str()));
            let error = client.usage().record_bulk([signal()]).await.unwrap_err();
            assert_eq!((error.status_code(), error.attempts()), (Some(status), 1), "{error:?}");
            let text = error.to_string();
            assert!(text.contains("redirect") && text.ends_with(&format!("to {base}")), "{status}: {text}");
            assert!(!text.contains("pw") && !text.contains("key=k"), "{text}");
            assert_eq!(sandbox.requests().len(), 1, "nothing was sent after the redirect");
        }
    }
}

#[tokio::test]
async fn a_redirect_that_only_adds_a_slash_is_named() {
    let (sandbox, client) = super::start().await;
    sandbox.fail(Fault::on("POST", "*").status(301).header("location", "/api/v1/usage/signals/bulk/"));
    let text = client.usage().record_bulk([signal()]).await.unwrap_err().to_string();
    assert!(text.contains("/api/v1/usage/signals/bulk/: a POST is not repeated as a GET"), "{text}");
    assert!(text.contains("PAID_BASE_URL"), "{text}");
}

#[test]
fn the_blocking_client_refuses_it_too() {
    let (sandbox, client) = super::start_blocking();
    sandbox.fail(Fault::on("POST", "*").status(302).header("location", "/login"));
    let error = client.usage().record_bulk([signal()]).send().unwrap_err();
    assert_eq!((error.status_code(), sandbox.requests().len()), (Some(302), 1));
}

#[tokio::test]
async fn put_and_delete_are_not_turned_into_a_get_either() {
    let (sandbox, client) = super::start().await;
    sandbox.fail(Fault::on("*", "*").status(301).header("location", "/api/v1/customers").times(2));
    let update = client.customers().update("cus_1", CustomerUpdate::new().name("B")).await.unwrap_err();
    let delete = client.customers().delete("cus_1").await.unwrap_err();
    assert_eq!((update.status_code(), delete.status_code()), (Some(301), Some(301)));
    assert_eq!(sandbox.requests().len(), 2);
}

#[tokio::test]
async fn a_redirect_to_another_server_gets_neither_key_nor_body_nor_headers() {
    let here = Sandbox::start().await.unwrap();
    let there = Sandbox::builder().any_api_key().start().await.unwrap();
    let client = super::client_of(&here);
    for status in [301, 302, 303, 307, 308] {
        let to = |method: &str| {
            let location = format!("{}/customers", there.base_url());
            here.fail(Fault::on(method, "*").status(status).header("location", location));
        };
        to("GET");
        let get = client.customers().list().header("x-mine", "secret").await.unwrap_err();
        to("POST");
        let post = client.customers().create(CustomerCreate::new("A")).await.unwrap_err();
        for error in [get, post] {
            assert_eq!(error.status_code(), Some(status), "{error:?}");
            let text = error.to_string();
            assert!(text.contains("neither the key nor the request was sent there"), "{text}");
            assert!(text.ends_with(&format!("to {}", there.base_url())), "{text}");
        }
    }
    assert_eq!(there.requests().len(), 0);
}

#[tokio::test]
async fn a_redirect_on_the_same_server_keeps_key_and_headers_and_tells_no_referer() {
    let (sandbox, client) = super::start().await;
    for status in [301, 302, 303, 307, 308] {
        sandbox.clear_requests();
        sandbox.fail(
            Fault::on("GET", "/customers/moved").status(status).header("location", "/api/v1/customers"),
        );
        let error = client.customers().get("moved").header("x-mine", "1").await.unwrap_err();
        assert!(matches!(error, Error::Decode(_)), "it followed, and a list is no customer: {error:?}");
        let followed = &sandbox.requests()[1];
        assert!(followed.bearer_is(sandbox.api_key()));
        assert_eq!((followed.header("x-mine"), followed.header("referer")), (Some("1"), None));
    }
}

#[tokio::test]
async fn a_post_stays_a_post_with_its_body_on_307_and_308() {
    for status in [307, 308] {
        let (sandbox, client) = super::start().await;
        sandbox.fail(Fault::on("POST", "/customers").status(status).header("location", "/api/v1/customers"));
        client.customers().create(CustomerCreate::new("A")).await.unwrap();
        let requests = sandbox.requests();
        assert_eq!((requests[1].method(), requests[1].body()), ("POST", requests[0].body()), "{status}");
        assert_eq!(sandbox.customers().len(), 1);
    }
}

#[tokio::test]
async fn redirects_can_be_left_unfollowed_and_loops_end() {
    let (sandbox, client) = super::start().await;
    sandbox.fail(Fault::on("*", "*").status(302).header("location", "/api/v1/customers").forever());
    let error = client.customers().list().await.unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error:?}");
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

#[tokio::test]
async fn a_client_of_the_callers_own_that_turns_a_post_into_a_get_is_an_error() {
    let sandbox = Sandbox::start().await.unwrap();
    let build = |own: reqwest::ClientBuilder| {
        AsyncPaid::builder()
            .token(sandbox.api_key())
            .base_url(sandbox.base_url())
            .reqwest_client(own.build().unwrap())
            .build()
            .unwrap()
    };
    let moved = || Fault::on("POST", "*").status(302).header("location", "/api/v1/customers");
    sandbox.fail(moved());
    let following = build(reqwest::Client::builder());
    let error = following.usage().record_bulk([signal()]).await.unwrap_err();
    assert!(matches!(error, Error::Decode(_)) && error.to_string().contains("redirect"), "{error:?}");
    sandbox.fail(moved());
    let leaving_it_to_us = build(reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()));
    let error = leaving_it_to_us.usage().record_bulk([signal()]).await.unwrap_err();
    assert_eq!(error.status_code(), Some(302));
}

#[tokio::test]
async fn a_401_behind_a_redirect_says_that_the_key_was_withheld() {
    let here = Sandbox::start().await.unwrap();
    let there = Sandbox::start().await.unwrap();
    let own = reqwest::Client::new();
    let client = AsyncPaid::builder()
        .token(here.api_key())
        .base_url(here.base_url())
        .reqwest_client(own)
        .build()
        .unwrap();
    let location = format!("{}/customers", there.base_url());
    here.fail(Fault::on("GET", "*").status(302).header("location", location));
    let error = client.customers().list().await.unwrap_err();
    assert!(error.is_unauthorized() && error.to_string().contains("not given the key"), "{error}");
}
