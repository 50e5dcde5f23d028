//! Suites are data: what each check proves, what it doesn't, its controls, remedy and manners in
//! production. The built-in ones lie under `suites/`; a user's own is loaded by path.

mod types;

pub use types::{Access, Check, ControlCases, ControlRef, NetworkParameters, Parameters, Reach, Scope, Suite};
