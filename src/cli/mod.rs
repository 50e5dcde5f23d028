//! The command line: one module for each command.

pub mod ask;
pub mod folder;
