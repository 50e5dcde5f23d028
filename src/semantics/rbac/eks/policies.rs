//! AWS's own access policies, as rules.

use std::sync::LazyLock;

use k8s_openapi::api::rbac::v1::PolicyRule;

use crate::semantics::rbac::Rule;

/// When the tables here were what AWS's documentation had: "Review access policy permissions" of the Amazon EKS User
/// Guide (`latest/ug/manage-access/k8s-access/access-policy-reference.adoc` at c88259a). AWS alone changes a policy, and
/// no API tells its rules.
pub const READ_AT: &str = "2024-12-02";

/// What is known of an access policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPolicy {
    /// Its name, the last part of its ARN.
    pub name: &'static str,
    /// Its rules: each row of the documentation is one.
    pub rules: Vec<Rule>,
    /// Whether the documentation has them as rules. Where it has not, it may grant anything besides.
    pub is_whole: bool,
}

/// The policy of this ARN; `None` where it is none that is known here.
#[must_use]
pub fn policy(arn: &str) -> Option<&'static AccessPolicy> {
    let name = arn.split_once(":eks::aws:cluster-access-policy/")?.1;
    ALL.iter().find(|policy| policy.name == name)
}

/// One row of a table of the documentation.
struct Row {
    groups: &'static [&'static str],
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
}

const fn row(
    groups: &'static [&'static str],
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
) -> Row {
    Row { groups, resources, verbs }
}

const CORE: &[&str] = &[""];
const ANY: &[&str] = &["*"];
const APPS: &[&str] = &["apps"];
const AUTOSCALING: &[&str] = &["autoscaling"];
const BATCH: &[&str] = &["batch"];
const EXTENSIONS: &[&str] = &["extensions"];
const NETWORKING: &[&str] = &["networking.k8s.io"];
const POLICY: &[&str] = &["policy"];
const READ: &[&str] = &["get", "list", "watch"];
const CHANGE: &[&str] = &["create", "delete", "deletecollection", "patch", "update"];

/// What `AmazonEKSViewPolicy` grants, and `AmazonEKSEditPolicy` and `AmazonEKSAdminPolicy` too.
const VIEW: &[Row] = &[
    row(
        APPS,
        &[
            "controllerrevisions",
            "daemonsets",
            "daemonsets/status",
            "deployments",
            "deployments/scale",
            "deployments/status",
            "replicasets",
            "replicasets/scale",
            "replicasets/status",
            "statefulsets",
            "statefulsets/scale",
            "statefulsets/status",
        ],
        READ,
    ),
    row(AUTOSCALING, &["horizontalpodautoscalers", "horizontalpodautoscalers/status"], READ),
    row(BATCH, &["cronjobs", "cronjobs/status", "jobs", "jobs/status"], READ),
    row(&["discovery.k8s.io"], &["endpointslices"], READ),
    row(
        EXTENSIONS,
        &[
            "daemonsets",
            "daemonsets/status",
            "deployments",
            "deployments/scale",
            "deployments/status",
            "ingresses",
            "ingresses/status",
            "networkpolicies",
            "replicasets",
            "replicasets/scale",
            "replicasets/status",
            "replicationcontrollers/scale",
        ],
        READ,
    ),
    row(NETWORKING, &["ingresses", "ingresses/status", "networkpolicies"], READ),
    row(POLICY, &["poddisruptionbudgets", "poddisruptionbudgets/status"], READ),
    row(
        CORE,
        &[
            "configmaps",
            "endpoints",
            "persistentvolumeclaims",
            "persistentvolumeclaims/status",
            "pods",
            "replicationcontrollers",
            "replicationcontrollers/scale",
            "serviceaccounts",
            "services",
            "services/status",
        ],
        READ,
    ),
    row(
        CORE,
        &[
            "bindings",
            "events",
            "limitranges",
            "namespaces/status",
            "pods/log",
            "pods/status",
            "replicationcontrollers/status",
            "resourcequotas",
            "resourcequotas/status",
        ],
        READ,
    ),
    row(CORE, &["namespaces"], READ),
];

/// What `AmazonEKSEditPolicy` grants beside it, and `AmazonEKSAdminPolicy` too.
const EDIT: &[Row] = &[
    row(
        APPS,
        &[
            "daemonsets",
            "deployments",
            "deployments/rollback",
            "deployments/scale",
            "replicasets",
            "replicasets/scale",
            "statefulsets",
            "statefulsets/scale",
        ],
        CHANGE,
    ),
    row(AUTOSCALING, &["horizontalpodautoscalers"], CHANGE),
    row(BATCH, &["cronjobs", "jobs"], CHANGE),
    row(
        EXTENSIONS,
        &[
            "daemonsets",
            "deployments",
            "deployments/rollback",
            "deployments/scale",
            "ingresses",
            "networkpolicies",
            "replicasets",
            "replicasets/scale",
            "replicationcontrollers/scale",
        ],
        CHANGE,
    ),
    row(NETWORKING, &["ingresses", "networkpolicies"], CHANGE),
    row(POLICY, &["poddisruptionbudgets"], CHANGE),
    row(CORE, &["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy"], READ),
    row(CORE, &["serviceaccounts"], &["impersonate"]),
    row(CORE, &["pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy"], CHANGE),
    row(
        CORE,
        &[
            "configmaps",
            "events",
            "persistentvolumeclaims",
            "replicationcontrollers",
            "replicationcontrollers/scale",
            "secrets",
            "serviceaccounts",
            "services",
            "services/proxy",
        ],
        CHANGE,
    ),
];

/// What `AmazonEKSAdminPolicy` grants beside it.
const ADMIN: &[Row] = &[
    row(&["authorization.k8s.io"], &["localsubjectaccessreviews"], &["create"]),
    row(
        &["rbac.authorization.k8s.io"],
        &["rolebindings", "roles"],
        &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    ),
];

/// Policies that the documentation has only in words, or that it does not have yet: for the parts of EKS Auto Mode, EKS
/// Capabilities and other services of AWS.
const IN_WORDS: [&str; 28] = [
    "AIDevOpsAgentAccessPolicy",
    "AmazonAIOpsAssistantPolicy",
    "AmazonARCRegionSwitchScalingPolicy",
    "AmazonEKSACKPolicy",
    "AmazonEKSArgoCDClusterPolicy",
    "AmazonEKSArgoCDPolicy",
    "AmazonEKSAutoNodePolicy",
    "AmazonEKSBlockStorageClusterPolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSClusterInsightsPolicy",
    "AmazonEKSComputeClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSEventPolicy",
    "AmazonEKSKROPolicy",
    "AmazonEKSLoadBalancingClusterPolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingClusterPolicy",
    "AmazonEKSNetworkingPolicy",
    "AmazonEKSPodIdentityPolicy",
    "AmazonEKSSecretAdminPolicy",
    "AmazonEKSSecretReaderPolicy",
    "AmazonEMRJobPolicy",
    "AmazonSagemakerHyperpodClusterPolicy",
    "AmazonSagemakerHyperpodControllerPolicy",
    "AmazonSagemakerHyperpodSpacePolicy",
    "AmazonSagemakerHyperpodSpaceTemplatePolicy",
    "AmazonSagemakerHyperpodSystemNamespacePolicy",
    "AmazonSagemakerHyperpodUserClusterPolicy",
];

static ALL: LazyLock<Vec<AccessPolicy>> = LazyLock::new(|| {
    let whole = |name, rows: &[&[Row]], more: Vec<Rule>| {
        let rules = rows.iter().copied().flatten().map(rule).chain(more).collect();
        AccessPolicy { name, rules, is_whole: true }
    };
    let any = [row(ANY, ANY, ANY)];
    let mut all = vec![
        whole("AmazonEKSAdminPolicy", &[VIEW, EDIT, ADMIN], Vec::new()),
        whole("AmazonEKSClusterAdminPolicy", &[&any], vec![any_path()]),
        whole("AmazonEKSAdminViewPolicy", &[&[row(ANY, ANY, READ)]], Vec::new()),
        whole("AmazonEKSEditPolicy", &[VIEW, EDIT], Vec::new()),
        whole("AmazonEKSViewPolicy", &[VIEW], Vec::new()),
        whole("AmazonEKSHybridPolicy", &[&[row(ANY, &["nodes"], &["list"])]], Vec::new()),
    ];
    all.extend(IN_WORDS.map(|name| {
        // Whose name says that it is about Secrets grants that at the least.
        let secrets = name.starts_with("AmazonEKSSecret").then(|| rule(&row(CORE, &["secrets"], READ)));
        AccessPolicy { name, rules: secrets.into_iter().collect(), is_whole: false }
    }));
    all
});

fn rule(row: &Row) -> Rule {
    let texts = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let Row { groups, resources, verbs } = row;
    let rule = PolicyRule {
        api_groups: Some(texts(groups)),
        resources: Some(texts(resources)),
        verbs: texts(verbs),
        ..PolicyRule::default()
    };
    Rule::from(&rule)
}

/// Every path that is no resource.
fn any_path() -> Rule {
    let any = || vec!["*".to_owned()];
    Rule::from(&PolicyRule { non_resource_urls: Some(any()), verbs: any(), ..PolicyRule::default() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rstest::rstest;

    use super::{ALL, policy};
    use crate::semantics::rbac::{Request, ResourceRequest, Scope, Verb};

    fn allows(name: &str, verb: &str, api_group: &str, resource: &str) -> bool {
        let policy = policy(&format!("arn:aws:eks::aws:cluster-access-policy/{name}")).unwrap();
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let scope = Scope::Namespace("a");
        let verb = Verb::new(verb);
        let request = Request::Resource(ResourceRequest { verb, api_group, resource, subresource, scope, name: "x" });
        policy.rules.iter().any(|rule| rule.allows(&request))
    }

    // Each row is one of the documentation's tables, by something that tells the policies apart.
    #[rstest]
    #[case("get", "", "pods", "view edit admin admin-view cluster-admin")]
    #[case("list", "", "secrets", "edit admin admin-view cluster-admin")]
    #[case("get", "", "pods/log", "view edit admin admin-view cluster-admin")]
    #[case("get", "", "pods/exec", "edit admin admin-view cluster-admin")]
    #[case("create", "", "pods/exec", "edit admin cluster-admin")]
    #[case("create", "", "pods", "edit admin cluster-admin")]
    #[case("impersonate", "", "serviceaccounts", "edit admin cluster-admin")]
    #[case("create", "", "serviceaccounts/token", "cluster-admin")]
    #[case("deletecollection", "networking.k8s.io", "networkpolicies", "edit admin cluster-admin")]
    #[case("patch", "rbac.authorization.k8s.io", "rolebindings", "admin cluster-admin")]
    #[case("bind", "rbac.authorization.k8s.io", "roles", "cluster-admin")]
    #[case("escalate", "rbac.authorization.k8s.io", "roles", "cluster-admin")]
    #[case("get", "rbac.authorization.k8s.io", "clusterroles", "admin-view cluster-admin")]
    #[case("update", "", "resourcequotas", "cluster-admin")]
    #[case("get", "", "resourcequotas", "view edit admin admin-view cluster-admin")]
    #[case("update", "", "namespaces", "cluster-admin")]
    #[case("create", "authorization.k8s.io", "localsubjectaccessreviews", "admin cluster-admin")]
    #[case("get", "example.com", "widgets", "admin-view cluster-admin")]
    #[case("list", "", "nodes", "admin-view cluster-admin hybrid")]
    #[case("get", "", "nodes", "admin-view cluster-admin")]
    fn the_policies_grant_what_the_documentation_says(
        #[case] verb: &str,
        #[case] group: &str,
        #[case] resource: &str,
        #[case] by: &str,
    ) {
        let names = [
            ("view", "AmazonEKSViewPolicy"),
            ("edit", "AmazonEKSEditPolicy"),
            ("admin", "AmazonEKSAdminPolicy"),
            ("admin-view", "AmazonEKSAdminViewPolicy"),
            ("cluster-admin", "AmazonEKSClusterAdminPolicy"),
            ("hybrid", "AmazonEKSHybridPolicy"),
        ];
        let granting: Vec<&str> =
            names.iter().filter(|(_, name)| allows(name, verb, group, resource)).map(|(word, _)| *word).collect();
        assert_eq!(granting.join(" "), by);
    }

    #[test]
    fn tables_have_as_many_rows_as_the_documentation() {
        let rows = |name: &str| policy(&format!("arn:aws:eks::aws:cluster-access-policy/{name}")).unwrap().rules.len();
        assert_eq!((rows("AmazonEKSViewPolicy"), rows("AmazonEKSEditPolicy")), (10, 20));
        assert_eq!((rows("AmazonEKSAdminPolicy"), rows("AmazonEKSClusterAdminPolicy")), (22, 2));
    }

    #[test]
    fn each_name_is_there_once_and_what_is_not_there_is_not_known() {
        let names: BTreeSet<&str> = ALL.iter().map(|policy| policy.name).collect();
        assert_eq!(names.len(), ALL.len());
        for partition in ["aws", "aws-cn", "aws-us-gov"] {
            assert!(policy(&format!("arn:{partition}:eks::aws:cluster-access-policy/AmazonEKSViewPolicy")).is_some());
        }
        for arn in ["arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicyV2", "AmazonEKSViewPolicy", ""] {
            assert_eq!(policy(arn), None, "{arn}");
        }
    }

    #[test]
    fn what_is_told_in_words_is_never_whole() {
        let compute = policy("arn:aws:eks::aws:cluster-access-policy/AmazonEKSComputePolicy").unwrap();
        assert!(!compute.is_whole && compute.rules.is_empty());
        assert!(allows("AmazonEKSSecretReaderPolicy", "get", "", "secrets"));
    }
}
