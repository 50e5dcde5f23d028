//! Scanning what was read: the only part of this family with I/O, and the only one in which a value is at
//! hand. It draws the run's salt and canaries, and keeps neither.

use std::collections::BTreeMap;

use futures::future::LocalBoxFuture;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::parameters::Look;
use super::plan::CredentialsPlan;
use super::reads::{CONFIG_MAPS, READS, SECRETS};
use super::seen::{Credential, NamespaceSeen, Scanned, Seen, TokenSecret};
use super::tokens::names::{name_of, owner_of};
use super::tokens::{self, Bindings};
use crate::cluster::{ClusterError, read_objects};
use crate::families::{Coverage, FamilyPlan, Field, Observed, Stage};
use crate::model::Namespace;
use crate::plan::Case;
use crate::semantics::credentials::canary::{self, Place};
use crate::semantics::credentials::objects::{self, SecretTexts, Siblings};
use crate::semantics::credentials::{Salt, Scanner};
use crate::semantics::kinds::{CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS, SERVICE_ACCOUNTS};
use crate::semantics::{ObjectKind, Snapshot};

/// The type of a Secret that holds a service account's token.
const TOKEN_TYPE: &str = "kubernetes.io/service-account-token";

impl FamilyPlan for CredentialsPlan {
    fn cases(&self) -> &[Case] {
        &self.cases
    }

    fn coverage(&self) -> Coverage {
        let images = "what images hold, such as variables set in a Dockerfile: the API server does not tell it";
        Coverage { not_tried: vec![images.to_owned()], ..Coverage::default() }
    }

    fn namespaces(&self) -> Vec<Namespace> {
        // Nothing is made: nothing is claimed.
        Vec::new()
    }

    fn observe<'a>(&'a self, field: Field<'a>) -> LocalBoxFuture<'a, Result<Observed, ClusterError>> {
        Box::pin(async move {
            field.witness.began(Stage::Observe, self.namespaces.len());
            let mut secrets = Snapshot::default();
            if field.read_secrets && self.wants_secrets {
                read_objects(field.client, &[SECRETS], &self.namespaces, &mut secrets).await;
            }
            let mut seen = scan_all(self, field.snapshot, &secrets);
            seen.told_to_read_secrets = field.read_secrets;
            let found: usize = seen.namespaces.values().map(count).sum();
            field.witness.ended(Stage::Observe, format!("{found} credentials found"));
            // Writing what holds no value to memory can't fail.
            let observations = serde_json::to_value(&seen).unwrap_or_default();
            Ok(Observed { observations, remarks: Vec::new() })
        })
    }
}

fn count(seen: &NamespaceSeen) -> usize {
    [&seen.pods, &seen.config_maps, &seen.secrets].into_iter().map(|scanned| scanned.found.len()).sum()
}

/// Scans everything, with a salt and canaries that end with this function.
fn scan_all(plan: &CredentialsPlan, snapshot: &Snapshot, secrets: &Snapshot) -> Seen {
    let (mut salt, mut random) = ([0; 32], [0; 32]);
    if let Err(error) = getrandom::fill(&mut salt).and_then(|()| getrandom::fill(&mut random)) {
        let fault = Some(format!("the operating system gives no random bytes: {error}"));
        return Seen { fault, ..Seen::default() };
    }
    let salt = Salt::new(salt);
    let scanner = Scanner::new(&salt);
    let mut seen = Seen::default();
    let canaries = canary::of_each_kind(&random);
    for (look, place) in
        [(Look::Pods, Place::Pod), (Look::ConfigMaps, Place::ConfigMap), (Look::Secrets, Place::Secret)]
    {
        seen.canaries.insert(look, canaries.len());
        seen.missed.insert(look, canary::missed(&scanner, place, &canaries));
    }
    for look in [Look::UnneededTokens, Look::TokenLifetimes] {
        seen.canaries.insert(look, 2);
        seen.missed.insert(look, tokens::missed_canaries());
    }
    let world = World {
        scanner,
        snapshot,
        secrets,
        config_maps: snapshot.typed(&CONFIG_MAPS),
        accounts: snapshot.typed(&SERVICE_ACCOUNTS),
        bindings: Bindings {
            in_namespaces: snapshot.typed(&ROLE_BINDINGS),
            in_cluster: snapshot.typed(&CLUSTER_ROLE_BINDINGS),
        },
    };
    seen.namespaces = plan.namespaces.iter().map(|namespace| (namespace.clone(), world.look_into(namespace))).collect();
    seen
}

/// All that is looked into.
struct World<'a> {
    scanner: Scanner<'a>,
    snapshot: &'a Snapshot,
    secrets: &'a Snapshot,
    config_maps: Vec<ConfigMap>,
    accounts: Vec<ServiceAccount>,
    bindings: Bindings,
}

impl World<'_> {
    fn look_into(&self, namespace: &Namespace) -> NamespaceSeen {
        let of = |metadata: &ObjectMeta| metadata.namespace.as_deref() == Some(namespace.as_str());
        let mut seen = NamespaceSeen { unread: self.unread(namespace), ..NamespaceSeen::default() };

        let pods: Vec<&Pod> = self.snapshot.pods.iter().filter(|pod| of(&pod.metadata)).collect();
        for pod in &pods {
            self.scan(&mut seen.pods, "Pod", namespace, &pod.metadata, &objects::of_pod(pod));
        }
        seen.tokens = tokens::of_pods(namespace.as_str(), pods, &self.bindings);

        for map in self.config_maps.iter().filter(|map| of(&map.metadata)) {
            self.scan(&mut seen.config_maps, "ConfigMap", namespace, &map.metadata, &objects::of_config_map(map));
            seen.config_maps.opaque += objects::opaque(map);
        }

        seen.token_secrets = tokens::named_by_accounts(self.accounts.iter().filter(|account| of(&account.metadata)));
        for secret in self.secrets.raw(&SECRETS) {
            let here = secret.pointer("/metadata/namespace").and_then(serde_json::Value::as_str);
            if here == Some(namespace.as_str()) {
                self.look_into_secret(&mut seen, namespace, &SecretTexts::of(secret));
            }
        }
        seen
    }

    fn look_into_secret(&self, seen: &mut NamespaceSeen, namespace: &Namespace, secret: &SecretTexts) {
        if secret.kind == TOKEN_TYPE {
            // Its token is what it is for, and has a check of its own.
            seen.token_secrets.retain(|other| other.name != secret.name);
            let because = format!("its type is {TOKEN_TYPE}");
            seen.token_secrets.push(TokenSecret { name: secret.name.clone(), because });
            return;
        }
        seen.secrets.opaque += secret.opaque;
        let metadata = ObjectMeta { name: Some(secret.name.clone()), ..ObjectMeta::default() };
        self.scan(&mut seen.secrets, "Secret", namespace, &metadata, &secret.fields());
    }

    fn scan(
        &self,
        into: &mut Scanned,
        kind: &str,
        namespace: &Namespace,
        metadata: &ObjectMeta,
        texts: &[Siblings<'_>],
    ) {
        into.objects += 1;
        into.texts += texts.iter().map(Vec::len).sum::<usize>();
        let object = format!("{kind} {namespace}/{}", name_of(metadata));
        let owner = owner_of(metadata);
        let by_another = owner != name_of(metadata);
        for found in texts.iter().flat_map(|siblings| self.scanner.scan(siblings)) {
            let alike = |other: &&mut Credential| by_another && other.found == found && other.owner == owner;
            match into.found.iter_mut().find(alike) {
                Some(other) => other.alike += 1,
                None => into.found.push(Credential { object: object.clone(), owner: owner.clone(), alike: 0, found }),
            }
        }
    }

    /// The kinds that could not be read in a namespace, each by its plural, and why.
    fn unread(&self, namespace: &Namespace) -> BTreeMap<String, String> {
        let mut unread = BTreeMap::new();
        let here = Some(namespace.as_str());
        for kind in READS {
            let why = |snapshot: &Snapshot, kind: &ObjectKind| snapshot.why_unread(kind, here).map(str::to_owned);
            if let Some(why) = why(self.snapshot, kind).or_else(|| why(self.secrets, kind)) {
                unread.insert(kind.plural.to_owned(), why);
            }
        }
        let pods =
            self.snapshot.unreadable.iter().find(|one| one.resource == "pods" && one.namespace.as_deref() == here);
        unread.extend(pods.map(|one| ("pods".to_owned(), one.why.clone())));
        unread
    }
}
