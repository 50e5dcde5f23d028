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

/// What associations of EKS Pod Identity are asked for.
const ASSOCIATIONS: &str = "arn:aws:eks:*:*:podidentityassociation/*";
/// What roles are asked for.
const ROLES: &str = "arn:aws:iam::*:role/*";
/// What managed policies are asked for, AWS' own among them.
const POLICIES: &str = "arn:aws:iam::*:policy/*";
/// What buckets are asked for; never an object.
const BUCKETS: &str = "arn:aws:s3:::*";
/// What a tenant's workloads are given, and what may be done with it.
const OF_ROLES: &str = "ReadTenantRoles";

/// Who the credentials are. It needs no permission, and none can take it away: so no policy lists it.
pub const GET_CALLER_IDENTITY: Action = Action {
    service: "STS",
    operation: "GetCallerIdentity",
    action: "sts:GetCallerIdentity",
    resource: "*",
    purpose: "KnowTheCaller",
};

/// The service accounts that are given roles.
pub const LIST_POD_IDENTITY_ASSOCIATIONS: Action = Action {
    service: "EKS",
    operation: "ListPodIdentityAssociations",
    action: "eks:ListPodIdentityAssociations",
    resource: CLUSTERS,
    purpose: ACCESS,
};

/// Which role a service account is given, and how.
pub const DESCRIBE_POD_IDENTITY_ASSOCIATION: Action = Action {
    service: "EKS",
    operation: "DescribePodIdentityAssociation",
    action: "eks:DescribePodIdentityAssociation",
    resource: ASSOCIATIONS,
    purpose: "ReadAssociations",
};

/// A role's trust policy, boundary and tags.
pub const GET_ROLE: Action =
    Action { service: "IAM", operation: "GetRole", action: "iam:GetRole", resource: ROLES, purpose: OF_ROLES };

/// The managed policies of a role.
pub const LIST_ATTACHED_ROLE_POLICIES: Action = Action {
    service: "IAM",
    operation: "ListAttachedRolePolicies",
    action: "iam:ListAttachedRolePolicies",
    resource: ROLES,
    purpose: OF_ROLES,
};

/// The inline policies of a role.
pub const LIST_ROLE_POLICIES: Action = Action {
    service: "IAM",
    operation: "ListRolePolicies",
    action: "iam:ListRolePolicies",
    resource: ROLES,
    purpose: OF_ROLES,
};

/// An inline policy's text.
pub const GET_ROLE_POLICY: Action = Action {
    service: "IAM",
    operation: "GetRolePolicy",
    action: "iam:GetRolePolicy",
    resource: ROLES,
    purpose: OF_ROLES,
};

/// Which version of a managed policy is in force.
pub const GET_POLICY: Action = Action {
    service: "IAM",
    operation: "GetPolicy",
    action: "iam:GetPolicy",
    resource: POLICIES,
    purpose: "ReadManagedPolicies",
};

/// A managed policy's text.
pub const GET_POLICY_VERSION: Action = Action {
    service: "IAM",
    operation: "GetPolicyVersion",
    action: "iam:GetPolicyVersion",
    resource: POLICIES,
    purpose: "ReadManagedPolicies",
};

/// Where a bucket lies, and whether it is of the account that is expected.
pub const GET_BUCKET_LOCATION: Action = Action {
    service: "S3",
    operation: "GetBucketLocation",
    action: "s3:GetBucketLocation",
    resource: BUCKETS,
    purpose: "ReadTenantBuckets",
};

/// A bucket's policy.
pub const GET_BUCKET_POLICY: Action = Action {
    service: "S3",
    operation: "GetBucketPolicy",
    action: "s3:GetBucketPolicy",
    resource: BUCKETS,
    purpose: "ReadTenantBuckets",
};

/// Whether S3 calls a bucket's policy public.
pub const GET_BUCKET_POLICY_STATUS: Action = Action {
    service: "S3",
    operation: "GetBucketPolicyStatus",
    action: "s3:GetBucketPolicyStatus",
    resource: BUCKETS,
    purpose: "ReadTenantBuckets",
};

/// A bucket's own Block Public Access.
pub const GET_PUBLIC_ACCESS_BLOCK: Action = Action {
    service: "S3",
    operation: "GetPublicAccessBlock",
    action: "s3:GetBucketPublicAccessBlock",
    resource: BUCKETS,
    purpose: "ReadTenantBuckets",
};

/// A bucket's tags.
pub const GET_BUCKET_TAGGING: Action = Action {
    service: "S3",
    operation: "GetBucketTagging",
    action: "s3:GetBucketTagging",
    resource: BUCKETS,
    purpose: "ReadTenantBuckets",
};

/// Every action of a run that needs to be allowed.
pub const ACTIONS: &[Action] = &[
    FILTER_LOG_EVENTS,
    DESCRIBE_CLUSTER,
    LIST_ACCESS_ENTRIES,
    LIST_POD_IDENTITY_ASSOCIATIONS,
    DESCRIBE_ACCESS_ENTRY,
    LIST_ASSOCIATED_ACCESS_POLICIES,
    DESCRIBE_POD_IDENTITY_ASSOCIATION,
    GET_ROLE,
    LIST_ATTACHED_ROLE_POLICIES,
    LIST_ROLE_POLICIES,
    GET_ROLE_POLICY,
    GET_POLICY,
    GET_POLICY_VERSION,
    GET_BUCKET_LOCATION,
    GET_BUCKET_POLICY,
    GET_BUCKET_POLICY_STATUS,
    GET_PUBLIC_ACCESS_BLOCK,
    GET_BUCKET_TAGGING,
];

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
