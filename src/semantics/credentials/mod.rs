//! Credentials: which texts hold one, of what kind, and how long it lasts. Pure.
//!
//! - [`Scanner`]: finds them in texts, also inside JSON, YAML, `.env`, `.ini` and base64.
//! - [`objects`]: which fields of an object hold text.
//! - [`canary`]: fake credentials of each kind, made from random bytes, to see that the scanner works.
//!
//! What is found leaves this module as place, kind and [`Fingerprint`]. The value itself lives in a type
//! that can't be shown, serialized or cloned, and that nobody outside can name.

pub(in crate::semantics) mod base64;
pub mod canary;
mod connection;
mod documents;
mod fingerprint;
mod jwt;
mod kind;
mod literal;
mod names;
pub mod objects;
mod pem;
mod scan;
mod tokens;

pub use fingerprint::{Fingerprint, Salt};
pub use kind::{Certainty, CredentialKind, Lasting};
pub use scan::{Found, Scanner};
