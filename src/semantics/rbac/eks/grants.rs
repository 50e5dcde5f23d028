//! What an access entry's policies allow.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::policies::{AccessPolicy, policy};
use super::scope::{AccessScope, Covers};
use crate::semantics::rbac::Request;

/// An access policy that is associated with an access entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Association {
    /// The policy's ARN.
    pub policy: String,
    /// Where it holds.
    pub scope: AccessScope,
}

impl Association {
    /// The policy's name: the last part of its ARN.
    #[must_use]
    pub fn name(&self) -> &str {
        self.policy.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Association {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "access policy {} for {}", self.name(), self.scope)
    }
}

/// An association that holds in some place, or may.
#[derive(Clone, Copy, Debug)]
pub struct Holding<'a> {
    /// The association.
    pub association: &'a Association,
    /// Whether it surely holds there.
    pub is_sure: bool,
    /// Its policy; `None` where it is none that is known.
    pub policy: Option<&'static AccessPolicy>,
}

impl<'a> Holding<'a> {
    /// Why it may grant there what its rules do not surely grant; `None` where it can't.
    #[must_use]
    pub fn doubt(&self) -> Option<Doubt<'a>> {
        match self.policy {
            None => Some(Doubt::PolicyNotKnown(self.association)),
            Some(policy) if !policy.is_whole => Some(Doubt::PolicyInWords(self.association)),
            Some(_) => None,
        }
    }
}

/// Why it cannot be told. Each names its rule in `docs/semantics.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt<'a> {
    /// A policy that is not known.
    PolicyNotKnown(&'a Association),
    /// A policy whose rules AWS tells in words alone.
    PolicyInWords(&'a Association),
    /// A scope that may take the place in.
    ScopeNotUnderstood(&'a Association),
}

impl Doubt<'_> {
    /// The name of the rule in `docs/semantics.md` by which it is unknown.
    #[must_use]
    pub const fn rule_name(&self) -> &'static str {
        match self {
            Self::PolicyNotKnown(_) => "access-policy-not-known",
            Self::PolicyInWords(_) => "access-policy-in-words",
            Self::ScopeNotUnderstood(_) => "access-scope-not-understood",
        }
    }

    /// The names of all rules.
    pub const RULES: [&'static str; 3] =
        ["access-policy-not-known", "access-policy-in-words", "access-scope-not-understood"];
}

impl fmt::Display for Doubt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PolicyNotKnown(one) => write!(f, "{one} may grant it: the policy is not known"),
            Self::PolicyInWords(one) => write!(f, "{one} may grant it: AWS tells what it grants in words alone"),
            Self::ScopeNotUnderstood(one) => write!(f, "{one} may grant it: whether it holds there is not known"),
        }
    }
}

/// What the access policies of an entry say of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision<'a> {
    /// One allows it.
    Allowed(&'a Association),
    /// None does.
    Denied,
    /// It can't be told.
    Unknown(Doubt<'a>),
}

impl Entry {
    /// The associations that hold in a namespace, or for the whole cluster, or may.
    pub fn holding(&self, namespace: Option<&str>) -> impl Iterator<Item = Holding<'_>> {
        self.policies.iter().filter_map(move |association| {
            let is_sure = match association.scope.covers(namespace) {
                Covers::No => return None,
                Covers::Unknown => false,
                Covers::Yes => true,
            };
            Some(Holding { association, is_sure, policy: policy(&association.policy) })
        })
    }

    /// What the access policies say of a request: policies only add, so what one allows is allowed.
    #[must_use]
    pub fn decide(&self, request: &Request<'_>) -> Decision<'_> {
        let mut doubt = None;
        for holding in self.holding(request.namespace()) {
            let mut rules = holding.policy.into_iter().flat_map(|policy| &policy.rules);
            match (rules.any(|rule| rule.allows(request)), holding.is_sure) {
                (true, true) => return Decision::Allowed(holding.association),
                (true, false) => doubt = doubt.or(Some(Doubt::ScopeNotUnderstood(holding.association))),
                (false, _) => doubt = doubt.or(holding.doubt()),
            }
        }
        doubt.map_or(Decision::Denied, Decision::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop, proptest};
    use rstest::rstest;

    use super::{Association, Decision, Doubt};
    use crate::semantics::rbac::eks::{AccessScope, Entry, EntryType, NamespacePattern, Template};
    use crate::semantics::rbac::{Request, ResourceRequest, Scope, Verb};

    fn entry(policies: &[(&str, AccessScope)]) -> Entry {
        let association = |(name, scope): &(&str, AccessScope)| Association {
            policy: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
            scope: scope.clone(),
        };
        Entry {
            principal: "arn:aws:iam::111122223333:role/dev".to_owned(),
            kind: EntryType::Standard,
            username: Template::new("dev"),
            groups: Vec::new(),
            policies: policies.iter().map(association).collect(),
        }
    }

    fn namespaces(patterns: &[&str]) -> AccessScope {
        AccessScope::Namespace(patterns.iter().map(|text| NamespacePattern::new(*text)).collect())
    }

    fn request<'a>(verb: &'a str, resource: &'a str, namespace: &'a str) -> Request<'a> {
        Request::Resource(ResourceRequest {
            verb: Verb::new(verb),
            api_group: "",
            resource,
            subresource: "",
            scope: Scope::of(namespace),
            name: "",
        })
    }

    fn said(decision: Decision<'_>) -> &'static str {
        match decision {
            Decision::Allowed(_) => "allowed",
            Decision::Denied => "denied",
            Decision::Unknown(doubt) => doubt.rule_name(),
        }
    }

    const VIEW: &str = "AmazonEKSViewPolicy";

    #[rstest]
    #[case::in_its_namespace(&[(VIEW, namespaces(&["a"]))], "get", "pods", "a", "allowed")]
    #[case::in_another(&[(VIEW, namespaces(&["a"]))], "get", "pods", "b", "denied")]
    #[case::by_a_wildcard(&[(VIEW, namespaces(&["team-*"]))], "get", "pods", "team-b", "allowed")]
    #[case::for_the_cluster(&[(VIEW, AccessScope::Cluster)], "list", "pods", "", "allowed")]
    #[case::in_all_namespaces_one_by_one(&[(VIEW, AccessScope::Cluster)], "get", "pods", "b", "allowed")]
    #[case::not_for_the_cluster(&[(VIEW, namespaces(&["a"]))], "list", "pods", "", "denied")]
    #[case::what_it_does_not_grant(&[(VIEW, AccessScope::Cluster)], "get", "secrets", "a", "denied")]
    #[case::what_another_grants(
        &[(VIEW, AccessScope::Cluster), ("AmazonEKSEditPolicy", namespaces(&["a"]))], "get", "secrets", "a", "allowed"
    )]
    #[case::of_no_policy(&[], "get", "pods", "a", "denied")]
    #[case::of_one_that_is_not_known(
        &[("AmazonEKSNewPolicy", namespaces(&["a"]))], "get", "pods", "a", "access-policy-not-known"
    )]
    #[case::of_one_that_is_not_known_elsewhere(&[("AmazonEKSNewPolicy", namespaces(&["a"]))], "get", "pods", "b", "denied")]
    #[case::of_one_in_words(
        &[("AmazonEKSComputePolicy", AccessScope::Cluster)], "get", "pods", "a", "access-policy-in-words"
    )]
    #[case::of_its_name(
        &[("AmazonEKSSecretReaderPolicy", AccessScope::Cluster)], "get", "secrets", "a", "allowed"
    )]
    #[case::a_sure_one_after_a_doubt(
        &[("AmazonEKSNewPolicy", AccessScope::Cluster), (VIEW, AccessScope::Cluster)], "get", "pods", "a", "allowed"
    )]
    #[case::a_scope_of_another_type(
        &[(VIEW, AccessScope::Unknown("world".to_owned()))], "get", "pods", "a", "access-scope-not-understood"
    )]
    #[case::a_scope_of_another_type_for_what_is_not_granted(
        &[(VIEW, AccessScope::Unknown("world".to_owned()))], "get", "secrets", "a", "denied"
    )]
    #[case::all_namespaces_at_once(&[(VIEW, namespaces(&["*"]))], "list", "pods", "", "access-scope-not-understood")]
    fn policies_decide_by_rule_and_scope(
        #[case] policies: &[(&str, AccessScope)],
        #[case] verb: &str,
        #[case] resource: &str,
        #[case] namespace: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(said(entry(policies).decide(&request(verb, resource, namespace))), expected);
    }

    #[test]
    fn a_path_is_for_whoever_may_do_everything_everywhere() {
        let health = Request::NonResource { verb: Verb::new("get"), path: "/metrics" };
        let admin = |scope| said(entry(&[("AmazonEKSClusterAdminPolicy", scope)]).decide(&health));
        assert_eq!((admin(AccessScope::Cluster), admin(namespaces(&["a"]))), ("allowed", "denied"));
        assert_eq!(said(entry(&[("AmazonEKSAdminViewPolicy", AccessScope::Cluster)]).decide(&health)), "denied");
    }

    #[test]
    fn each_doubt_has_its_rule_in_the_documentation() {
        let documentation = include_str!("../../../../docs/semantics.md");
        for rule in Doubt::RULES {
            assert!(documentation.contains(&format!("`{rule}`")), "{rule} is not told");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn a_wider_scope_and_one_policy_more_never_take_anything_away(
            pattern in "[ab*]{1,3}", name in prop::sample::select(vec![VIEW, "AmazonEKSEditPolicy", "AmazonEKSNewPolicy"]),
            more in prop::sample::select(vec![VIEW, "AmazonEKSComputePolicy"]),
            resource in prop::sample::select(vec!["pods", "secrets", "nodes"]), namespace in "[ab]{0,3}"
        ) {
            let rank = |entry: &Entry| match said(entry.decide(&request("get", resource, &namespace))) {
                "allowed" => 2,
                "denied" => 0,
                _ => 1,
            };
            let narrow = entry(&[(name, namespaces(&[&pattern]))]);
            let wide = entry(&[(name, AccessScope::Cluster)]);
            let both = entry(&[(name, namespaces(&[&pattern])), (more, AccessScope::Cluster)]);
            assert!(rank(&narrow) <= rank(&wide));
            assert!(rank(&narrow) <= rank(&both));
        }
    }
}
