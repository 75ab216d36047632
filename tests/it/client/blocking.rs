//! Where the blocking client works, and where it says that it does not.

use std::time::{Duration, Instant};

use paid::types::CustomerCreate;
use paid::{Error, Paid};
use paid_sandbox::{Fault, Sandbox};

fn refused(result: Result<Vec<paid::types::Customer>, Error>) {
    let Err(Error::InvalidRequest(error)) = result else { panic!("{result:?}") };
    assert!(error.to_string().contains("AsyncPaid"), "{error}");
}

#[test]
fn it_works_from_many_threads_on_one_client() {
    let (sandbox, client) = super::start_blocking();
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let client = &client;
            scope.spawn(move || {
                for at in 0..10 {
                    let name = format!("{thread}-{at}");
                    assert_eq!(
                        client.customers().create(CustomerCreate::new(&*name)).send().unwrap().name,
                        name
                    );
                }
            });
        }
    });
    assert_eq!(sandbox.customers().len(), 160);
}

#[test]
fn inside_an_async_task_it_is_an_error_and_not_a_panic() {
    let (sandbox, client) = super::start_blocking();
    let current = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let multi = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for runtime in [&current, &multi] {
        let inside = client.clone();
        runtime.block_on(async { refused(inside.customers().list().send()) });
        let inside = client.clone();
        runtime.block_on(async {
            tokio::spawn(async move { refused(inside.customers().list().send()) }).await.unwrap();
        });
        let inside = client.clone();
        runtime.block_on(async move {
            assert!(matches!(inside.customers().get_costs_by_external_id("a").items().next(), Some(Err(_))));
        });
    }
    assert_eq!(sandbox.requests().len(), 0);
}

#[test]
fn it_can_be_built_and_dropped_inside_an_async_task() {
    let sandbox = Sandbox::start_blocking().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Paid::builder().token("k").base_url(sandbox.base_url()).build().unwrap();
        refused(client.customers().list().send());
        drop(client);
    });
}

#[test]
fn where_blocking_is_right_it_works() {
    let (sandbox, client) = super::start_blocking();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let inside = client.clone();
    runtime.block_on(async move {
        tokio::task::spawn_blocking(move || inside.customers().list().send()).await.unwrap().unwrap();
    });
    let inside = client.clone();
    runtime.block_on(async move {
        let listed =
            tokio::spawn(async move { tokio::task::block_in_place(|| inside.customers().list().send()) });
        listed.await.unwrap().unwrap();
    });
    // A runtime that is merely entered does not run anything on this thread.
    let _entered = runtime.enter();
    client.customers().list().send().unwrap();
    assert_eq!(sandbox.requests().len(), 3);
}

#[test]
fn a_timeout_ends_a_blocking_call() {
    let (sandbox, client) = super::start_blocking();
    sandbox.fail(Fault::on("*", "*").hang().forever());
    let started = Instant::now();
    let error = client.customers().list().timeout(Duration::from_millis(100)).send().unwrap_err();
    assert!(error.is_timeout() && started.elapsed() < Duration::from_secs(5), "{error:?}");
}

#[test]
fn the_async_client_without_a_runtime_says_so() {
    let (sandbox, _) = super::start_blocking();
    let client = super::client_of(&sandbox);
    let call = std::future::IntoFuture::into_future(client.customers().list());
    let mut call = std::pin::pin!(call);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(Error::InvalidRequest(error))) = call.as_mut().poll(&mut context) else {
        panic!("it is an error at once")
    };
    assert_eq!(error.field(), "runtime");
}

#[cfg(unix)]
#[test]
fn a_forked_child_has_connections_and_a_thread_of_its_own() {
    let sandbox = Sandbox::start_blocking().unwrap();
    let mut program = super::example("forks");
    program.env("PAID_API_KEY", sandbox.api_key()).env("PAID_BASE_URL", sandbox.base_url()).arg("client");
    let mut running = program.spawn().unwrap();
    let patience = Instant::now() + Duration::from_secs(20);
    let status = loop {
        match running.try_wait().unwrap() {
            Some(status) => break status,
            None if Instant::now() > patience => {
                running.kill().unwrap();
                panic!("it hangs: {:?}", sandbox.requests());
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    assert!(status.success(), "{status}");
    let requests = sandbox.requests();
    // Each by the blocking client, then by the async one.
    let who: Vec<_> = requests.iter().step_by(2).map(|request| request.header("x-who").unwrap()).collect();
    assert_eq!(requests.len(), 10);
    assert_eq!(who, ["parent", "child", "child", "grandchild", "parent"]);
}
