//! The AWS side: what is asked of AWS itself, with the credentials that the SDK finds as every AWS tool does.
//!
//! It reads and never writes. [`Aws`] holds where and how to ask, [`AwsError`] says what went wrong and what helps, and
//! one module for each service asks.

mod config;
mod eks;
mod error;
mod logs;
pub mod permissions;

pub use config::Aws;
pub use eks::{Described, Eks};
pub use error::{AwsError, Call, Trouble};
pub use logs::{Extent, LogEvent, LogGroup};
