//! What Kubernetes objects and cloud policies mean: evaluators that never ask anything outside.

pub mod admission;
mod answer;
pub mod audit;
pub mod credentials;
pub mod iam;
pub mod kinds;
pub mod manifests;
pub mod network;
pub mod quota;
pub mod rbac;
mod snapshot;

pub use answer::Answer;
pub use snapshot::{EVERY, Extent, ForeignPolicy, ObjectKind, Snapshot, Unreadable, Workload};
