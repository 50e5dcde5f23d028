//! The whole program on a real cluster. One test file for each behaviour; each test has namespaces of
//! its own, removed at its end, and runs against every lab that `TENANTPROOF_LABS` names, such as
//! `kind-tenantproof,kind-tenantproof-cilium`. Without that variable each says that it was skipped.
//!
//! The labs come up with `kind-configs/lab up`, and `make test` sees to it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test stops where it cannot go on, and says what it does"
)]

mod bad_input;
mod engines;
mod guest;
mod sabotage;
mod services;
mod support;
