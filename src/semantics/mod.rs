//! What Kubernetes objects mean: evaluators that never ask a cluster anything.

pub mod admission;
mod answer;
pub mod audit;
pub mod credentials;
pub mod kinds;
pub mod manifests;
pub mod network;
pub mod quota;
pub mod rbac;
mod snapshot;

pub use answer::Answer;
pub use snapshot::{EVERY, Extent, ForeignPolicy, ObjectKind, Snapshot, Unreadable, Workload};
