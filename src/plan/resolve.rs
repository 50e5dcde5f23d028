//! Parties' namespaces on a cluster. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Namespace as NamespaceObject;
use thiserror::Error;

use crate::model::{Namespace, Nearest, TenantId};
use crate::tenancy::Tenancy;

/// Why a party's namespaces can't be told.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ResolveError {
    /// A namespace that the tenancy names is not on the cluster.
    #[error("namespace `{namespace}` of `{party}` does not exist on the cluster{}", .nearest.question())]
    Missing {
        /// The party.
        party: TenantId,
        /// The namespace.
        namespace: Namespace,
        /// The nearest name that does exist.
        nearest: Nearest,
    },
    /// A party's labels select no namespace.
    #[error("no namespace of the cluster carries the labels of `{party}`: {labels}")]
    SelectsNothing {
        /// The party.
        party: TenantId,
        /// Its labels.
        labels: String,
    },
    /// Two parties claim one namespace.
    #[error("namespace `{namespace}` belongs to both `{first}` and `{second}`")]
    Shared {
        /// The namespace.
        namespace: Namespace,
        /// One party.
        first: TenantId,
        /// The other.
        second: TenantId,
    },
}

/// Finds the namespaces of each party, or everything that is wrong with them.
///
/// # Errors
/// All [`ResolveError`]s at once; the list is never empty.
pub fn resolve(
    tenancy: &Tenancy,
    namespaces: &[NamespaceObject],
) -> Result<BTreeMap<TenantId, Vec<Namespace>>, Vec<ResolveError>> {
    let mut resolved: BTreeMap<TenantId, Vec<Namespace>> = BTreeMap::new();
    let mut owners: BTreeMap<Namespace, TenantId> = BTreeMap::new();
    let mut errors = Vec::new();
    let names: Vec<&str> = namespaces.iter().filter_map(|namespace| namespace.metadata.name.as_deref()).collect();
    for party in &tenancy.parties {
        let mut own = Vec::new();
        for namespace in &party.namespaces.names {
            if names.contains(&namespace.as_str()) {
                own.push(namespace.clone());
            } else {
                let nearest = Nearest::of(namespace.as_str(), names.iter().copied());
                errors.push(ResolveError::Missing { party: party.id.clone(), namespace: namespace.clone(), nearest });
            }
        }
        let wanted = &party.namespaces.match_labels;
        if !wanted.is_empty() {
            let selected = namespaces.iter().filter(|namespace| {
                let labels = namespace.metadata.labels.as_ref();
                wanted.iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
            });
            let before = own.len();
            own.extend(selected.filter_map(|namespace| namespace.metadata.name.as_deref()).map(Namespace::from));
            if own.len() == before {
                let labels = wanted.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",");
                errors.push(ResolveError::SelectsNothing { party: party.id.clone(), labels });
            }
        }
        own.sort();
        own.dedup();
        for namespace in &own {
            if let Some(first) = owners.insert(namespace.clone(), party.id.clone()) {
                errors.push(ResolveError::Shared { namespace: namespace.clone(), first, second: party.id.clone() });
            }
        }
        resolved.insert(party.id.clone(), own);
    }
    if errors.is_empty() { Ok(resolved) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8s_openapi::api::core::v1::Namespace as NamespaceObject;
    use rstest::rstest;
    use serde_json::json;

    use super::{ResolveError, resolve};
    use crate::tenancy::{
        CloudPromise, Internal, NamespaceSelector, Party, PartyKind, Share, Subjects, Tenancy, TenantCloud,
    };

    fn party(id: &str, names: &[&str], labels: &[(&str, &str)]) -> Party {
        Party {
            id: id.into(),
            kind: PartyKind::Tenant,
            tier: None,
            namespaces: NamespaceSelector {
                names: names.iter().map(|name| (*name).into()).collect(),
                match_labels: labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            },
            roles: Vec::new(),
            internal: Internal::Unjudged,
            subjects: Subjects::default(),
            share: Share::default(),
            cloud: TenantCloud::default(),
        }
    }

    fn cluster() -> Vec<NamespaceObject> {
        [("a-web", "a"), ("a-jobs", "a"), ("b", "b")]
            .iter()
            .map(|(name, tenant)| {
                serde_json::from_value(json!({"metadata": {"name": name, "labels": {"tenant": tenant}}})).unwrap()
            })
            .collect()
    }

    #[rstest]
    #[case::by_name(&["b"], &[], Ok(vec!["b"]))]
    #[case::by_label(&[], &[("tenant", "a")], Ok(vec!["a-jobs", "a-web"]))]
    #[case::by_both(&["a-web"], &[("tenant", "b")], Ok(vec!["a-web", "b"]))]
    #[case::misspelt(&["a-webb"], &[], Err("did you mean `a-web`?"))]
    #[case::no_such_label(&[], &[("tenant", "c")], Err("carries the labels of `x`: tenant=c"))]
    fn a_party_finds_its_namespaces(
        #[case] names: &[&str],
        #[case] labels: &[(&str, &str)],
        #[case] expected: Result<Vec<&str>, &str>,
    ) {
        let tenancy = Tenancy {
            name: String::new(),
            parties: vec![party("x", names, labels)],
            flows: Vec::new(),
            admission: Vec::new(),
            audit: None,
            operators: None,
            cloud: CloudPromise::default(),
        };
        match (resolve(&tenancy, &cluster()), expected) {
            (Ok(found), Ok(expected)) => {
                let expected = BTreeMap::from([("x".into(), expected.into_iter().map(Into::into).collect())]);
                assert_eq!(found, expected);
            }
            (Err(errors), Err(text)) => assert!(errors[0].to_string().contains(text), "{errors:?}"),
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn a_namespace_of_two_parties_is_an_error() {
        let parties = vec![party("x", &["b"], &[]), party("y", &[], &[("tenant", "b")])];
        let (flows, admission) = (Vec::new(), Vec::new());
        let cloud = CloudPromise::default();
        let tenancy = Tenancy { name: String::new(), parties, flows, admission, audit: None, operators: None, cloud };
        let errors = resolve(&tenancy, &cluster()).unwrap_err();
        assert!(matches!(&errors[..], [ResolveError::Shared { .. }]), "{errors:?}");
    }
}
