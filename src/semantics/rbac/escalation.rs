//! Grants by which a subject gets more than it was granted: a catalogue, and who has them.
//!
//! Sources: Kubernetes' "RBAC good practices", the checks of the API server that these verbs lift
//! (`pkg/registry/rbac/escalation_check.go`, `k8s.io/apiserver/pkg/endpoints/filters/impersonation.go`), and the resources'
//! own documentation.

use std::collections::BTreeSet;

use super::request::Scope;
use super::standing::Standing;
use super::survey::{Action, Reached, Survey};
use super::{API_GROUP, Rules};

/// Where a grant is dangerous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Where {
    /// In whichever scope: its own namespace, too.
    Anywhere,
    /// For the whole cluster: the resource is cluster-scoped.
    Cluster,
    /// In a namespace that is another's, or for the whole cluster. In one's own it is everyday work.
    Elsewhere,
}

/// A dangerous grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Danger {
    /// Its name, which stays the same.
    pub id: &'static str,
    /// The verbs; each is dangerous alone.
    pub verbs: &'static [&'static str],
    /// The API group; empty for the core group.
    pub api_group: &'static str,
    /// The resources, subresources as `pods/exec`; each is dangerous alone.
    pub resources: &'static [&'static str],
    /// Where.
    pub place: Where,
    /// Why it matters to tenants.
    pub why: &'static str,
}

const WRITE: &[&str] = &["create", "update", "patch"];
const CHANGE: &[&str] = &["update", "patch"];
const READ: &[&str] = &["get", "list", "watch"];

/// All of them.
pub const DANGERS: [Danger; 26] = [
    Danger {
        id: "escalate-roles",
        verbs: &["escalate"],
        api_group: API_GROUP,
        resources: &["roles", "clusterroles"],
        place: Where::Anywhere,
        why: "It lifts the API server's check that a role grants no more than its author has: with create or update, \
              everything.",
    },
    Danger {
        id: "bind-roles",
        verbs: &["bind"],
        api_group: API_GROUP,
        resources: &["roles", "clusterroles"],
        place: Where::Anywhere,
        why: "It lifts the check that a binding grants no more than its author has: the role, cluster-admin too, can be \
              bound to oneself.",
    },
    Danger {
        id: "write-bindings",
        verbs: WRITE,
        api_group: API_GROUP,
        resources: &["rolebindings", "clusterrolebindings"],
        place: Where::Elsewhere,
        why: "Whatever its author has can be given to anybody, past the fence of a namespace.",
    },
    Danger {
        id: "write-roles",
        verbs: WRITE,
        api_group: API_GROUP,
        resources: &["roles", "clusterroles"],
        place: Where::Elsewhere,
        why: "What others are bound to can be widened by what its author has.",
    },
    Danger {
        id: "impersonate",
        verbs: &["impersonate"],
        api_group: "",
        resources: &["users", "groups", "serviceaccounts"],
        place: Where::Anywhere,
        why: "Requests can be made as somebody else; as a member of system:masters, everything.",
    },
    Danger {
        id: "impersonate-attributes",
        verbs: &["impersonate"],
        api_group: "authentication.k8s.io",
        resources: &["uids", "userextras/*"],
        place: Where::Anywhere,
        why: "With a user's, an impersonation can carry the UID or the extra fields that webhooks and audit rely on.",
    },
    Danger {
        id: "issue-tokens",
        verbs: &["create"],
        api_group: "",
        resources: &["serviceaccounts/token"],
        place: Where::Anywhere,
        why: "A token of a service account makes one that service account, for as long as it lives and from anywhere.",
    },
    Danger {
        id: "exec",
        verbs: &["create", "get"],
        api_group: "",
        resources: &["pods/exec", "pods/attach"],
        place: Where::Elsewhere,
        why: "Commands run inside the pod, with its credentials, secrets and network. get suffices for WebSockets unless \
              the API server asks for create, as it does from v1.35 on.",
    },
    Danger {
        id: "port-forward",
        verbs: &["create", "get"],
        api_group: "",
        resources: &["pods/portforward"],
        place: Where::Elsewhere,
        why: "Connections reach the pod from its own node, past every NetworkPolicy.",
    },
    Danger {
        id: "debug-pods",
        verbs: CHANGE,
        api_group: "",
        resources: &["pods/ephemeralcontainers"],
        place: Where::Elsewhere,
        why: "A container of one's own choice starts inside the pod, and sees its processes and volumes.",
    },
    Danger {
        id: "proxy-nodes",
        verbs: &["create", "get", "update", "patch", "delete"],
        api_group: "",
        resources: &["nodes/proxy"],
        place: Where::Cluster,
        why: "The kubelet's own API runs commands in every pod of the node; neither admission nor the audit log sees it.",
    },
    Danger {
        id: "proxy-pods-and-services",
        verbs: &["create", "get", "update", "patch", "delete"],
        api_group: "",
        resources: &["pods/proxy", "services/proxy"],
        place: Where::Elsewhere,
        why: "Requests reach the pod by way of the API server, past NetworkPolicies that trust it.",
    },
    Danger {
        id: "approve-certificates",
        verbs: CHANGE,
        api_group: "certificates.k8s.io",
        resources: &["certificatesigningrequests/approval"],
        place: Where::Cluster,
        why: "With approve on a signer, a certificate of almost any user can be had (not of system:masters), and none is \
              ever revoked.",
    },
    Danger {
        id: "sign-certificates",
        verbs: CHANGE,
        api_group: "certificates.k8s.io",
        resources: &["certificatesigningrequests/status"],
        place: Where::Cluster,
        why: "With sign on a signer, the certificate that a request gets can be chosen.",
    },
    Danger {
        id: "write-webhooks",
        verbs: &["create", "update", "patch", "delete"],
        api_group: "admissionregistration.k8s.io",
        resources: &["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
        place: Where::Cluster,
        why: "A webhook reads and changes every object that is written, Secrets too; without one, what it refused passes.",
    },
    Danger {
        id: "write-admission-policies",
        verbs: &["create", "update", "patch", "delete"],
        api_group: "admissionregistration.k8s.io",
        resources: &[
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
        ],
        place: Where::Cluster,
        why: "The rules that refuse what breaks a tenant's fence can be changed or taken away.",
    },
    Danger {
        id: "write-crds",
        verbs: &["create", "update", "patch", "delete"],
        api_group: "apiextensions.k8s.io",
        resources: &["customresourcedefinitions"],
        place: Where::Cluster,
        why: "A deleted definition takes every tenant's objects with it; a changed one sends them to a conversion webhook.",
    },
    Danger {
        id: "write-api-services",
        verbs: WRITE,
        api_group: "apiregistration.k8s.io",
        resources: &["apiservices"],
        place: Where::Cluster,
        why: "Requests for an API group, with the callers' identities, go to a server of one's own choice.",
    },
    Danger {
        id: "label-namespaces",
        verbs: CHANGE,
        api_group: "",
        resources: &["namespaces"],
        place: Where::Anywhere,
        why: "Labels of a namespace set its Pod Security level, and open NetworkPolicies and webhooks that select by them.",
    },
    Danger {
        id: "read-secrets",
        verbs: READ,
        api_group: "",
        resources: &["secrets"],
        place: Where::Elsewhere,
        why: "Secrets hold credentials, tokens of service accounts among them. list and watch show their content, too.",
    },
    Danger {
        id: "write-secrets",
        verbs: WRITE,
        api_group: "",
        resources: &["secrets"],
        place: Where::Elsewhere,
        why: "A Secret of the type service-account-token is filled with a token that never ends; others' credentials can \
              be replaced.",
    },
    Danger {
        id: "create-pods",
        verbs: &["create"],
        api_group: "",
        resources: &["pods", "replicationcontrollers"],
        place: Where::Elsewhere,
        why: "A pod takes any service account, Secret and volume of its namespace, and is inside its fences.",
    },
    Danger {
        id: "create-workloads",
        verbs: WRITE,
        api_group: "apps",
        resources: &["deployments", "daemonsets", "statefulsets", "replicasets"],
        place: Where::Elsewhere,
        why: "A workload creates pods: see create-pods.",
    },
    Danger {
        id: "create-jobs",
        verbs: WRITE,
        api_group: "batch",
        resources: &["jobs", "cronjobs"],
        place: Where::Elsewhere,
        why: "A job creates pods: see create-pods.",
    },
    Danger {
        id: "write-network-policies",
        verbs: &["create", "update", "patch", "delete", "deletecollection"],
        api_group: "networking.k8s.io",
        resources: &["networkpolicies"],
        place: Where::Elsewhere,
        why: "A policy that allows everything opens the namespace, whatever the others say; a deleted one no longer fences.",
    },
    Danger {
        id: "write-persistent-volumes",
        verbs: WRITE,
        api_group: "",
        resources: &["persistentvolumes"],
        place: Where::Cluster,
        why: "A volume of the type hostPath is a node's file system, past the Pod Security levels.",
    },
];

impl Danger {
    /// What it is made of, an action for each verb and resource. A subresource `*` stands for each of `keys`.
    fn actions<'a>(&'a self, keys: &'a BTreeSet<&'a str>) -> impl Iterator<Item = Action> + 'a {
        let action = |verb: &str, resource: &str, subresource: &str| Action {
            verb: verb.to_owned(),
            api_group: self.api_group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
        };
        let objects = self.resources.iter().flat_map(move |resource| match resource.split_once('/') {
            Some((resource, "*")) => keys.iter().map(|key| (resource, *key)).collect(),
            Some(parts) => vec![parts],
            None => vec![(*resource, "")],
        });
        objects.flat_map(move |(resource, sub)| self.verbs.iter().map(move |verb| action(verb, resource, sub)))
    }
}

/// A dangerous grant that a subject has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<'r> {
    /// Which.
    pub danger: &'static Danger,
    /// The verb and resource.
    pub action: Action,
    /// Where.
    pub scope: Scope<'r>,
    /// For which objects: never [`Reached::Nothing`].
    pub reached: Reached,
}

/// Finds dangerous grants, for many subjects.
#[derive(Clone, Debug)]
pub struct Catalogue<'r> {
    survey: Survey<'r>,
    /// The danger of each action.
    dangers: Vec<&'static Danger>,
}

impl<'r> Catalogue<'r> {
    /// Works out what each role has of the catalogue.
    #[must_use]
    pub fn new(rules: &'r Rules) -> Self {
        // The subresource of userextras is the key of the extra field: those that rules name, and one for all others.
        let entries = rules.roles.iter().flat_map(|role| &role.entries);
        let named = entries.flat_map(|entry| entry.rule.resources()).filter_map(|own| own.strip_prefix("userextras/"));
        let keys: BTreeSet<&str> = named.chain(["scopes"]).collect();
        let of =
            |danger: &'static Danger| danger.actions(&keys).map(move |action| (danger, action)).collect::<Vec<_>>();
        let (dangers, actions) = DANGERS.iter().flat_map(of).unzip();
        Self { survey: Survey::new(rules, actions), dangers }
    }

    /// What a subject has, in these namespaces and for the whole cluster; `home` are those that are its own. What it has
    /// for the whole cluster is told once, not for each namespace.
    #[must_use]
    pub fn of(&self, standing: &Standing<'r>, home: &[&str]) -> Vec<Found<'r>> {
        let reach = self.survey.of_standing(standing);
        let namespaces = reach.namespaces.keys().map(|namespace| Scope::Namespace(namespace));
        let scopes: Vec<Scope<'r>> = std::iter::once(Scope::Cluster).chain(namespaces).collect();
        let mut found = Vec::new();
        for (index, (danger, action)) in self.dangers.iter().zip(self.survey.actions()).enumerate() {
            let for_all = reach.reached(index, Scope::Cluster);
            for scope in &scopes {
                let counts = match (danger.place, scope) {
                    (Where::Cluster, Scope::Namespace(_)) => false,
                    (Where::Elsewhere, Scope::Namespace(namespace)) => !home.contains(namespace),
                    _ => true,
                };
                let reached = reach.reached(index, *scope);
                let told = *scope != Scope::Cluster && reached == for_all;
                if counts && !told && reached != Reached::Nothing {
                    found.push(Found { danger, action: action.clone(), scope: *scope, reached });
                }
            }
        }
        found
    }
}
