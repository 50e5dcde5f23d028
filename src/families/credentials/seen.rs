//! What was seen: places, kinds and fingerprints, never a value. Judging it again gives the same verdicts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::parameters::Look;
use crate::model::Namespace;
use crate::semantics::credentials::Found;

/// The observations of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// What was looked into, by namespace.
    pub namespaces: BTreeMap<Namespace, NamespaceSeen>,
    /// How many canaries were planted for each thing that is looked for, and in how many forms each.
    pub canaries: BTreeMap<Look, usize>,
    /// The canaries that were not found: what else was not found may be there all the same.
    pub missed: BTreeMap<Look, Vec<String>>,
    /// Whether the run was told to read Secrets.
    pub told_to_read_secrets: bool,
    /// Why nothing was scanned at all; `None` where all went well.
    pub fault: Option<String>,
}

/// One namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceSeen {
    /// Its pods.
    pub pods: Scanned,
    /// Its `ConfigMap`s.
    pub config_maps: Scanned,
    /// Its Secrets, as far as they were read.
    pub secrets: Scanned,
    /// The tokens that its pods hold.
    pub tokens: Vec<TokenSeen>,
    /// The Secrets that hold a service account's token.
    pub token_secrets: Vec<TokenSecret>,
    /// Kinds that could not be read, each by its plural, and why.
    pub unread: BTreeMap<String, String>,
}

/// What was scanned of one kind of object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scanned {
    /// Objects.
    pub objects: usize,
    /// Texts in them.
    pub texts: usize,
    /// Values that are no text and were not looked into.
    pub opaque: usize,
    /// What was found.
    pub found: Vec<Credential>,
}

/// A credential that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// The object, such as `ConfigMap shop/settings`.
    pub object: String,
    /// What made the object, such as `ReplicaSet web-5d`; the object itself where nothing did.
    pub owner: String,
    /// How many more objects of the same owner hold the same.
    pub alike: usize,
    /// Where in it, and what; in JSON its fields are this one's.
    #[serde(flatten)]
    pub found: Found,
}

/// A token that a pod asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSeen {
    /// The pod.
    pub pod: String,
    /// How many more pods of the same owner hold the same.
    pub alike: usize,
    /// Its service account.
    pub account: String,
    /// The volume that it comes by.
    pub volume: String,
    /// For whom it is; `None` for the API server.
    pub audience: Option<String>,
    /// How many seconds it was asked for.
    pub seconds: i64,
    /// What binds the service account, by name; `None` where nothing does.
    pub bound_by: Option<String>,
}

/// A Secret that holds a service account's token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSecret {
    /// The Secret's name.
    pub name: String,
    /// By what it is known: its own type, or the service account that names it.
    pub because: String,
}
