//! Suites are data: what each check proves, what it doesn't, its controls, remedy and manners in
//! production. The built-in ones lie under `suites/`; a user's own is loaded by path.

pub mod file;
mod problem;
mod read;
mod types;
mod validate;

pub use problem::{Problem, SuiteError};
pub use read::{MAX_BYTES, Reader, published_ids};
pub use types::{Access, Check, ControlCases, ControlRef, Suite};
