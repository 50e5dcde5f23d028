//! What was promised: the tenancy file, and what labels on a cluster tell.
//!
//! Everything here is pure: text in, a [`Tenancy`] or an error with its place out.

mod types;

pub use types::{Flow, FlowPeer, FlowPort, Internal, NamespaceSelector, Party, PartyKind, Role, Tenancy};
