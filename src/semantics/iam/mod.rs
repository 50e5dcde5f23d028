//! What AWS IAM policies mean: whether a request is allowed, from the documents alone.
//!
//! [`Document::parse`] compiles a policy document, [`Policies`] says which of them have a say in a request, and
//! [`Policies::decide`] tells of a [`Request`] whether it is allowed, denied by a statement, denied because nothing
//! allows it, by which statement of which policy, or why that cannot be told. The rules are those of the AWS
//! documentation; each has its source in `docs/semantics.md`, and what it leaves open has a name there ([`Rule`]).
//!
//! See [`NOT_MODELLED`] for what else decides.

mod arn;
mod condition;
mod context;
mod decision;
mod document;
mod doubt;
pub mod estate;
mod evaluate;
mod fault;
mod operator;
mod organization;
mod pattern;
pub mod pod_identity;
mod principals;
mod request;
mod scope;
mod statement;
mod test;
mod tree;
mod truth;
mod values;
mod variables;

pub use arn::{AccountId, Arn};
pub use context::Context;
pub use decision::{Because, Cited, Decision, Gap, Layer, Unsure, Verdict};
pub use document::{Document, PolicyKind};
pub use doubt::Rule;
pub use evaluate::Policies;
pub use fault::{Fault, Wrong};
pub use request::{Action, Principal, Request, RequestError, Resource, Role};
pub use tree::Tree;

/// What else decides about a request to AWS and is not modelled.
pub const NOT_MODELLED: [&str; 8] = [
    "which condition keys a request of a service really has: the context is taken as it is given",
    "which actions and resource types a service has, and which of an action's several resources are asked about",
    "grants of KMS, access control lists, Block Public Access and access point policies of S3",
    "policies of VPC endpoints",
    "an organization's management account, which none of its policies restrict",
    "sessions of federated users, anonymous requests, and federated principals that assume a role",
    "forwarded access, where a service asks in somebody's name",
    "sizes and numbers that IAM limits, and names that it does not know",
];
