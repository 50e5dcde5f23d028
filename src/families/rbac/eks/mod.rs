//! What the EKS API says of who is let into a cluster, and what it grants that no RBAC object shows.
//!
//! - `plan`: the tenancy and what the EKS API told in; cases out, with what RBAC grants to those of no tenant. Pure.
//! - `principals`: IAM principals as subjects, so that RBAC is asked about them too. Pure.
//! - `judge`: a case and what the EKS API told in, a verdict out. Pure.

mod ask;
mod judge;
mod plan;
mod principals;
mod seen;

pub(super) use judge::judged;
pub(super) use plan::{EksPlan, plan};
pub(super) use principals::{subjects, unknown_principals};
pub use seen::{ByRoles, EksSeen, RunnerSeen};
