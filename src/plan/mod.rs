//! Checks × tenants → cases. Pure: the same tenancy, suites and snapshot give the same cases with
//! the same ids.

mod case;

pub use case::Case;
