//! Signals, and the costs that the listing shows of them.

use crate::common::{Api, api, assert_error};
use paid_sandbox::{CostTrace, PRICE_PER_TOKEN_USD};
use serde_json::{Value, json};

const SECOND: u64 = 1_000_000_000;
/// 2025-01-01T00:00:00Z.
const NEW_YEAR: u64 = 1_735_689_600 * SECOND;

async fn costs(api: &Api, query: &str) -> (u16, Value) {
    api.get(&format!("/customers/external/acme/costs{query}")).await
}

#[tokio::test]
async fn signals_are_kept_as_they_came() {
    let api = api().await;
    let sent = json!([
        {"event_name": "e", "agent_id": "agt_1", "external_agent_id": "bot", "customer_id": "cus_1",
         "external_customer_id": "acme", "data": {"k": [1, null]}, "more": true},
        {},
    ]);
    let answer = api.signals(sent).await;
    assert_eq!(answer, (200, json!({"success": true})));
    let signals = api.sandbox.signals();
    assert_eq!(signals.len(), 2);
    assert_eq!(signals[0].event_name.as_deref(), Some("e"));
    assert_eq!(signals[0].external_agent_id.as_deref(), Some("bot"));
    assert_eq!(signals[0].external_customer_id.as_deref(), Some("acme"));
    assert_eq!(json!(signals[0].data), json!({"k": [1, null]}));
    assert_eq!(signals[1], Default::default());
}

#[tokio::test]
async fn a_bulk_without_signals_is_fine() {
    let api = api().await;
    let success = (200, json!({"success": true}));
    let absent = api.request("POST", "/usage/signals/bulk");
    assert_eq!(crate::common::read(absent).await, success);
    for body in [json!({}), json!({"signals": null}), json!({"signals": []})] {
        assert_eq!(api.post("/usage/signals/bulk", body).await, success);
    }
    assert!(api.sandbox.signals().is_empty());
}

#[tokio::test]
async fn a_wrong_signal_refuses_the_whole_bulk() {
    let api = api().await;
    let answer = api.signals(json!([{"event_name": "e"}, {"event_name": 1}])).await;
    assert_error(answer, 400, "signals[1].event_name must be a string");
    assert_error(api.signals(json!({})).await, 400, "signals must be a list");
    for (cost_data, mentions) in [
        (json!("x"), "must be an object"),
        (json!({"cost": {"amount": 1, "currency": "USD"}}), "vendor"),
        (json!({"vendor": "v"}), "neither"),
        (json!({"vendor": "v", "cost": {}}), "signals[1].data.costData.cost.amount"),
        (json!({"vendor": "v", "cost": {"amount": -1, "currency": "USD"}}), "amount"),
        (json!({"vendor": "v", "cost": {"amount": 1, "currency": "USD"}, "attributes": {}}), "both"),
    ] {
        let wrong = json!({"data": {"costData": cost_data}});
        let answer = api.signals(json!([{"event_name": "e"}, wrong])).await;
        assert_error(answer, 400, mentions);
    }
    assert!(api.sandbox.signals().is_empty());
}

#[tokio::test]
async fn a_manual_cost_shows_in_the_listing_whichever_id_names_the_customer() {
    let api = api().await;
    api.customer("acme").await;
    api.customer("other").await;
    let signal = |more: Value| {
        let mut signal = json!({"event_name": "report", "data": {"costData": {
            "vendor": "acme-ai", "cost": {"amount": 0.002, "currency": "USD"},
            "gen_ai.response.model": "m-1",
        }}});
        let fields = signal.as_object_mut().expect("an object");
        fields.extend(more.as_object().cloned().unwrap_or_default());
        signal
    };
    let sent = json!([
        signal(json!({"customer_id": "cus_1"})),
        signal(json!({"customer_id": "acme"})),
        signal(json!({"external_customer_id": "acme"})),
        signal(json!({"external_customer_id": "other"})),
        signal(json!({"external_customer_id": "later"})),
    ]);
    assert_eq!(api.signals(sent).await.0, 200);

    let (status, listing) = costs(&api, "").await;
    assert_eq!(status, 200);
    assert_eq!(
        listing["meta"],
        json!({
            "limit": 100, "offset": 0, "count": 3, "hasMore": false, "startTime": null, "endTime": null
        })
    );
    let trace = &listing["traces"][0];
    assert_eq!(trace["name"], "report");
    assert_eq!(trace["vendor"], "acme-ai");
    assert_eq!(trace["cost"], json!({"amount": 0.002, "currency": "USD"}));
    assert_eq!(trace["attributes"], json!({"gen_ai.response.model": "m-1"}));
    let start = trace["startTimeUnixNano"].as_str().expect("text");
    assert!(start.parse::<u64>().expect("a number") > NEW_YEAR);
    assert!(trace["endTimeUnixNano"].is_string());

    api.customer("later").await;
    let (_, later) = api.get("/customers/external/later/costs").await;
    assert_eq!(later["meta"]["count"], 1);
}

#[tokio::test]
async fn raw_usage_gets_the_sandbox_price() {
    let api = api().await;
    api.customer("acme").await;
    let usage = json!({
        "gen_ai.response.model": "gpt-4.1-mini", "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 300, "gen_ai.usage.cached_input_tokens": 600,
        "gen_ai.usage.total_tokens": 1000,
    });
    let data = json!({"costData": {"vendor": "openai", "attributes": usage}});
    let total = json!({"costData": {"vendor": "openai", "attributes": {"gen_ai.usage.total_tokens": 5}}});
    let sent = json!([{"customer_id": "acme", "data": data}, {"customer_id": "acme", "data": total}]);
    assert_eq!(api.signals(sent).await.0, 200);
    let (_, listing) = costs(&api, "").await;
    let traces = &listing["traces"];
    assert_eq!(traces[0]["cost"], json!({"amount": 0.001, "currency": "USD"}));
    assert_eq!(traces[0]["attributes"], usage);
    let few = traces[1]["cost"]["amount"].as_f64().expect("a number");
    assert!((few - 5.0 * PRICE_PER_TOKEN_USD).abs() < 1e-12);
}

#[tokio::test]
async fn the_listing_comes_in_pages_and_periods() {
    let api = api().await;
    api.customer("acme").await;
    for hour in 0..5 {
        let start = NEW_YEAR + hour * 3600 * SECOND;
        let trace = CostTrace::new("v", 1.0, "USD").name(format!("h{hour}")).time(start, start + SECOND);
        api.sandbox.add_cost_trace("acme", trace);
    }
    let page = async |query: &str| {
        let (status, listing) = costs(&api, query).await;
        assert_eq!(status, 200, "{listing}");
        let traces = listing["traces"].as_array().expect("a list").iter();
        let names: Vec<_> = traces.filter_map(|trace| trace["name"].as_str()).collect();
        let meta = &listing["meta"];
        assert_eq!(meta["count"], names.len());
        (names.join(" "), meta["hasMore"] == true)
    };
    assert_eq!(page("?limit=2").await, ("h0 h1".into(), true));
    assert_eq!(page("?limit=2&offset=4").await, ("h4".into(), false));
    assert_eq!(page("?offset=9").await, (String::new(), false));
    assert_eq!(page("?limit=0").await, (String::new(), true));
    let from = "?startTime=2025-01-01T06%3A30%3A00%2B05%3A30";
    assert_eq!(page(from).await, ("h1 h2 h3 h4".into(), false));
    let between = "?startTime=2025-01-01T01:00:00.000000Z&endTime=2025-01-01T03:00:00Z&limit=1";
    assert_eq!(page(between).await, ("h1".into(), true));

    let (_, listing) = costs(&api, "?endTime=2025-01-01T00%3A00%3A00Z").await;
    assert_eq!(listing["meta"]["endTime"], "2025-01-01T00:00:00Z");
    assert_eq!(api.sandbox.cost_traces().len(), 5);

    assert_error(costs(&api, "?limit=-1").await, 400, "limit");
    assert_error(costs(&api, "?offset=two").await, 400, "offset");
    assert_error(costs(&api, "?startTime=today").await, 400, "startTime");
    let backwards = "?startTime=2025-01-02T00:00:00Z&endTime=2025-01-01T00:00:00Z";
    assert_error(costs(&api, backwards).await, 400, "startTime must not be after");
    let nobody = api.get("/customers/external/nobody/costs").await;
    assert_error(nobody, 404, "nobody");
}

#[tokio::test]
async fn a_cost_of_nothing_is_zero_and_not_negative_zero() {
    let api = api().await;
    api.customer("acme").await;
    for cost_data in [
        json!({"vendor": "v", "cost": {"amount": -0.0, "currency": "USD"}}),
        json!({"vendor": "v", "attributes": {"gen_ai.usage.input_tokens": -0.0}}),
        json!({"vendor": "v", "attributes": {"gen_ai.usage.total_tokens": -0.0}}),
        json!({"vendor": "v", "attributes": {}}),
    ] {
        let signal =
            json!({"event_name": "e", "external_customer_id": "acme", "data": {"costData": cost_data}});
        assert_eq!(api.signals(json!([signal])).await.0, 200);
    }
    let costs = api.sandbox.cost_traces();
    assert_eq!(costs.len(), 4);
    assert!(costs.iter().all(|cost| cost.amount().is_sign_positive()), "{costs:?}");
}
