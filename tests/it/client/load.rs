//! Many calls, many clients, and calls that are dropped.

use std::time::Duration;

use paid::AsyncPaid;
use paid::types::CustomerCreate;
use paid_sandbox::{Fault, Sandbox};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_concurrent_calls_on_one_client_each_get_their_own_answer() {
    let (sandbox, client) = super::start().await;
    let calls: Vec<_> = (0..2000)
        .map(|at| {
            let customers = client.customers();
            tokio::spawn(async move {
                let name = format!("customer {at}");
                let customer = customers.create(CustomerCreate::new(&*name)).await.unwrap();
                assert_eq!(customer.name, name);
                customer.id
            })
        })
        .collect();
    let mut ids = std::collections::HashSet::new();
    for call in calls {
        assert!(ids.insert(call.await.unwrap()));
    }
    assert_eq!(sandbox.customers().len(), 2000);
}

#[tokio::test]
async fn clients_with_different_keys_keep_them_apart() {
    let sandbox = Sandbox::builder().any_api_key().start().await.unwrap();
    let clients: Vec<AsyncPaid> = (0..20)
        .map(|at| {
            AsyncPaid::builder().token(format!("key-{at}")).base_url(sandbox.base_url()).build().unwrap()
        })
        .collect();
    for round in 0..3 {
        for (at, client) in clients.iter().enumerate() {
            client.customers().get_by_external_id(format!("{at}-{round}")).await.unwrap_err();
        }
    }
    for request in sandbox.requests() {
        let id = request.path().rsplit('/').next().unwrap().split('-').next().unwrap().to_string();
        assert!(request.bearer_is(&format!("key-{id}")), "{request:?}");
    }
}

#[tokio::test]
async fn a_dropped_call_leaves_the_client_usable_and_is_not_repeated() {
    let (sandbox, client) = super::start().await;
    sandbox.fail(Fault::on("POST", "*").hang().times(50));
    for _ in 0..50 {
        let call = client.customers().create(CustomerCreate::new("dropped"));
        assert!(tokio::time::timeout(Duration::from_millis(20), call.into_future()).await.is_err());
    }
    assert_eq!(sandbox.customers().len(), 0);
    client.customers().create(CustomerCreate::new("kept")).await.unwrap();
    assert!(sandbox.requests().len() <= 51);
}
