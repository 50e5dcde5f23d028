//! Who acts for a tenant, and who is everybody.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Pod;

use crate::families::subjects;
use crate::model::Namespace;
use crate::semantics::rbac::{RbacObjects, Subject};
use crate::tenancy::Subjects;

/// Groups to which everybody belongs, whoever it is, or every service account.
const EVERYBODY: [&str; 3] = ["system:authenticated", "system:unauthenticated", "system:serviceaccounts"];

/// The service account that every namespace has, and a pod gets that names none.
const DEFAULT: &str = "default";
/// The most service accounts of a tenant whose tokens are asked for, beside that one.
const MOST_ACCOUNTS: usize = 3;

/// The subjects of a tenant by name: those that the tenancy names, each service account that some binding names, and
/// all others of its namespaces as one.
pub(super) fn of_tenant(
    declared: &Subjects,
    namespaces: &[Namespace],
    objects: &RbacObjects,
) -> BTreeMap<String, Subject> {
    let mut subjects: BTreeMap<String, Subject> = subjects::of_tenant(declared, namespaces).into_iter().collect();
    for namespace in namespaces {
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

/// A service account whose token is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    /// Its namespace.
    pub(super) namespace: String,
    /// Its name.
    pub(super) name: String,
}

impl Account {
    /// Its name in reports.
    fn in_words(&self) -> String {
        format!("service account {}/{}", self.namespace, self.name)
    }

    /// It, as the rules know it.
    pub(super) fn subject(&self) -> Subject {
        Subject::service_account(&self.namespace, &self.name)
    }

    /// Its user's name.
    pub(super) fn user(&self) -> String {
        self.subject().user_name().unwrap_or_default().to_owned()
    }
}

/// Service accounts whose tokens stand for a tenant: `default` of its first namespace, and of those that its pods use at
/// most [`MOST_ACCOUNTS`], those that some binding names first.
pub(super) fn accounts(namespaces: &[Namespace], pods: &[Pod], objects: &RbacObjects) -> BTreeMap<String, Account> {
    let mut used: BTreeSet<(bool, &str, &str)> = BTreeSet::new();
    for namespace in namespaces {
        let named = named_accounts(objects, namespace);
        for pod in pods.iter().filter(|pod| pod.metadata.namespace.as_deref() == Some(namespace.as_str())) {
            let name = pod.spec.as_ref().and_then(|spec| spec.service_account_name.as_deref()).unwrap_or(DEFAULT);
            used.insert((!named.contains(name), namespace.as_str(), name));
        }
    }
    let default = namespaces.first().map(|namespace| (namespace.as_str(), DEFAULT));
    let used = used.into_iter().map(|(_, namespace, name)| (namespace, name)).filter(|one| Some(*one) != default);
    let all = default.into_iter().chain(used.take(MOST_ACCOUNTS));
    let account = |(namespace, name): (&str, &str)| Account { namespace: namespace.to_owned(), name: name.to_owned() };
    all.map(account).map(|account| (account.in_words(), account)).collect()
}

/// Service accounts of a namespace that some binding names, as what they are or by their users' names.
fn named_accounts(objects: &RbacObjects, namespace: &Namespace) -> BTreeSet<String> {
    let of_bindings = objects.role_bindings.iter().flat_map(|binding| {
        let own = binding.metadata.namespace.as_deref();
        binding.subjects.iter().flatten().map(move |subject| (own, subject))
    });
    let of_cluster = objects
        .cluster_role_bindings
        .iter()
        .flat_map(|binding| binding.subjects.iter().flatten().map(|subject| (None, subject)));
    let user = Subject::service_account(namespace.as_str(), "");
    let user = user.user_name().unwrap_or_default();
    of_bindings
        .chain(of_cluster)
        .filter_map(|(own, subject)| match subject.kind.as_str() {
            "ServiceAccount" => {
                let place = subject.namespace.as_deref().or(own);
                (place == Some(namespace.as_str())).then(|| subject.name.clone())
            }
            "User" => subject.name.strip_prefix(user).map(str::to_owned),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::rbac::v1::RoleBinding;
    use rstest::rstest;
    use serde_json::json;

    use super::{accounts, of_tenant};
    use crate::semantics::rbac::RbacObjects;
    use crate::tenancy::Subjects;

    #[rstest]
    #[case::as_what_it_is(json!({"kind": "ServiceAccount", "namespace": "a", "name": "app"}), true)]
    #[case::by_its_users_name(json!({"kind": "User", "name": "system:serviceaccount:a:app"}), true)]
    #[case::of_another_namespace(json!({"kind": "ServiceAccount", "namespace": "b", "name": "app"}), false)]
    #[case::a_user_of_another(json!({"kind": "User", "name": "system:serviceaccount:ab:app"}), false)]
    #[case::of_the_bindings_namespace(json!({"kind": "ServiceAccount", "name": "app"}), false)]
    fn a_service_account_that_a_binding_names_is_a_subject(#[case] subject: serde_json::Value, #[case] named: bool) {
        let binding: RoleBinding = serde_json::from_value(json!({
            "metadata": {"namespace": "b", "name": "oops"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
            "subjects": [subject],
        }))
        .unwrap();
        let objects = RbacObjects { role_bindings: vec![binding], ..RbacObjects::default() };
        let subjects = of_tenant(&Subjects::default(), &["a".into()], &objects);
        assert!(subjects.contains_key("any service account of a"));
        assert_eq!(subjects.contains_key("service account a/app"), named, "{:?}", subjects.keys());
    }

    #[test]
    fn tokens_are_asked_for_of_few_and_of_those_first_that_a_binding_names() {
        let binding: RoleBinding = serde_json::from_value(json!({
            "metadata": {"namespace": "b", "name": "oops"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
            "subjects": [{"kind": "ServiceAccount", "namespace": "a", "name": "z"}],
        }))
        .unwrap();
        let objects = RbacObjects { role_bindings: vec![binding], ..RbacObjects::default() };
        let pod = |namespace: &str, account: Option<&str>| {
            serde_json::from_value(json!({
                "metadata": {"namespace": namespace, "name": "p"},
                "spec": {"serviceAccountName": account, "containers": []},
            }))
            .unwrap()
        };
        let pods = [
            pod("a", Some("x")),
            pod("a", None),
            pod("a", Some("z")),
            pod("a", Some("y")),
            pod("a", Some("w")),
            pod("c", Some("other")),
        ];
        let chosen = |namespaces: &[&str]| -> Vec<String> {
            let namespaces: Vec<_> = namespaces.iter().map(|name| (*name).into()).collect();
            accounts(&namespaces, &pods, &objects).into_keys().collect()
        };
        let of =
            |names: &[&str]| -> Vec<String> { names.iter().map(|name| format!("service account {name}")).collect() };
        assert_eq!(chosen(&["a"]), of(&["a/default", "a/w", "a/x", "a/z"]));
        assert_eq!(chosen(&["c"]), of(&["c/default", "c/other"]));
        assert_eq!(chosen(&["empty"]), of(&["empty/default"]));
        assert_eq!(chosen(&[]), of(&[]));
    }
}
