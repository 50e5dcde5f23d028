//! How each promise of this family is broken, and kept again: by an object that breaks it, which is made and
//! taken away. The keys in it are fakes, made from random bytes of whoever breaks it. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::parameters::Look;
use crate::model::Namespace;
use crate::semantics::credentials::CredentialKind;
use crate::semantics::credentials::canary::{self, Canary};

/// The name of what is planted.
const NAME: &str = "tenantproof-planted";

/// One way to break one promise.
pub struct Sabotage {
    /// Whose promise: that of the checks that look there.
    pub look: Look,
    /// What is planted, in one sentence without the value.
    pub description: String,
    /// Its kind.
    pub kind: CredentialKind,
    /// What is made, and taken away to keep the promise again.
    pub planted: ConfigMap,
}

/// Every kind of credential, planted into a ConfigMap of each of these namespaces.
#[must_use]
pub fn sabotages(namespaces: &[Namespace], random: &[u8; 32]) -> Vec<Sabotage> {
    let canaries = canary::of_each_kind(random);
    // A session's token is no long-lived credential: no promise is broken by it.
    let long = |canary: &&Canary| canary.kind != CredentialKind::AwsSessionToken;
    let of = |namespace: &Namespace, canary: &Canary| Sabotage {
        look: Look::ConfigMaps,
        description: format!("ConfigMap {namespace}/{NAME}: {} under {}", canary.kind, canary.name),
        kind: canary.kind,
        planted: ConfigMap {
            metadata: ObjectMeta {
                namespace: Some(namespace.to_string()),
                name: Some(NAME.to_owned()),
                ..ObjectMeta::default()
            },
            data: Some(BTreeMap::from([(canary.name.to_owned(), canary.text.clone())])),
            ..ConfigMap::default()
        },
    };
    namespaces
        .iter()
        .flat_map(|namespace| canaries.iter().filter(long).map(move |canary| of(namespace, canary)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::semantics::credentials::{Lasting, Salt, Scanner, objects};

    #[test]
    fn each_sabotage_is_found_and_breaks_the_promise_and_none_says_its_value() {
        let namespaces = [Namespace::new("a"), Namespace::new("b")];
        let all = sabotages(&namespaces, &[3; 32]);
        assert_eq!(all.len(), 2 * (CredentialKind::ALL.len() - 1));
        let salt = Salt::new([1; 32]);
        for sabotage in &all {
            let fields = objects::of_config_map(&sabotage.planted);
            let found: Vec<_> = fields.iter().flat_map(|fields| Scanner::new(&salt).scan(fields)).collect();
            assert!(
                found.iter().any(|one| one.kind == sabotage.kind && one.lasting == Lasting::LongLived),
                "{}: {found:?}",
                sabotage.description
            );
            for value in sabotage.planted.data.iter().flatten().map(|(_, value)| value) {
                assert!(!sabotage.description.contains(value), "{}", sabotage.description);
            }
        }
    }
}
