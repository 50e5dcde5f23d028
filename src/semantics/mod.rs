//! What Kubernetes objects mean: evaluators that never ask a cluster anything.

pub mod manifests;
pub mod network;
pub mod quantity;
mod snapshot;

pub use snapshot::{ForeignPolicy, Snapshot, Unreadable, Workload};
