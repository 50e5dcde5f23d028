//! Where an API server's record of requests comes to, and reading it from a moment on: files, the audit webhook backend,
//! CloudWatch Logs.

#[cfg(feature = "aws")]
mod cloudwatch;
mod lines;
mod log;
mod source;
mod tail;
mod webhook;

pub use log::{AuditLog, Marked, Reading};
pub use source::{AuditLogError, AuditSource};
pub use webhook::{Identity, Webhook};
