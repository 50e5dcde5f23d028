//! What Kubernetes objects mean: evaluators that never ask a cluster anything.

pub mod manifests;
pub mod network;
mod snapshot;

pub use snapshot::{Extent, ForeignPolicy, ObjectKind, Snapshot, Unreadable, Workload};
