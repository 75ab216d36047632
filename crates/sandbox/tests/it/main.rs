//! The sandbox from outside: real HTTP on loopback.

mod access;
mod common;
mod faults;
mod orders;
mod program;
#[cfg(feature = "providers")]
mod providers;
mod resources;
mod running;
mod trace_bodies;
mod trace_shapes;
mod traced_signals;
mod traces;
mod usage;
