//! The whole program on a real cluster. One test file for each behaviour; each test has namespaces of
//! its own, removed at its end, and runs against every lab that `TENANTPROOF_LABS` names, such as
//! `kind-tenantproof,kind-tenantproof-cilium`. Without that variable each says that it was skipped.
//!
//! Where a lab's audit log lies, `kind-configs/lab status` says, or `TENANTPROOF_AUDIT_LOG_<NAME>`, such as
//! `TENANTPROOF_AUDIT_LOG_TENANTPROOF_CILIUM`, with the policy in `TENANTPROOF_AUDIT_POLICY_<NAME>`.
//!
//! The labs come up with `kind-configs/lab up`, and `make test` sees to it.

mod admission;
#[cfg(feature = "aws")]
#[allow(dead_code, reason = "others look at more of it")]
#[path = "../support/api.rs"]
mod api;
mod audit;
#[cfg(feature = "aws")]
mod audit_cloudwatch;
mod bad_input;
mod breaking;
#[cfg(feature = "aws")]
#[allow(dead_code, reason = "others look at more of it")]
#[path = "../support/cloudwatch.rs"]
mod cloudwatch;
mod credentials;
#[cfg(feature = "aws")]
#[allow(dead_code, reason = "others look at more of it")]
#[path = "../support/eks.rs"]
mod eks;
mod engines;
mod guest;
mod identity;
mod init;
mod mutate;
mod quota;
mod rbac;
mod sabotage;
mod safety;
mod services;
mod support;
