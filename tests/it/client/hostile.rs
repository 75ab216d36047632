//! Answers that are not what they should be.

use paid::AsyncPaid;
use paid::types::{CustomerCreate, Signal, TaxExemptStatus};
use paid_sandbox::Fault;
use serde_json::json;

async fn answer(body: impl Into<Vec<u8>>, media: &str) -> Result<paid::types::Customer, paid::Error> {
    let (sandbox, client) = super::start().await;
    sandbox.fail(Fault::on("*", "*").status(200).body(body, media).forever());
    client.customers().get("cus_1").await
}

#[tokio::test]
async fn a_success_without_the_described_body_is_a_decode_error() {
    for (body, media) in [
        ("", "application/json"),
        ("OK", "text/plain"),
        ("null", "application/json"),
        ("{}", "application/json"),
        (r#"{"data": []}"#, "application/json"),
        ("<!doctype html><p>Log in", "text/html"),
        (r#"{"id": "cus_1", "organizationId": "o", "name": "A"#, "application/json"),
        (r#"{"id": "cus_1", "organizationId": "o", "name": "A"} extra"#, "application/json"),
        (r#"{"id": 5, "organizationId": "o", "name": "A"}"#, "application/json"),
        ("\u{feff}{}", "application/json"),
    ] {
        let error = answer(body, media).await.unwrap_err();
        let paid::Error::Decode(decode) = &error else { panic!("{body}: {error:?}") };
        assert_eq!((decode.status_code(), decode.body().as_ref()), (200, body));
        assert!(!decode.reason().is_empty());
    }
    let error = answer("<!doctype html>", "text/html").await.unwrap_err();
    assert!(error.to_string().contains("base URL"), "{error}");
}

#[tokio::test]
async fn bytes_that_are_not_text_are_a_decode_error() {
    let error = answer(vec![0xff, 0xfe, 0x00], "application/json").await.unwrap_err();
    assert!(matches!(error, paid::Error::Decode(_)), "{error:?}");
}

#[tokio::test]
async fn deep_nesting_is_an_error_and_not_a_crash() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let body = format!(r#"{{"id": "c", "organizationId": "o", "name": "A", "research": {{"x": {deep}}}}}"#);
    let error = answer(body, "application/json").await.unwrap_err();
    assert!(matches!(error, paid::Error::Decode(_)), "{error:?}");
}

#[tokio::test]
async fn unknown_fields_are_ignored_and_unknown_enum_values_kept() {
    let body = json!({
        "id": "c", "organizationId": "o", "name": "A", "taxExemptStatus": "partly", "creationState": "active",
        "somethingNew": {"a": 1}, "billingAddress": null, "employeeCount": 9_007_199_254_740_993_i64,
    });
    let customer = answer(body.to_string(), "application/json").await.unwrap();
    let status = customer.tax_exempt_status.clone().unwrap();
    assert!(matches!(status, TaxExemptStatus::Unknown(_)));
    assert_eq!(serde_json::to_value(&status).unwrap(), "partly");
    assert_eq!(customer.employee_count.unwrap().as_i64(), Some(9_007_199_254_740_993));
    assert_eq!(customer.billing_address, None);
}

#[tokio::test]
async fn a_success_that_describes_no_body_takes_none_or_json() {
    for (body, media) in [
        ("", "text/html"),
        (" \r\n", "text/plain"),
        ("{}", "application/json"),
        ("\u{feff}{\"success\": true}", "application/json"),
        (r#"{"success": true, "errors": [{"index": 3}]}"#, "text/plain"),
    ] {
        let (sandbox, client) = super::start().await;
        sandbox.fail(Fault::on("*", "*").status(200).body(body, media).times(2));
        client.customers().delete("cus_1").await.unwrap_or_else(|error| panic!("{body}: {error}"));
        client.usage().record_bulk([]).await.unwrap_or_else(|error| panic!("{body}: {error}"));
    }
}

const PAGES: [(&str, &str, &str); 4] = [
    ("<!doctype html><p>Log in", "text/html; charset=utf-8", "HTML"),
    ("\n<html></html>", "application/json", "HTML"),
    ("Log in first", "text/html", "HTML"),
    ("anything", "text/plain", "text/plain"),
];

#[tokio::test]
async fn a_list_where_an_object_is_due_is_a_decode_error() {
    let (sandbox, client) = super::start().await;
    for (body, path) in [
        ("[]", "."),
        (r#"["c", "o", "A"]"#, "."),
        (r#"{"id": "c", "organizationId": "o", "name": "A", "billingAddress": []}"#, "billingAddress"),
    ] {
        sandbox.fail(Fault::on("GET", "*").status(200).body(body, "application/json"));
        let error = client.customers().get("c").await.unwrap_err();
        let paid::Error::Decode(decode) = &error else { panic!("{body}: {error:?}") };
        assert_eq!(decode.path(), path, "{error}");
        assert!(decode.reason().contains("expected an object"), "{error}");
    }
    // All fields of it are optional.
    let meta: Result<paid::types::Order, _> = serde_json::from_str("[]");
    assert!(meta.unwrap_err().to_string().contains("expected an object"));
}

#[tokio::test]
async fn numbers_as_text_and_times_in_other_forms_are_read() {
    let (sandbox, client) = super::start().await;
    let body = json!({
        "traces": [{
            "name": "n", "vendor": "v", "cost": {"amount": "0.0200", "currency": "USD"},
            "startTimeUnixNano": "1735689600000000000", "endTimeUnixNano": "1", "attributes": {},
        }],
        "meta": {"limit": "100", "offset": "0", "count": 1, "hasMore": false},
    });
    sandbox.fail(Fault::on("GET", "*").status(200).body_json(body));
    let page = client.customers().get_costs_by_external_id("acme").await.unwrap();
    assert_eq!(page.traces[0].cost.amount.as_f64(), 0.02);
    assert_eq!((page.meta.limit, page.meta.offset), (100, 0));

    for (text, same) in [
        ("2025-01-31T12:30:00", "2025-01-31T12:30:00+00:00"),
        ("2025-01-31 12:30:00", "2025-01-31T12:30:00+00:00"),
        ("2025-01-31T12:30:00.1234567891Z", "2025-01-31T12:30:00.123456789+00:00"),
        ("2025-01-31", "2025-01-31T00:00:00+00:00"),
    ] {
        let entitlement = json!([{
            "id": "ent_1", "organizationId": "org_1", "customerId": "cus_1", "entitlementId": "e", "productId": "p",
            "startDate": text, "total": "100", "available": 40, "used": 60.0,
        }]);
        sandbox.fail(Fault::on("GET", "*").status(200).body_json(entitlement));
        let read = client.customers().get_entitlements("cus_1").await.unwrap();
        assert_eq!((read[0].start_date.to_rfc3339().as_str(), read[0].total, read[0].used), (same, 100, 60));
    }
    for wrong in ["1_000", "0x10", "NaN", "inf", "", "1,5"] {
        assert!(serde_json::from_value::<paid::Number>(json!(wrong)).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn a_page_where_nothing_is_due_is_no_success() {
    let (sandbox, client) = super::start().await;
    for (body, media, what) in PAGES {
        sandbox.fail(Fault::on("*", "*").status(200).body(body, media).times(2));
        let signal = Signal::new().event_name("e").customer_id("cus_1");
        for error in [
            client.usage().record_bulk([signal]).await.unwrap_err(),
            client.customers().delete("cus_1").await.unwrap_err(),
        ] {
            let paid::Error::Decode(decode) = &error else { panic!("{body}: {error:?}") };
            assert_eq!((decode.status_code(), decode.body().as_ref()), (200, body));
            assert!(decode.reason().contains(what) && decode.reason().contains("PAID_BASE_URL"), "{error}");
        }
    }
    assert_eq!(sandbox.signals().len(), 0);
}

#[test]
fn the_blocking_client_takes_no_page_for_a_success() {
    let (sandbox, client) = super::start_blocking();
    for (body, media, _) in PAGES {
        sandbox.fail(Fault::on("*", "*").status(200).body(body, media));
        let error = client.usage().record_bulk([]).send().unwrap_err();
        assert!(matches!(error, paid::Error::Decode(_)), "{error:?}");
    }
}

#[tokio::test]
async fn an_empty_success_says_that_the_call_succeeded() {
    for status in [200, 204] {
        let (sandbox, client) = super::start().await;
        sandbox.fail(Fault::on("*", "*").status(status).body("", "application/json"));
        let error = client.customers().create(CustomerCreate::new("A")).await.unwrap_err();
        assert!(matches!(error, paid::Error::Decode(_)), "{error:?}");
        assert!(error.to_string().contains("The call succeeded"), "{error}");
    }
}

#[tokio::test]
async fn a_byte_order_mark_is_read_over() {
    let customer =
        answer("\u{feff}{\"id\": \"c\", \"organizationId\": \"o\", \"name\": \"A\"}", "application/json");
    assert_eq!(customer.await.unwrap().name, "A");
    let (sandbox, client) = super::start().await;
    let body = "\u{feff}{\"error\": {\"message\": \"No\", \"code\": \"E1\"}}";
    sandbox.fail(Fault::on("*", "*").status(400).body(body, "application/json"));
    let error = client.customers().get("c").await.unwrap_err();
    assert_eq!((error.message().as_str(), error.as_api().unwrap().code().as_deref()), ("No", Some("E1")));
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_refused_without_holding_it() {
    let sandbox = paid_sandbox::Sandbox::start().await.unwrap();
    let client = super::client_of(&sandbox);
    sandbox.fail(
        Fault::on("GET", "*").status(200).body(vec![b' '; 100 * 1024 * 1024], "application/json").forever(),
    );
    let error = client.customers().list().await.unwrap_err();
    let paid::Error::Decode(decode) = &error else { panic!("{error:?}") };
    assert!(decode.reason().contains("max_response_bytes"), "{error}");
    sandbox.clear_faults();
    // An error status stays one, its body cut.
    sandbox
        .fail(Fault::on("GET", "*").status(500).body(vec![b'x'; 100 * 1024 * 1024], "text/plain").forever());
    let error = client.customers().list().max_retries(0).await.unwrap_err();
    assert!(error.is_server_error(), "{error:?}");
    assert!(error.body().unwrap().len() <= 1024 * 1024);
}

#[tokio::test]
async fn a_huge_error_is_cut_and_its_message_and_code_are_read_all_the_same() {
    let (sandbox, client) = super::start().await;
    let numbers = vec!["0"; 16 * 1024 * 1024].join(",");
    for (body, message, code) in [
        (format!(r#"{{"error":{{"message":"No","code":"E1","details":[{numbers}]}}}}"#), "No", Some("E1")),
        (format!(r#"{{"message":"Flat","numbers":[{numbers}]}}"#), "Flat", None),
        (format!("[{numbers}]"), "[0,0,0", None),
    ] {
        sandbox.fail(Fault::on("GET", "*").status(400).body(body, "application/json"));
        let error = client.customers().list().await.unwrap_err();
        assert!(error.message().starts_with(message), "{}", error.message());
        assert!(error.message().len() < 300);
        assert_eq!(error.as_api().unwrap().code().as_deref(), code);
        assert_eq!(error.as_api().unwrap().body_bytes().len(), 1024 * 1024);
    }
}

#[tokio::test]
async fn a_large_answer_within_the_limit_is_read() {
    let sandbox = paid_sandbox::Sandbox::start().await.unwrap();
    let client = AsyncPaid::builder()
        .token(sandbox.api_key())
        .base_url(sandbox.base_url())
        .max_response_bytes(16 * 1024 * 1024)
        .build()
        .unwrap();
    let name = "n".repeat(8 * 1024 * 1024);
    let customer = client.customers().create(CustomerCreate::new(name.as_str())).await.unwrap();
    assert_eq!(customer.name, name);
}

#[tokio::test]
async fn a_truncated_answer_is_a_transport_error_that_may_have_been_processed() {
    let (sandbox, client) = super::start().await;
    sandbox.fail(Fault::on("*", "*").cut_midway().forever());
    let error = client.customers().list().max_retries(0).await.unwrap_err();
    let paid::Error::Transport(error) = error else { panic!("{error:?}") };
    assert!(error.may_have_been_processed());
    assert!(!error.to_string().contains("127.0.0.1"), "no URL in {error}");
}
