//! What AWS' own API tells of the tenants' roles and buckets, judged from the text alone: associations, trust policies,
//! what roles reach by every policy that was read, bucket policies. No pod tries anything here.
//!
//! - `plan`: tenancy and what AWS told in; cases out. Pure.
//! - `judge`: a case and what AWS told in, a verdict out. Pure.

mod columns;
mod judge;
mod parameters;
mod plan;
mod seen;
#[cfg(test)]
mod tests;

pub(super) use columns::columns;
pub(super) use judge::Bench;
pub use parameters::{Outside, OutsideParameters};
pub(super) use plan::plan;
pub use seen::OutsideSeen;

use crate::families::ruling::column;
use crate::families::{Column, Stance};
use crate::semantics::Answer;
use crate::semantics::iam::estate::{Ask, Estate, ServiceAccount};
use crate::tenancy::CloudAccount;

/// What the policies that were read say of a call by a service account's pods: the column beside what the pod saw. `told`
/// are keys of the request that the caller knows, such as `s3:prefix`.
#[must_use]
pub fn computed(
    estate: Option<&Estate>,
    account: &CloudAccount,
    action: &str,
    resource: &str,
    told: &[(&str, &str)],
) -> Column {
    let Some(estate) = estate else { return column(Stance::Unknown, "AWS was not read") };
    let who = ServiceAccount { namespace: account.namespace.as_str(), name: account.name.as_str() };
    let found = estate.decide(&Ask { who, action, resource, told });
    column(stance(found.answer), found.because)
}

const fn stance(answer: Answer) -> Stance {
    match answer {
        Answer::Allowed => Stance::Allowed,
        Answer::Denied => Stance::Denied,
        Answer::Unknown => Stance::Unknown,
    }
}
