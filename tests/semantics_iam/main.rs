//! IAM: a table for each rule, a second evaluator on generated cases, another author's simulator as an oracle, and
//! `ask iam`.

#![allow(clippy::similar_names, clippy::needless_pass_by_value, clippy::type_complexity, reason = "tables of cases")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops where it cannot go on")]

mod answers;
mod ask;
mod laws;
mod naive;
#[path = "../support/oracle.rs"]
mod oracle;
mod parser;
mod readings;
mod simulate;
mod tables;
mod worlds;
