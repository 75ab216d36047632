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

/// A server that counts its connections and answers everything with an empty list.
fn counting_server() -> (String, std::sync::Arc<std::sync::atomic::AtomicU32>) {
    use std::io::{BufRead, BufReader, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api/v1", listener.local_addr().unwrap());
    let count = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = count.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            std::thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                while let Some(Ok(line)) = lines.next() {
                    if line.is_empty() {
                        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[]";
                        (&stream).write_all(head.as_bytes()).unwrap();
                    }
                }
            });
        }
    });
    (url, count)
}

#[tokio::test]
async fn an_idle_connection_is_left_before_servers_close_it() {
    // Node closes after 5 s. A call just then would fail for nothing.
    let by_default = std::time::Duration::from_millis(4_300);
    for (setting, idle) in [(None, by_default), (Some(50), std::time::Duration::from_millis(120))] {
        let (url, connections) = counting_server();
        let mut builder = paid::AsyncPaid::builder().token("k").base_url(url);
        if let Some(millis) = setting {
            builder = builder.pool_idle_timeout(std::time::Duration::from_millis(millis));
        }
        let client = builder.build().unwrap();
        client.customers().list().await.unwrap();
        if setting.is_none() {
            client.customers().list().await.unwrap();
        }
        assert_eq!(connections.load(std::sync::atomic::Ordering::Relaxed), 1, "it is kept for the next call");
        tokio::time::sleep(idle).await;
        client.customers().list().await.unwrap();
        assert_eq!(connections.load(std::sync::atomic::Ordering::Relaxed), 2, "it is not kept for long");
    }
}
