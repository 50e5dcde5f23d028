//! What a check asks about one subject: each verb on each resource, and where it says `*` whatever a rule grants. Pure.

use std::collections::BTreeSet;

use super::parameters::{Action, RbacParameters};
use super::question::Question;
use crate::semantics::rbac::{Granted, Scope, Standing};

/// What stands for `*` beside whatever the rules grant: what would hurt most.
const SAMPLE: [(&str, &str); 6] = [
    ("", "pods"),
    ("", "secrets"),
    ("", "configmaps"),
    ("", "services"),
    ("apps", "deployments"),
    (super::GROUP, "rolebindings"),
];
/// Resources that belong to no namespace: a rule about them says nothing of one.
const OF_THE_CLUSTER: [&str; 16] = [
    "nodes",
    "namespaces",
    "persistentvolumes",
    "clusterroles",
    "clusterrolebindings",
    "storageclasses",
    "priorityclasses",
    "ingressclasses",
    "runtimeclasses",
    "certificatesigningrequests",
    "customresourcedefinitions",
    "validatingwebhookconfigurations",
    "mutatingwebhookconfigurations",
    "apiservices",
    "componentstatuses",
    "clustertrustbundles",
];
/// Groups whose resources are questions about oneself, or to the API server.
const OF_NOBODY: [&str; 2] = ["authorization.k8s.io", "authentication.k8s.io"];

/// What a check asks about a subject in these namespaces; one that is empty is the whole cluster.
pub(super) fn questions(
    subject: &str,
    standing: &Standing<'_>,
    parameters: &RbacParameters,
    namespaces: &[String],
) -> BTreeSet<Question> {
    let mut questions = BTreeSet::new();
    for action in &parameters.actions {
        for namespace in namespaces {
            let mut resources: BTreeSet<(String, String)> = BTreeSet::new();
            for resource in &action.resources {
                if resource == "*" {
                    resources.extend(SAMPLE.map(|(group, resource)| (group.to_owned(), resource.to_owned())));
                    resources.extend(granted_resources(standing, action, namespace));
                } else {
                    resources.insert((action.api_group.clone(), resource.clone()));
                }
            }
            for (api_group, resource) in resources {
                let (resource, subresource) = resource.split_once('/').unwrap_or((&resource, ""));
                questions.extend(action.verbs.iter().map(|verb| Question {
                    subject: subject.to_owned(),
                    verb: verb.clone(),
                    api_group: api_group.clone(),
                    resource: resource.to_owned(),
                    subresource: subresource.to_owned(),
                    namespace: namespace.clone(),
                }));
            }
        }
    }
    questions
}

/// Whether a rule about this resource says something of a namespace.
pub(super) fn is_of_namespaces(group: &str, resource: &str) -> bool {
    let whole = resource.split('/').next().unwrap_or_default();
    !OF_NOBODY.contains(&group) && !OF_THE_CLUSTER.contains(&whole)
}

/// The resources of a namespace that some rule grants with one of the action's verbs.
fn granted_resources(standing: &Standing<'_>, action: &Action, namespace: &str) -> BTreeSet<(String, String)> {
    let mut resources = BTreeSet::new();
    for Granted { scope, rule, .. } in standing.granted() {
        let holds_there = matches!(scope, Scope::Cluster) || scope.namespace() == Some(namespace);
        let Some(rule) = rule.filter(|_| holds_there) else { continue };
        if !rule.verbs().any(|verb| verb == "*" || action.verbs.iter().any(|wanted| wanted == verb)) {
            continue;
        }
        for group in rule.api_groups() {
            let of_namespaces = rule.resources().filter(|resource| is_of_namespaces(group, resource));
            resources.extend(of_namespaces.map(|resource| (group.to_owned(), resource.to_owned())));
        }
    }
    resources
}
