//! AI calls through tower stacks: [hyper-util](https://docs.rs/hyper-util/0.1)'s clients, those of
//! [tower-http](https://docs.rs/tower-http), gateways on axum, and [reqwest](https://docs.rs/reqwest/0.13) 0.13 as a
//! service. Any provider, with any service of `tower-service` 0.3 and `http` 1.
//!
#![cfg_attr(not(doctest), doc = include_str!("../../../docs/examples/tower_2.md"))]
//!
//! # Where it goes
//!
//! Outside of retries, so that a call that is repeated is one span; outside of `Buffer` and all else that calls from a
//! task of its own, which has no scope. Answers that are compressed by gzip or deflate are counted from an unpacked copy;
//! of other encodings, it goes outside of decompression. The scope
//! is the one that `call` is invoked in.
//!
//! # The body of a request
//!
//! tells the model, and whether a stream is asked for. It is never collected: it is seen if its length is known and its
//! first frame is all of it, as of `Full`, `String` and `reqwest::Body`, and of boxed ones that hold such a body, like
//! axum's. Looking takes that frame, so the service below gets a [`PeekedBody`]. Clients and middlewares that are generic
//! over the body take it as it is; for others, turn it into theirs:
//!
#![cfg_attr(not(doctest), doc = include_str!("../../../docs/examples/tower.md"))]
//!
//! A form that is uploaded in pieces is read while it is sent. Of other bodies that can't be seen, as of a request that a
//! gateway passes on while it arrives, the call is counted by its answer. What that does not tell is missing then: the
//! usage of OpenAI's chat streams, which has to be asked for, and what images cost. A gateway that collects the body before
//! it calls loses nothing.
//!
//! # Errors
//!
//! They are boxed, as those of tower's own layers are: [`UntracedCall`](super::UntracedCall), if tracing is not optional,
//! or what the service below failed with, untouched. One that is boxed already is not boxed again.

mod body;
mod future;
mod layer;
mod request;
mod shared;

pub use body::PeekedBody;
pub use future::ResponseFuture;
pub use layer::{PaidLayer, PaidService};

pub use super::http::WatchedBody;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
