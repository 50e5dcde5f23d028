//! A YAML document read with its places, so that an error can point at what is wrong.
//!
//! The tenancy file and the suites are read through this module: text becomes a [`Document`]
//! whose every value knows its line and column, [`shape::check`] holds it against the JSON Schema
//! of the file's own structs, and what is wrong becomes a [`Rejected`] that names all places at
//! once. Pure: bytes in, a document or an error out.

mod names;
mod node;
mod path;
mod problem;
mod read;
pub mod shape;

pub use names::NameRule;
pub use node::{Entry, Node, Value};
pub use path::{Path, Step};
pub use problem::{Located, Place, Problem, Rejected};
pub use read::{Document, Limits};
