//! The words of the field as types: identifiers, ports and protocols, verdicts.
//!
//! Everything else may depend on this module; it depends on nothing of the project.

#[cfg(feature = "runner")]
mod audit;
mod ids;
#[cfg(feature = "runner")]
mod nearest;
mod net;
#[cfg(feature = "runner")]
mod principal;
#[cfg(feature = "runner")]
mod quantity;
mod verdict;

#[cfg(feature = "runner")]
pub use audit::AuditLevel;
pub use ids::{
    BucketName, CaseId, CheckId, Family, Namespace, NodeName, RoleName, RuleId, RunId, ServiceAccountName, TenantId,
};
#[cfg(feature = "runner")]
pub use nearest::{Nearest, nearest, nearness, pair_nearness, similarity};
pub use net::{Port, PortZero, Protocol};
#[cfg(feature = "runner")]
pub use principal::{NotAPrincipal, Principal, PrincipalKind};
#[cfg(feature = "runner")]
pub use quantity::Quantity;
pub use verdict::{ControlStrength, Counts, Verdict};
