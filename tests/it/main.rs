//! The crate from outside: what needs no process of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod ai;
mod client;
mod macro_hygiene;
mod schemas;
