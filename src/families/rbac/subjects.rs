//! Who acts for a tenant, and who is everybody.

use std::collections::BTreeMap;

use crate::model::Namespace;
use crate::semantics::rbac::{RbacObjects, Subject};
use crate::tenancy::Subjects;

/// Groups to which everybody belongs, whoever it is, or every service account.
const EVERYBODY: [&str; 3] = ["system:authenticated", "system:unauthenticated", "system:serviceaccounts"];

/// The subjects of a tenant by name: those that the tenancy names, each service account that some binding names, and
/// all others of its namespaces as one.
pub(super) fn of_tenant(
    declared: &Subjects,
    namespaces: &[Namespace],
    objects: &RbacObjects,
) -> BTreeMap<String, Subject> {
    let mut subjects = BTreeMap::new();
    for group in &declared.groups {
        subjects.insert(format!("group {group}"), Subject::group(group, []));
    }
    for user in &declared.users {
        subjects.insert(format!("user {user}"), Subject::user(user, []));
    }
    for namespace in namespaces {
        let group = format!("system:serviceaccounts:{namespace}");
        let all = Subject::group(&group, ["system:serviceaccounts".to_owned()]);
        subjects.insert(format!("any service account of {namespace}"), all);
        for name in named_accounts(objects, namespace) {
            let account = Subject::service_account(namespace.as_str(), &name);
            subjects.insert(format!("service account {namespace}/{name}"), account);
        }
    }
    subjects
}

/// The groups to which everybody belongs.
pub(super) fn everybody() -> BTreeMap<String, Subject> {
    EVERYBODY.iter().map(|group| (format!("group {group}"), Subject::group(group, []))).collect()
}

/// Service accounts of a namespace that some binding names.
fn named_accounts(objects: &RbacObjects, namespace: &Namespace) -> Vec<String> {
    let of_bindings = objects.role_bindings.iter().flat_map(|binding| {
        let own = binding.metadata.namespace.as_deref();
        binding.subjects.iter().flatten().map(move |subject| (own, subject))
    });
    let of_cluster = objects
        .cluster_role_bindings
        .iter()
        .flat_map(|binding| binding.subjects.iter().flatten().map(|subject| (None, subject)));
    let mut names: Vec<String> = of_bindings
        .chain(of_cluster)
        .filter(|(own, subject)| {
            subject.kind == "ServiceAccount" && subject.namespace.as_deref().or(*own) == Some(namespace.as_str())
        })
        .map(|(_, subject)| subject.name.clone())
        .collect();
    names.sort();
    names.dedup();
    names
}
