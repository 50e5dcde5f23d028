//! The audit policy of EKS, which AWS publishes and nobody can read from a cluster. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::policy::{Policy, PolicyError};

/// Whose text an audit policy is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyOrigin {
    /// Whoever ran this gave it, as that of the API server.
    #[default]
    Given,
    /// AWS publishes it as that of every cluster of EKS; it was not read from the cluster.
    EksPublished,
}

impl Policy {
    /// The policy of EKS, as AWS publishes it; its source and the day stand in `eks.yaml`.
    ///
    /// # Errors
    /// [`PolicyError`] never, as a test holds.
    pub fn of_eks() -> Result<Self, PolicyError> {
        Self::read(include_str!("eks.yaml"))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Policy;
    use crate::model::AuditLevel::{self, Metadata, None as Nothing, Request, RequestResponse};
    use crate::semantics::audit::{Question, Stage, Target};

    /// A request by somebody who is neither the control plane nor a node.
    fn of_eks(verb: &str, group: &str, resource: &str) -> (AuditLevel, Option<usize>) {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let groups = ["system:authenticated".to_owned()];
        let target = Target::Resource { namespace: "a", group, resource, subresource, name: "x" };
        let asked = Question { user: Some("arn:aws:iam::111122223333:role/dev"), groups: &groups, verb, target };
        let decided = Policy::of_eks().unwrap().decide(&asked);
        (decided.level, decided.rule)
    }

    // As AWS words it: the guide's own text beside each rule.
    #[rstest]
    #[case::a_pod("create", "", "pods", RequestResponse, 16)]
    #[case::exec("create", "", "pods/exec", RequestResponse, 16)]
    #[case::exec_by_websockets("get", "", "pods/exec", Request, 15)]
    #[case::reading_a_pod("get", "", "pods", Request, 15)]
    #[case::a_fence("create", "networking.k8s.io", "networkpolicies", RequestResponse, 16)]
    #[case::a_binding("create", "rbac.authorization.k8s.io", "rolebindings", RequestResponse, 16)]
    #[case::reading_a_secret("get", "", "secrets", Metadata, 13)]
    #[case::writing_a_secret("create", "", "secrets", Metadata, 13)]
    #[case::a_config_map("update", "", "configmaps", Metadata, 13)]
    #[case::a_token_review("create", "authentication.k8s.io", "tokenreviews", Metadata, 13)]
    #[case::a_token("create", "", "serviceaccounts/token", Request, 14)]
    #[case::a_review("create", "authorization.k8s.io", "selfsubjectaccessreviews", RequestResponse, 16)]
    #[case::an_event("create", "", "events", Nothing, 9)]
    #[case::a_custom_resource("create", "s3.services.k8s.aws", "buckets", Metadata, 17)]
    #[case::a_lease("update", "coordination.k8s.io", "leases", Metadata, 17)]
    fn eks_keeps_what_aws_says(
        #[case] verb: &str,
        #[case] group: &str,
        #[case] resource: &str,
        #[case] level: AuditLevel,
        #[case] rule: usize,
    ) {
        assert_eq!(of_eks(verb, group, resource), (level, Some(rule)));
    }

    #[test]
    fn who_may_do_what_and_paths_have_rules_of_their_own() {
        let policy = Policy::of_eks().unwrap();
        let none = Vec::new();
        let aws_auth = Target::Resource {
            namespace: "kube-system",
            group: "",
            resource: "configmaps",
            subresource: "",
            name: "aws-auth",
        };
        let question = |verb, target| Question { user: Some("u"), groups: &none, verb, target };
        assert_eq!(policy.decide(&question("patch", aws_auth.clone())).level, RequestResponse);
        assert_eq!(policy.decide(&question("get", aws_auth)).level, Metadata);
        for (path, level) in [("/version", Nothing), ("/healthz/etcd", Nothing), ("/livez", Metadata)] {
            assert_eq!(policy.decide(&question("get", Target::Path(path))).level, level, "{path}");
        }
    }

    #[test]
    fn outcomes_are_never_left_out() {
        let policy = Policy::of_eks().unwrap();
        assert!(policy.omit_stages.is_empty());
        let omits = policy.rules.iter().flat_map(|rule| &rule.omit_stages);
        assert!(omits.clone().count() > 5 && omits.clone().all(|stage| *stage == Stage::RequestReceived));
        assert_eq!(policy.rules.len(), 17);
    }
}
