//! What an error tells.

use paid::types::CustomerCreate;
use paid_sandbox::Fault;
use serde_json::json;

#[tokio::test]
async fn an_api_error_tells_status_message_code_body_headers_and_attempts() {
    let (sandbox, client) = super::start().await;
    let body = json!({"error": {"message": "It went wrong", "code": "E404", "details": "Some detail"}});
    sandbox.fail(Fault::on("*", "*").status(404).header("x-request-id", "req_9").body_json(body.clone()));
    let error = client.customers().get("cus_404").await.unwrap_err();
    assert_eq!(error.status_code(), Some(404));
    assert_eq!(error.message(), "It went wrong");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&error.body().unwrap()).unwrap(), body);
    assert_eq!(error.request_id(), Some("req_9"));
    assert_eq!(error.headers().unwrap().get("x-request-id"), Some("req_9"));
    assert_eq!(error.attempts(), 1);
    assert!(error.is_not_found() && !error.is_retryable());
    let api = error.as_api().unwrap();
    assert_eq!(api.code().as_deref(), Some("E404"));
    let typed: paid::types::Error = api.json().unwrap();
    assert_eq!(typed.error.details.as_deref(), Some("Some detail"));
    assert_eq!(api.raw_response().status, 404);
    assert_eq!(error.to_string(), "customers.get was answered 404: It went wrong (request req_9)");
}

#[tokio::test]
async fn an_error_status_is_an_api_error_whatever_the_body() {
    let bodies: [(&str, &str, &str); 7] = [
        (r#"{"message": "flat", "statusCode": 400}"#, "application/json", "flat"),
        (r#"{"error": "just text"}"#, "application/json", "just text"),
        (r#"{"error": {"message": 5}}"#, "application/json", "Bad Request"),
        ("[1, 2", "application/json", "[1, 2"),
        ("plain text", "text/plain", "plain text"),
        ("<html><body>Bad gateway</body></html>", "text/html", "Bad Request"),
        ("", "application/json", "Bad Request"),
    ];
    for (body, media, message) in bodies {
        let (sandbox, client) = super::start().await;
        sandbox.fail(Fault::on("*", "*").status(400).body(body, media));
        let error = client.customers().create(CustomerCreate::new("A")).await.unwrap_err();
        assert!(error.is_bad_request(), "{body}: {error:?}");
        assert_eq!((error.message().as_str(), error.body().unwrap().as_ref()), (message, body));
    }
}

#[tokio::test]
async fn each_status_has_its_predicate() {
    type Predicate = fn(&paid::Error) -> bool;
    let predicates: [(u16, Predicate); 9] = [
        (400, paid::Error::is_bad_request),
        (401, paid::Error::is_unauthorized),
        (403, paid::Error::is_forbidden),
        (404, paid::Error::is_not_found),
        (409, paid::Error::is_conflict),
        (422, paid::Error::is_unprocessable),
        (429, paid::Error::is_rate_limited),
        (500, paid::Error::is_server_error),
        (503, paid::Error::is_server_error),
    ];
    let (sandbox, client) = super::start().await;
    for (status, _) in predicates {
        sandbox.fail(Fault::on("*", "*").status(status));
        let error = client.customers().list().max_retries(0).await.unwrap_err();
        for (other, predicate) in predicates {
            assert_eq!(
                predicate(&error),
                other == status || (other >= 500 && status >= 500),
                "{status} {other}"
            );
        }
    }
}

#[tokio::test]
async fn a_wrong_key_says_what_to_do_and_shows_no_key() {
    let sandbox = paid_sandbox::Sandbox::start().await.unwrap();
    let client =
        paid::AsyncPaid::builder().token("secret-key-123").base_url(sandbox.base_url()).build().unwrap();
    let error = client.customers().list().await.unwrap_err();
    assert!(error.is_unauthorized() && error.to_string().ends_with("Check the API key."), "{error}");
    for text in [
        format!("{error}"),
        format!("{error:?}"),
        format!("{client:?}"),
        format!("{:?}", client.customers().list()),
    ] {
        assert!(!text.contains("secret-key-123"), "{text}");
    }
}

#[tokio::test]
async fn a_field_that_does_not_fit_is_named_with_its_path() {
    let (sandbox, client) = super::start().await;
    let order = json!({"id": "ord_1", "orderLines": [{"id": "lin_1"}, {"id": "lin_2", "agent": {"id": "agt_1", "organizationId": "o", "name": 7, "active": true}}]});
    sandbox.fail(Fault::on("*", "*").status(200).body_json(order));
    let error = client.orders().get("ord_1").await.unwrap_err();
    let paid::Error::Decode(decode) = &error else { panic!("{error:?}") };
    assert_eq!(decode.path(), "orderLines[1].agent.name");
    assert!(decode.reason().contains("expected a string"), "{error}");
    assert_eq!((error.status_code(), error.is_retryable()), (Some(200), false));
}
