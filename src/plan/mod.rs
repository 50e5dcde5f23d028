//! Checks × tenants → cases. Pure: the same tenancy, suites and snapshot give the same cases with
//! the same ids.

mod case;
mod mode;
mod nodes;
mod permission;
mod probe;
mod resolve;

pub use case::Case;
pub use mode::{Mode, THROWAWAY_LABEL};
pub use nodes::usable_nodes;
pub use permission::Permission;
pub use probe::{
    OWN_TOKEN, PROBE_LIMIT_MEMORY, PROBE_LIMIT_MILLICORES, PROBE_MEMORY, PROBE_MILLICORES, ProbeIdentity, ProbeName,
    ProbePort, ProbeSpec,
};
pub use resolve::{ResolveError, resolve};
