//! RBAC: a table for each rule, a second evaluator on generated worlds, the API server's own authorizer as an oracle, and
//! `ask rbac`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops where it cannot go on")]

mod ask;
mod authorizer;
mod laws;
mod naive;
#[path = "../support/oracle.rs"]
mod oracle;
mod tables;
mod worlds;
