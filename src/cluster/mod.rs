//! The Kubernetes side: connection, snapshot, the claim on namespaces, probe pods, clean-up.
//!
//! The runner never asks for exec, attach, port-forward or proxy, and for a Secret only where it was told to:
//! see [`permissions`] for all that every run asks for.

pub mod access;
pub mod attempt;
pub mod audit;
mod aws_auth;
mod claim;
mod clock;
mod connect;
mod error;
pub mod fences;
mod follow;
mod identity;
mod outage;
pub mod permissions;
mod pod;
mod pod_state;
mod priority;
mod probes;
mod removal;
mod retry;
mod snapshot;
mod template;
pub mod token;
mod trial;

pub use aws_auth::read_aws_auth;
pub use claim::{Claiming, Claims, LOCK_NAME, release_all};
pub use connect::{ConnectOptions, Connection, connect};
pub use error::ClusterError;
pub use identity::{api_servers, cni_of, uid_of};
pub use pod::{PROBE_LABEL, PodSettings, RUN_LABEL};
pub use probes::{ProbeFault, ProbeRun, Started};
pub use snapshot::{
    NetworkPolicyVersions, network_policy_versions, read_namespaces, read_objects, read_snapshot, versions_of,
};
pub use template::{Change, TRIAL_LABEL};
pub use trial::{TrialAnswer, TrialKind, Trials};
