//! What NetworkPolicies mean: the *computed* column.
//!
//! [`Fences::compile`] takes the policies of a snapshot, [`Fences::decide`] tells of a connection between two
//! [`Endpoint`]s whether it passes, by which policy and rule, or why that cannot be told. The rules are those of
//! NetworkPolicy v1; what that leaves undefined has a name in [`rules`] and a paragraph in `docs/semantics.md`.

mod block;
mod classes;
mod decision;
mod endpoint;
mod fences;
mod foreign;
mod interest;
mod judge;
mod labels;
mod policy;
mod reach;
pub mod rules;
mod standing;

pub use super::Answer;
pub(in crate::semantics) use block::Cidr;
pub use classes::{Alike, Classes, Member};
pub use decision::{Circumstance, Decision, Doubt, Side};
pub use endpoint::{Endpoint, NamedPort};
pub(crate) use fences::API_SERVERS_OWN;
pub use fences::{Accounting, Fences, Profile};
pub use foreign::{foreign_kinds, is_foreign_policy, is_namespaced};
pub use labels::selects;
pub use policy::{Direction, Fault, PolicyName};
pub(in crate::semantics) use policy::{check_peer, check_policy_types, check_port, check_selector};
pub use reach::{Reach, Tally};
pub use standing::Standing;
