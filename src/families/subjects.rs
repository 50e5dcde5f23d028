//! Who acts for a tenant.

use crate::model::Namespace;
use crate::semantics::rbac::Subject;
use crate::tenancy::Subjects;

/// The subjects of a tenant, each with its name in reports: those that the tenancy names, and all service accounts of
/// each of its namespaces as one.
pub(super) fn of_tenant(declared: &Subjects, namespaces: &[Namespace]) -> Vec<(String, Subject)> {
    let groups = declared.groups.iter().map(|group| (format!("group {group}"), Subject::group(group, [])));
    let users = declared.users.iter().map(|user| (format!("user {user}"), Subject::user(user, [])));
    let accounts = namespaces.iter().map(|namespace| {
        (format!("any service account of {namespace}"), Subject::any_service_account(namespace.as_str()))
    });
    groups.chain(users).chain(accounts).collect()
}
