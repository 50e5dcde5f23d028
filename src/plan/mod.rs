//! Checks × tenants → cases. Pure: the same tenancy, suites and snapshot give the same cases with
//! the same ids.

mod case;

pub use case::Case;

mod probe;

pub use probe::{
    PROBE_LIMIT_MEMORY, PROBE_LIMIT_MILLICORES, PROBE_MEMORY, PROBE_MILLICORES, ProbeName, ProbePort, ProbeSpec,
};
