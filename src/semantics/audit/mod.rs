//! What an audit policy means, and what an event of an audit log says. Pure.
//!
//! The rules are those of `k8s.io/apiserver/pkg/audit/policy` (v0.34); `docs/semantics.md` has them by name.

mod decide;
mod event;
mod policy;
mod published;

pub use decide::{Decision, Question, Target};
pub use event::{Event, Outcome, Person, Reference};
pub use policy::{GroupResources, Policy, PolicyError, Rule, Stage};
pub use published::PolicyOrigin;

#[cfg(test)]
mod tests;
