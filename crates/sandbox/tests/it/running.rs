//! How a sandbox starts and stops, with a runtime and without one.
//!
//! No test here may start a process: for a moment, a new process holds its parent's
//! sockets, and a port that was just closed would still seem open.

use std::io::Read;
use std::net::TcpStream;
use std::sync::mpsc;

use crate::common::{address, get, status_line};
use paid_sandbox::{Fault, Outcome, Sandbox};

#[test]
fn it_runs_without_a_runtime_and_closes_everything_when_dropped() {
    let sandbox = Sandbox::start_blocking().expect("starts");
    let origin = sandbox.origin();
    assert_eq!(sandbox.base_url(), format!("{origin}/api/v1"));
    let mut stream = get(&origin, sandbox.api_key(), "/api/v1/customers");
    assert_eq!(status_line(&mut stream), "HTTP/1.1 200");
    drop(sandbox);
    let mut rest = Vec::new();
    // Closed: the read ends instead of waiting for the next answer.
    let _ = stream.read_to_end(&mut rest);
    TcpStream::connect(address(&origin)).expect_err("nobody listens");
}

#[tokio::test]
async fn it_can_be_dropped_and_shut_down_inside_a_runtime() {
    let sandbox = Sandbox::start().await.expect("starts");
    let origin = sandbox.origin();
    drop(sandbox);
    TcpStream::connect(address(&origin)).expect_err("nobody listens");

    let blocking = Sandbox::start_blocking().expect("starts in a runtime, too");
    let origin = blocking.origin();
    blocking.shutdown().await;
    TcpStream::connect(address(&origin)).expect_err("nobody listens");
}

#[test]
fn a_port_can_be_chosen_and_a_taken_one_is_an_error() {
    let first = Sandbox::start_blocking().expect("starts");
    let port = first.origin().rsplit(':').next().map(str::parse::<u16>);
    let port = port.expect("a port").expect("a number");
    let second = Sandbox::builder().port(port).start_blocking();
    let error = second.expect_err("the port is taken");
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    drop(first);
    let third = Sandbox::builder().port(port).start_blocking();
    assert!(third.expect("the port is free").origin().ends_with(&port.to_string()));
}

#[test]
fn an_observer_learns_how_each_request_ended() {
    let (tell, told) = mpsc::channel();
    let observer = move |request: &paid_sandbox::ReceivedRequest, outcome| {
        let _ = tell.send((request.path().to_owned(), outcome));
    };
    let sandbox = Sandbox::builder().on_request(observer).start_blocking().expect("starts");
    sandbox.fail(Fault::on("GET", "/agents").cut());
    sandbox.fail(Fault::on("GET", "/agents").cut_midway());
    sandbox.fail(Fault::on("GET", "/agents").hang());
    let outcomes = [Outcome::Cut, Outcome::CutMidway(200), Outcome::Hung, Outcome::Answered(200)];
    for expected in outcomes {
        let _stream = get(&sandbox.origin(), sandbox.api_key(), "/api/v1/agents");
        let ended = told.recv().expect("an outcome");
        assert_eq!(ended, ("/api/v1/agents".to_owned(), expected));
    }
}
