//! What the API server refuses: `pkg/apis/rbac/validation/validation.go`. What it refuses may be evaluated all the same
//! where it got in otherwise, so a fault makes doubtful only what would be granted by its object.

use k8s_openapi::api::rbac::v1::{AggregationRule, PolicyRule, RoleRef, Subject};
use thiserror::Error;

use super::API_GROUP;
use super::objects::ObjectKind;
use crate::semantics::network::{self, check_selector};

/// Why the API server would refuse a role or a binding. Rules and subjects are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// A rule without verbs.
    #[error("rule {0} has no verbs")]
    NoVerbs(usize),
    /// A rule about resources without API groups.
    #[error("rule {0} has no apiGroups; the core group is \"\"")]
    NoApiGroups(usize),
    /// A rule about resources without any.
    #[error("rule {0} has no resources")]
    NoResources(usize),
    /// A Role with paths that are no resources.
    #[error("rule {0} has nonResourceURLs, which only a ClusterRole may have")]
    UrlsInRole(usize),
    /// A rule about both.
    #[error("rule {0} has nonResourceURLs beside apiGroups, resources or resourceNames")]
    UrlsBesideResources(usize),
    /// An aggregation rule without selectors.
    #[error("its aggregationRule has no clusterRoleSelectors")]
    NoSelectors,
    /// An aggregation rule with a selector that is none.
    #[error("its aggregationRule: {0}")]
    Selector(network::Fault),
    /// A name that no path can hold.
    #[error("{0:?} is no name: it must not be empty, \".\" or \"..\", nor hold \"/\" or \"%\"")]
    Name(String),
    /// A reference to a role of another API group.
    #[error("its roleRef has the apiGroup {0:?}; it is rbac.authorization.k8s.io")]
    RoleRefGroup(String),
    /// A reference to another kind.
    #[error("its roleRef has the kind {0:?}; a {1} may name {2}")]
    RoleRefKind(String, ObjectKind, &'static str),
    /// A subject of another kind.
    #[error("its subject {0} has the kind {1:?}; it may be ServiceAccount, User or Group")]
    SubjectKind(usize, String),
    /// A subject without a name.
    #[error("its subject {0} has no name")]
    SubjectName(usize),
    /// A subject of another API group.
    #[error("its subject {0} has the apiGroup {1:?}, which a {2} does not")]
    SubjectGroup(usize, String, String),
    /// A service account of no namespace.
    #[error("its subject {0} is a ServiceAccount without a namespace")]
    SubjectNamespace(usize),
    /// Two objects of one name.
    #[error("it is declared twice and differently")]
    Twice,
}

/// `ValidateRBACName`.
pub(super) fn check_name(name: &str) -> Result<(), Fault> {
    if matches!(name, "" | "." | "..") || name.contains(['/', '%']) {
        return Err(Fault::Name(name.to_owned()));
    }
    Ok(())
}

/// `ValidatePolicyRule`, for all rules of a role.
pub(super) fn check_rules(rules: &[PolicyRule], kind: ObjectKind) -> Result<(), Fault> {
    let is_empty = |list: &Option<Vec<String>>| list.as_ref().is_none_or(Vec::is_empty);
    for (number, rule) in (1..).zip(rules) {
        if rule.verbs.is_empty() {
            return Err(Fault::NoVerbs(number));
        }
        if !is_empty(&rule.non_resource_urls) {
            if kind.is_namespaced() {
                return Err(Fault::UrlsInRole(number));
            }
            if !(is_empty(&rule.api_groups) && is_empty(&rule.resources) && is_empty(&rule.resource_names)) {
                return Err(Fault::UrlsBesideResources(number));
            }
            continue;
        }
        if is_empty(&rule.api_groups) {
            return Err(Fault::NoApiGroups(number));
        }
        if is_empty(&rule.resources) {
            return Err(Fault::NoResources(number));
        }
    }
    Ok(())
}

/// The part of `ValidateClusterRole` that is about aggregation.
pub(super) fn check_aggregation(rule: &AggregationRule) -> Result<(), Fault> {
    let selectors = rule.cluster_role_selectors.as_deref().unwrap_or_default();
    if selectors.is_empty() {
        return Err(Fault::NoSelectors);
    }
    selectors.iter().try_for_each(|selector| check_selector(selector).map_err(Fault::Selector))
}

/// `ValidateRoleBinding`, `ValidateClusterRoleBinding` and `ValidateRoleBindingSubject`, once the defaults are set.
pub(super) fn check_binding(kind: ObjectKind, role: &RoleRef, subjects: &[Subject]) -> Result<(), Fault> {
    if !matches!(&*role.api_group, "" | API_GROUP) {
        return Err(Fault::RoleRefGroup(role.api_group.clone()));
    }
    match (kind.is_namespaced(), &*role.kind) {
        (_, "ClusterRole") | (true, "Role") => {}
        (true, _) => return Err(Fault::RoleRefKind(role.kind.clone(), kind, "a Role or a ClusterRole")),
        (false, _) => return Err(Fault::RoleRefKind(role.kind.clone(), kind, "a ClusterRole")),
    }
    check_name(&role.name)?;
    for (number, subject) in (1..).zip(subjects) {
        if subject.name.is_empty() {
            return Err(Fault::SubjectName(number));
        }
        let group = subject.api_group.as_deref().unwrap_or_default();
        let known = match &*subject.kind {
            "User" | "Group" => matches!(group, "" | API_GROUP),
            "ServiceAccount" => group.is_empty(),
            _ => return Err(Fault::SubjectKind(number, subject.kind.clone())),
        };
        if !known {
            return Err(Fault::SubjectGroup(number, group.to_owned(), subject.kind.clone()));
        }
        let namespace = subject.namespace.as_deref().unwrap_or_default();
        if subject.kind == "ServiceAccount" && !kind.is_namespaced() && namespace.is_empty() {
            return Err(Fault::SubjectNamespace(number));
        }
    }
    Ok(())
}
