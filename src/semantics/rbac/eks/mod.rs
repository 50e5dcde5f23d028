//! What lets IAM principals into an EKS cluster and what they may do there that no RBAC object says: access entries,
//! their access policies, and the ConfigMap `aws-auth`.
//!
//! [`Access`] is what the EKS API tells of one cluster. [`Access::identity`] says as whom the API server knows a
//! principal, so that RBAC can be asked about it; [`Entry::decide`] says what its access policies allow. Each rule has
//! its source in `docs/semantics.md`.

mod aws_auth;
mod entry;
mod grants;
mod identity;
mod policies;
mod scope;
mod template;

pub use aws_auth::{AwsAuth, Mapping};
pub use entry::{Access, AuthenticationMode, Cluster, ConfigMap, Entry, EntryType, NodeType};
pub use grants::{Association, Decision, Doubt, Holding};
pub use identity::{Identity, KnownAs};
pub use policies::{AccessPolicy, READ_AT, policy};
pub use scope::{AccessScope, Covers, NamespacePattern};
pub use template::Template;
