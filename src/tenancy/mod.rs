//! What was promised: the tenancy file, and what labels on a cluster tell.
//!
//! Everything here is pure: text in, a [`Tenancy`] or an error with its place out.

mod admission;
mod cloud;
pub mod file;
mod infer;
mod principals;
mod problem;
mod read;
mod render;
mod types;
mod validate;

pub use cloud::{CloudAccount, CloudBucket, CloudKey, CloudPromise, CloudTable, TenantCloud};
pub use infer::{InferError, InferOptions, Inferred, infer};
pub use problem::{Problem, TenancyError};
pub use read::{MAX_BYTES, read, schema};
pub use render::render;
pub use types::{
    AdmissionRule, Audit, Flow, FlowPeer, FlowPort, Internal, Mark, NamespaceSelector, Operators, Party, PartyKind,
    PodSecurityLevel, Requirement, Role, Share, Subjects, Tenancy,
};
