//! All that is asked of AWS: what `tenantproof permissions --aws` prints, and what an error names.

/// An action of IAM, and the one operation of a service that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// The service, as AWS names it: `CloudWatch Logs`.
    pub service: &'static str,
    /// The operation: `FilterLogEvents`.
    pub operation: &'static str,
    /// The action: `logs:FilterLogEvents`.
    pub action: &'static str,
    /// On what, as an ARN.
    pub resource: &'static str,
    /// A name for what it is for, of letters and digits: the statement's id.
    pub purpose: &'static str,
}

/// Reading the API servers' audit logs.
pub const FILTER_LOG_EVENTS: Action = Action {
    service: "CloudWatch Logs",
    operation: "FilterLogEvents",
    action: "logs:FilterLogEvents",
    resource: "arn:aws:logs:*:*:log-group:/aws/eks/*/cluster:*",
    purpose: "ReadAuditLogs",
};

/// Every action of a run.
pub const ACTIONS: &[Action] = &[FILTER_LOG_EVENTS];

#[cfg(test)]
mod tests {
    use super::ACTIONS;

    /// What begins so only reads.
    const READS: [&str; 4] = ["Describe", "Filter", "Get", "List"];

    #[test]
    fn nothing_is_asked_for_that_writes_or_that_is_everything() {
        for action in ACTIONS {
            let operation = action.action.split_once(':').unwrap().1;
            assert!(READS.iter().any(|read| operation.starts_with(read)), "{} may write", action.action);
            assert!(!action.action.contains('*'), "{} should be named", action.action);
            let purpose = action.purpose;
            assert!(!purpose.is_empty() && purpose.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{purpose}");
        }
    }
}
