//! Where an API server's audit log lies, and reading it from a moment on.

mod lines;
mod source;
mod tail;

pub use source::{AuditLog, AuditLogError, AuditSource, Reading};
