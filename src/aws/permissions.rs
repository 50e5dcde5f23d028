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

/// What clusters are asked for.
const CLUSTERS: &str = "arn:aws:eks:*:*:cluster/*";
/// What access entries are asked for.
const ENTRIES: &str = "arn:aws:eks:*:*:access-entry/*";
/// Who is let into a cluster.
const ACCESS: &str = "ReadClusterAccess";

/// Which cluster it is, and where it looks for who a principal is.
pub const DESCRIBE_CLUSTER: Action = Action {
    service: "EKS",
    operation: "DescribeCluster",
    action: "eks:DescribeCluster",
    resource: CLUSTERS,
    purpose: ACCESS,
};

/// The principals that have access entries.
pub const LIST_ACCESS_ENTRIES: Action = Action {
    service: "EKS",
    operation: "ListAccessEntries",
    action: "eks:ListAccessEntries",
    resource: CLUSTERS,
    purpose: ACCESS,
};

/// As whom an access entry lets a principal in.
pub const DESCRIBE_ACCESS_ENTRY: Action = Action {
    service: "EKS",
    operation: "DescribeAccessEntry",
    action: "eks:DescribeAccessEntry",
    resource: ENTRIES,
    purpose: "ReadAccessEntries",
};

/// An access entry's policies.
pub const LIST_ASSOCIATED_ACCESS_POLICIES: Action = Action {
    service: "EKS",
    operation: "ListAssociatedAccessPolicies",
    action: "eks:ListAssociatedAccessPolicies",
    resource: ENTRIES,
    purpose: "ReadAccessEntries",
};

/// Every action of a run.
pub const ACTIONS: &[Action] =
    &[FILTER_LOG_EVENTS, DESCRIBE_CLUSTER, LIST_ACCESS_ENTRIES, DESCRIBE_ACCESS_ENTRY, LIST_ASSOCIATED_ACCESS_POLICIES];

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
