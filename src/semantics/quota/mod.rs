//! What ResourceQuotas and LimitRanges mean: the *computed* column of what a tenant may take.
//!
//! Every rule has its source in `docs/semantics.md`, "Quota". An amount is exact, and no clock is read: a pod
//! that is being deleted counts until it is gone.

mod amounts;
mod limits;
mod room;
mod scope;
mod usage;

pub use amounts::Amounts;
pub use limits::{Bound, LimitItem, LimitType, Limits, Refusal};
pub use room::{Holding, holdings, step, tightest, usual_name};
pub use scope::{Scope, Scopes};
pub use usage::{counted_name, of_claim, of_pod, of_service};
