//! Where the API server's record of requests can be read.

use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

use super::webhook::Webhook;

/// Where the API server's record of requests can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditSource {
    /// A file of one API server, with the files beside it into which it is rotated.
    File(PathBuf),
    /// What API servers post to their audit webhook backend, which is listened for here.
    Webhook(Webhook),
    /// A log group of CloudWatch Logs: of all API servers of a cluster of EKS.
    #[cfg(feature = "aws")]
    CloudWatch(String),
}

impl AuditSource {
    /// In words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Webhook(webhook) => webhook.to_string(),
            #[cfg(feature = "aws")]
            Self::CloudWatch(group) => format!("CloudWatch log group {group}"),
        }
    }

    /// Whether a log group is one that EKS makes for a cluster's control plane.
    #[cfg(feature = "aws")]
    #[must_use]
    pub fn is_group_of_eks(group: &str) -> bool {
        let cluster = group.strip_prefix("/aws/eks/").and_then(|rest| rest.strip_suffix("/cluster"));
        cluster.is_some_and(|cluster| !cluster.is_empty() && !cluster.contains('/'))
    }

    /// What a reader of the verdicts should know of it, and what to do about that.
    #[must_use]
    pub fn caveats(&self) -> Vec<(String, &'static str)> {
        let Self::Webhook(webhook) = self else { return Vec::new() };
        let mut caveats = Vec::new();
        if webhook.identity.is_none() {
            caveats.push((
                format!("the {webhook} had no TLS: who is on the way could read and change what was sent to it"),
                "give it a certificate: --audit-webhook-cert and --audit-webhook-key",
            ));
        }
        if webhook.token.is_none() {
            caveats.push((
                format!("the {webhook} took events from everybody who reaches it: they are the API server's if nobody else does"),
                "ask for a bearer token: --audit-webhook-token-file",
            ));
        }
        caveats
    }
}

/// A record of requests that can't be read.
#[derive(Debug, Error, Diagnostic)]
pub enum AuditLogError {
    /// A file that can't be read.
    #[error("the audit log {path} can't be read: {why}")]
    #[diagnostic(
        code(tenantproof::audit_log),
        help(
            "name the file that `--audit-log-path` of the API server names, where this machine can read it; nothing was done yet"
        )
    )]
    File {
        /// Where it was looked for.
        path: String,
        /// Why it can't be read.
        why: String,
    },
    /// An address at which the API server can't be listened for.
    #[error("the audit {webhook} can't be opened: {why}")]
    #[diagnostic(code(tenantproof::audit_webhook), help("{help}; nothing was done yet"))]
    Webhook {
        /// The webhook, in words.
        webhook: String,
        /// Why it can't be opened.
        why: String,
        /// What helps.
        help: &'static str,
    },
    /// A log group that can't be read.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    #[diagnostic(transparent)]
    Aws(#[from] crate::aws::AwsError),
}
