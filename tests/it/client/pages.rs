//! Paged operations, async and blocking, by page and by item.

use paid_sandbox::{CostTrace, Fault, Sandbox};

fn fill(sandbox: &Sandbox, count: usize) {
    for at in 0..count {
        sandbox.add_cost_trace("acme", CostTrace::new(format!("vendor-{at}"), 0.5, "USD"));
    }
}

fn customer() -> paid::types::CustomerCreate {
    paid::types::CustomerCreate::new("Acme").external_id("acme")
}

#[tokio::test]
async fn items_come_in_order_over_all_pages() {
    let (sandbox, client) = super::start().await;
    client.customers().create(customer()).await.unwrap();
    fill(&sandbox, 25);
    let mut items = client.customers().get_costs_by_external_id("acme").limit(10).items();
    let mut vendors = Vec::new();
    while let Some(cost) = items.next().await {
        vendors.push(cost.unwrap().vendor);
    }
    assert_eq!(vendors, (0..25).map(|at| format!("vendor-{at}")).collect::<Vec<_>>());
    let targets: Vec<String> =
        sandbox.requests()[1..].iter().filter_map(|r| r.query().map(str::to_string)).collect();
    assert_eq!(targets, ["limit=10", "limit=10&offset=10", "limit=10&offset=20"]);
    assert!(items.next().await.is_none());
}

#[tokio::test]
async fn pages_start_where_the_arguments_say_and_an_empty_page_ends_them() {
    let (sandbox, client) = super::start().await;
    client.customers().create(customer()).await.unwrap();
    fill(&sandbox, 5);
    let mut pages = client.customers().get_costs_by_external_id("acme").limit(2).offset(3).pages();
    assert_eq!(pages.next().await.unwrap().unwrap().traces.len(), 2);
    assert!(pages.next().await.is_none());
    // A server that always says there is more, with nothing to show.
    let empty =
        serde_json::json!({"traces": [], "meta": {"limit": 2, "offset": 0, "count": 0, "hasMore": true}});
    sandbox.fail(Fault::on("GET", "*").status(200).body_json(empty).forever());
    let mut pages = client.customers().get_costs_by_external_id("acme").pages();
    assert!(pages.next().await.unwrap().unwrap().traces.is_empty());
    assert!(pages.next().await.is_none());
}

#[tokio::test]
async fn an_error_on_a_later_page_comes_through_and_ends_the_stream() {
    let (sandbox, client) = super::start().await;
    client.customers().create(customer()).await.unwrap();
    fill(&sandbox, 5);
    sandbox.fail(Fault::on("GET", "*").skip(1).status(403).forever());
    let mut items = client.customers().get_costs_by_external_id("acme").limit(2).items();
    assert!(items.next().await.unwrap().is_ok());
    assert!(items.next().await.unwrap().is_ok());
    assert!(items.next().await.unwrap().unwrap_err().is_forbidden());
    assert!(items.next().await.is_none());
}

#[test]
fn the_blocking_iterators_see_the_same() {
    let (sandbox, client) = super::start_blocking();
    client.customers().create(customer()).send().unwrap();
    fill(&sandbox, 25);
    let costs = client.customers().get_costs_by_external_id("acme").limit(10);
    let pages: Vec<usize> = costs.clone().pages().map(|page| page.unwrap().traces.len()).collect();
    assert_eq!(pages, [10, 10, 5]);
    let vendors: Vec<String> = costs.clone().items().map(|cost| cost.unwrap().vendor).collect();
    assert_eq!((vendors.len(), vendors[24].as_str()), (25, "vendor-24"));
    sandbox.fail(Fault::on("GET", "*").skip(1).status(403).forever());
    let items: Vec<bool> = costs.items().map(|cost| cost.is_ok()).collect();
    assert_eq!((items.len(), items[10]), (11, false));
}

/// A server that ignores where a page should begin, and always says that there is more.
fn repeat_for_ever(sandbox: &Sandbox) {
    let trace = serde_json::json!({
        "name": "n", "vendor": "v", "cost": {"amount": 1, "currency": "USD"}, "startTimeUnixNano": "1",
        "endTimeUnixNano": "2", "attributes": {},
    });
    for offset in 0..50 {
        let meta = serde_json::json!({"limit": 1, "offset": offset, "count": 1, "hasMore": true});
        let page = serde_json::json!({"traces": [trace], "meta": meta});
        sandbox.fail(Fault::on("GET", "*").status(200).body_json(page));
    }
}

fn is_repetition(error: &paid::Error) -> bool {
    matches!(error, paid::Error::Decode(_)) && error.to_string().contains("same items as the page before")
}

#[tokio::test]
async fn a_page_that_repeats_the_one_before_is_an_error() {
    let (sandbox, client) = super::start().await;
    repeat_for_ever(&sandbox);
    let mut pages = client.customers().get_costs_by_external_id("acme").pages();
    assert!(pages.next().await.unwrap().is_ok());
    assert!(is_repetition(&pages.next().await.unwrap().unwrap_err()));
    assert!(pages.next().await.is_none());
    let mut items = client.customers().get_costs_by_external_id("acme").items();
    assert!(items.next().await.unwrap().is_ok());
    assert!(is_repetition(&items.next().await.unwrap().unwrap_err()));
    assert!(items.next().await.is_none());
}

#[test]
fn the_blocking_iterators_end_at_a_repeated_page_too() {
    let (sandbox, client) = super::start_blocking();
    repeat_for_ever(&sandbox);
    let costs = client.customers().get_costs_by_external_id("acme");
    let pages: Vec<_> = costs.clone().pages().collect();
    assert!(pages.len() == 2 && is_repetition(pages[1].as_ref().unwrap_err()), "{pages:?}");
    let items: Vec<_> = costs.items().collect();
    assert!(items.len() == 2 && is_repetition(items[1].as_ref().unwrap_err()), "{items:?}");
}
