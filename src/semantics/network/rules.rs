//! The names of the rules in `docs/semantics.md` for what the specification leaves undefined.

/// A policy that is not modelled, or could not be read, makes what it could touch unknown.
pub const FOREIGN_POLICY: &str = "foreign-policy";
/// An `ipBlock` is matched against a pod's own address; without an address it is unknown.
pub const POD_WITHOUT_ADDRESS: &str = "pod-without-address";
/// Labels that were not read: of a namespace that nothing declares, or that a controller will set.
pub const LABELS_NOT_READ: &str = "labels-not-read";
/// A pod with several addresses: unknown where the families have different answers.
pub const DUAL_STACK: &str = "dual-stack";
/// A pod of the host network: unknown where the two possibilities of the specification differ.
pub const HOST_NETWORK: &str = "host-network";

/// All of them.
pub const ALL: [&str; 5] = [FOREIGN_POLICY, POD_WITHOUT_ADDRESS, LABELS_NOT_READ, DUAL_STACK, HOST_NETWORK];
