//! The whole program on a real cluster. One test file for each behaviour; each test has namespaces of
//! its own, removed at its end, and runs against every lab that `TENANTPROOF_LABS` names, such as
//! `kind-tenantproof,kind-tenantproof-cilium`. Without that variable each says that it was skipped.
//!
//! The labs come up with `kind-configs/lab up`, and `make test` sees to it.

mod admission;
mod bad_input;
mod breaking;
mod credentials;
mod engines;
mod guest;
mod init;
mod mutate;
mod quota;
mod rbac;
mod sabotage;
mod safety;
mod services;
mod support;
