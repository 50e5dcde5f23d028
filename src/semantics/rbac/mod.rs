//! What RBAC means: who may ask what of the API server, from Roles, ClusterRoles and their bindings alone.
//!
//! [`Rules::compile`] takes the objects, [`Rules::decide`] tells of a [`Subject`] and a [`Request`] whether the RBAC
//! authorizer allows it, by which binding, role and rule, or why that cannot be told. [`Rules::standing`] keeps what
//! applies to one subject for many questions, and lists everything that it is granted; a [`Survey`] does so for many
//! subjects at once. The rules are those of Kubernetes' own authorizer; each has its source in `docs/semantics.md`.
//!
//! RBAC is one authorizer among several: see [`OTHER_AUTHORIZERS`] for those that are not modelled.

mod aggregation;
mod compile;
mod decision;
pub mod eks;
pub mod escalation;
mod foreign;
mod objects;
mod request;
mod rule;
mod standing;
mod subject;
mod survey;
mod validation;

pub use super::Answer;
pub use compile::{Accounting, Rules};
pub use decision::{Because, Decision, Doubt, Grant, Missing, Origin};
pub use foreign::could_grant;
pub use objects::{ForeignGrant, NotUnderstood, ObjectKind, ObjectName, RbacObjects, ReadFrom, Refused};
pub use request::{Request, ResourceRequest, Scope, Verb};
pub use rule::Rule;
pub use standing::{Granted, Standing};
pub use subject::{BoundSubject, Subject};
pub use survey::{Action, Cells, Reach, Reached, Survey};
pub use validation::Fault;

/// The API group of RBAC.
pub const API_GROUP: &str = "rbac.authorization.k8s.io";

/// What else decides about a request and is not modelled: each may allow what RBAC does not.
pub const OTHER_AUTHORIZERS: [&str; 5] = [
    "the Node authorizer, which allows kubelets what belongs to their pods",
    "webhook authorizers, which may also deny",
    "attribute-based access control (ABAC) from a file",
    "EKS access policies, which EKS' own authorizer reads: the module `eks` says what they grant",
    "AlwaysAllow, where an API server runs with it",
];
