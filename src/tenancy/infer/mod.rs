//! A first draft of a tenancy from what the labels and policies of a cluster tell.
//!
//! A draft proposes and never blesses: flows that policies open are proposed apart from the
//! tenancy, and whatever was assumed becomes a note.

mod flows;
mod parties;
mod roles;
mod selector;

use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use miette::Diagnostic;

use super::cloud::CloudPromise;
use super::types::{Flow, Party, Tenancy};
use crate::model::Nearest;

/// How a tenancy is drawn up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InferOptions {
    /// The tenancy's name, such as that of the cluster.
    pub name: String,
    /// The label of namespaces that tells tenants; `None` for the first well-known one.
    pub tenant_label: Option<String>,
    /// The label of namespaces that tells tiers; `None` for the first well-known one.
    pub tier_label: Option<String>,
    /// Whether flows that policies open are declared as they are, without anybody's confirmation.
    pub declare_flows: bool,
}

/// A tenancy that was drawn up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inferred {
    /// The tenancy. It has flows only where [`InferOptions::declare_flows`] asks for them.
    pub tenancy: Tenancy,
    /// Flows that policies open, each with the policies' names: to be confirmed.
    pub proposed: Vec<Flow>,
    /// What was assumed, left out or not understood: one sentence or two each.
    pub notes: Vec<String>,
}

/// Why no tenancy could be drawn up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum InferError {
    /// There are no namespaces but those of the system.
    #[error("the cluster has no namespaces but the system's own ({})", .left_out.join(", "))]
    #[diagnostic(
        code(tenantproof::init::no_namespaces),
        help("check that this is the cluster you mean; a tenant is told by its namespaces")
    )]
    NoNamespaces {
        /// The system's namespaces.
        left_out: Vec<String>,
    },
    /// No namespace carries the label that was asked for.
    #[error("no namespace carries the label `{label}`{nearest} Labels that occur: {}", .seen.join(", "))]
    #[diagnostic(
        code(tenantproof::init::unknown_label),
        help("name the label that tells your tenants, or leave it out: the well-known ones are looked for")
    )]
    UnknownLabel {
        /// The label.
        label: String,
        /// The nearest that occurs.
        nearest: Nearest,
        /// All that occur.
        seen: Vec<String>,
    },
    /// There is only one party.
    #[error("only one tenant was found, `{party}`, and nothing shared, so there would be nothing to judge")]
    #[diagnostic(
        code(tenantproof::init::only_one_party),
        help("name the label of namespaces that tells your tenants apart")
    )]
    OnlyOneParty {
        /// The party.
        party: String,
    },
}

/// Draws up a tenancy from a cluster's namespaces, pods and policies. Pure: the same objects give
/// the same draft.
///
/// # Errors
/// Where the namespaces tell no two parties apart.
pub fn infer(
    namespaces: &[Namespace],
    pods: &[Pod],
    policies: &[NetworkPolicy],
    options: &InferOptions,
) -> Result<Inferred, InferError> {
    let mut notes = Vec::new();
    let mut drawn = parties::draw(namespaces, policies, options, &mut notes)?;
    roles::find(&mut drawn, pods, policies);
    let proposed = flows::propose(&drawn, policies, &mut notes);
    let parties: Vec<Party> = drawn.into_iter().map(|drawn| drawn.party).collect();
    let (flows, proposed) = if options.declare_flows { (proposed, Vec::new()) } else { (Vec::new(), proposed) };
    if !flows.is_empty() {
        notes.push(format!("{} found in policies and declared as they are: read each `why`.", flows_are(flows.len())));
    }
    let (name, admission) = (options.name.clone(), Vec::new());
    let tenancy =
        Tenancy { name, parties, flows, admission, audit: None, operators: None, cloud: CloudPromise::default() };
    Ok(Inferred { tenancy, proposed, notes })
}

fn flows_are(count: usize) -> String {
    if count == 1 { "1 flow was".to_owned() } else { format!("{count} flows were") }
}

/// A party with the namespaces that it has now.
struct Drawn<'a> {
    party: Party,
    namespaces: Vec<Known<'a>>,
}

/// A namespace's name and labels.
#[derive(Clone, Copy)]
struct Known<'a> {
    name: &'a str,
    labels: Labels<'a>,
}

/// The label that the API server gives each namespace: its name. Manifests don't show it.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

impl Known<'_> {
    /// Whether the namespace has all of `set`.
    fn carries(&self, set: &std::collections::BTreeMap<String, String>) -> bool {
        set.iter().all(|(key, value)| {
            let label = if key == NAME_LABEL { Some(self.name) } else { self.labels.get(key).map(String::as_str) };
            label == Some(value)
        })
    }
}

/// The labels of an object.
type Labels<'a> = &'a std::collections::BTreeMap<String, String>;

impl Drawn<'_> {
    fn has(&self, namespace: &str) -> bool {
        self.namespaces.iter().any(|known| known.name == namespace)
    }
}
