//! IAM principals as subjects of the API server.

use std::collections::{BTreeMap, BTreeSet};

use crate::families::PlanInput;
use crate::model::Principal;
use crate::semantics::rbac::eks::{Access, Identity, KnownAs};
use crate::semantics::rbac::{RbacObjects, Subject};

/// The name of the session in which a role is asked about, where its name is whoever assumes it to choose.
const SESSION: &str = "tenantproof";

/// The subjects that a party's principals are: each as its access entry or `aws-auth` lets it in, and besides as each user
/// that some binding names and that a session of it may be.
pub(in crate::families::rbac) fn subjects(
    access: Option<&Access>,
    principals: &[Principal],
    objects: &RbacObjects,
) -> BTreeMap<String, Subject> {
    let Some(access) = access else { return BTreeMap::new() };
    let known = principals.iter().filter_map(|one| Some((one, access.identity(one).known_as(one)?)));
    known.flat_map(|(principal, known_as)| sessions(&principal.to_string(), &known_as, objects)).collect()
}

/// The subjects of one principal, by their names in reports.
pub(super) fn sessions(principal: &str, known_as: &KnownAs, objects: &RbacObjects) -> Vec<(String, Subject)> {
    let usual = known_as.in_session(SESSION);
    let mut all = vec![(format!("principal {principal}"), usual.clone())];
    if !known_as.username.is_plain() {
        let named = bound_users(objects).into_iter().filter(|user| known_as.username.may_be(user));
        let groups = || usual.groups().iter().cloned();
        all.extend(named.map(|user| (format!("principal {principal} as {user}"), Subject::user(user, groups()))));
    }
    all
}

/// The users that bindings name.
fn bound_users(objects: &RbacObjects) -> BTreeSet<&str> {
    let of_bindings = objects.role_bindings.iter().flat_map(|binding| binding.subjects.iter().flatten());
    let of_cluster = objects.cluster_role_bindings.iter().flat_map(|binding| binding.subjects.iter().flatten());
    of_bindings.chain(of_cluster).filter(|one| one.kind == "User").map(|one| one.name.as_str()).collect()
}

/// Principals of the tenancy whose rights are not asked about, and why: a sentence each.
pub(in crate::families::rbac) fn unknown_principals(input: &PlanInput<'_>) -> Vec<String> {
    let of_parties = input.tenancy.parties.iter().flat_map(|party| &party.subjects.principals);
    let Some(access) = &input.snapshot.eks else {
        let count = of_parties.count();
        let told = "as whom the API server knows them is read of access entries, with --eks-cluster";
        return (count > 0)
            .then(|| format!("{count} IAM principals that act for tenants: {told}"))
            .into_iter()
            .collect();
    };
    of_parties
        .filter_map(|principal| match access.identity(principal) {
            Identity::Unknown(why) => Some(format!("principal {principal}: as whom it is known is not told: {why}")),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
    use serde_json::json;

    use super::subjects;
    use crate::semantics::rbac::RbacObjects;
    use crate::semantics::rbac::eks::{Access, AuthenticationMode, Cluster, Entry, EntryType, Template};

    #[test]
    fn a_principal_is_its_entrys_name_and_groups_and_each_bound_session_of_it() {
        let entry = Entry {
            principal: "arn:aws:iam::111122223333:role/eng/dev".to_owned(),
            kind: EntryType::Standard,
            username: Template::new("arn:aws:sts::111122223333:assumed-role/dev/{{SessionName}}"),
            groups: vec![Template::new("developers")],
            policies: Vec::new(),
        };
        let access = Access {
            cluster: Cluster::default(),
            mode: AuthenticationMode::Api,
            entries: vec![entry],
            config_map: None,
        };
        let user =
            |name: &str| json!({"kind": "User", "name": format!("arn:aws:sts::111122223333:assumed-role/{name}")});
        let binding: ClusterRoleBinding = serde_json::from_value(json!({
            "metadata": {"name": "oops"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
            "subjects": [user("dev/ann"), user("ops/bob"), {"kind": "Group", "name": "x"}],
        }))
        .unwrap();
        let objects = RbacObjects { cluster_role_bindings: vec![binding], ..RbacObjects::default() };
        let dev = "arn:aws:iam::111122223333:role/dev";
        let found = subjects(Some(&access), &[dev.parse().unwrap()], &objects);
        let names: Vec<&str> = found.keys().map(String::as_str).collect();
        let session = "arn:aws:sts::111122223333:assumed-role/dev/ann";
        assert_eq!(names, [format!("principal {dev}"), format!("principal {dev} as {session}")]);
        for subject in found.values() {
            assert_eq!(subject.groups(), ["developers", "system:authenticated"]);
        }
        let stranger = "arn:aws:iam::111122223333:role/ops".parse().unwrap();
        assert!(subjects(Some(&access), &[stranger], &objects).is_empty(), "who is not let in is nobody");
        assert!(subjects(None, &[dev.parse().unwrap()], &objects).is_empty());
    }
}
