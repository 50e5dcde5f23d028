//! The command line without a cluster: help that teaches, errors that name the place and the remedy,
//! stable exit codes.
#![cfg(test)]

#[path = "../support/api.rs"]
mod api;
mod help;
mod mistakes;
mod outputs;
mod room;
mod scene;
mod told;
