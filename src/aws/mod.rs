//! The AWS side: what is asked of AWS itself, with the credentials that the SDK finds as every AWS tool does.
//!
//! It reads and never writes. [`Aws`] holds where and how to ask, [`AwsError`] says what went wrong and what helps, and
//! one module for each service asks.

mod associations;
mod config;
mod eks;
mod error;
mod iam;
mod logs;
pub mod permissions;
mod s3;
mod sts;

pub use associations::Associations;
pub use config::Aws;
pub use eks::{Described, Eks};
pub use error::{AwsError, Call, Trouble};
pub use iam::Iam;
pub use logs::{Extent, LogEvent, LogGroup};
pub use s3::S3;
pub use sts::Caller;
