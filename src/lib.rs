#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "cost-tracing")]
mod account;
#[cfg(feature = "blocking")]
pub mod blocking;
mod call;
mod client;
mod config;
mod environment;
mod error;
#[cfg(feature = "cost-tracing")]
#[path = "../ext/mod.rs"]
pub mod ext;
mod generated;
pub mod logging;
mod operation;
mod options;
mod pager;
pub mod prelude;
mod response;
mod token;
mod transport;
mod values;

#[cfg(feature = "blocking")]
pub use blocking::Paid;
pub use call::Call;
pub use client::AsyncPaid;
pub use config::{Builder, RetryBudget};
pub use error::{ApiError, DecodeError, Error, InvalidRequest, TimeoutError, TransportError};
#[cfg(feature = "cost-tracing")]
pub use ext::{Signal, ai, cost, tracing};
pub use generated::{Environment, operations, resources, types};
pub use operation::Operation;
pub use pager::{Items, Paged, Pages};
pub use response::{Headers, Response};
pub use token::Token;
pub use values::{DateTime, JsonObject, Nullable, Number, UnknownValue};

/// The result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;
