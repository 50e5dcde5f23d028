//! The API server's audit webhook backend as a source: what it posts, what is refused, and a whole run.
#![cfg(test)]
#![allow(clippy::large_stack_arrays, reason = "a test of large bodies")]

#[path = "../support/api.rs"]
mod api;
#[path = "../support/recorded/cluster.rs"]
mod cluster;
mod posts;
mod runs;
#[path = "../support/recorded/scene.rs"]
mod scene;
mod tls;
