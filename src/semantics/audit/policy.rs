//! An audit policy as it is written.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::AuditLevel;

/// An audit policy: the first rule that matches a request decides what is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The rules, in their order.
    pub rules: Vec<Rule>,
    /// Stages that are left out of everything.
    pub omit_stages: BTreeSet<Stage>,
}

/// One rule. A list that is empty asks for nothing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// What is kept.
    pub level: AuditLevel,
    /// Users, as the API server knows them; before any impersonation.
    #[serde(default)]
    pub users: Vec<String>,
    /// Groups; one of them is enough.
    #[serde(default)]
    pub user_groups: Vec<String>,
    /// Verbs.
    #[serde(default)]
    pub verbs: Vec<String>,
    /// Resources.
    #[serde(default)]
    pub resources: Vec<GroupResources>,
    /// Namespaces; the empty one stands for what belongs to none.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// Paths that are no resource's.
    #[serde(default, rename = "nonResourceURLs")]
    pub non_resource_urls: Vec<String>,
    /// Stages that are left out, beside the policy's own.
    #[serde(default)]
    pub omit_stages: BTreeSet<Stage>,
}

/// Resources of one API group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupResources {
    /// The group; empty for the core group.
    #[serde(default)]
    pub group: String,
    /// `pods`, `pods/log`, `pods/*`, `*/status` or `*`; empty for all.
    #[serde(default)]
    pub resources: Vec<String>,
    /// Names of objects; empty for all.
    #[serde(default)]
    pub resource_names: Vec<String>,
}

/// When an event is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Stage {
    /// When the request came, before anything was done.
    RequestReceived,
    /// When the head of a long answer was sent.
    ResponseStarted,
    /// When the answer was complete.
    ResponseComplete,
    /// When the API server panicked.
    Panic,
}

/// Why a file is no audit policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It is not YAML of that shape.
    #[error("it is no audit policy: {0}")]
    Shape(String),
    /// It is of another kind or version.
    #[error("it is a `{kind}` of `{api_version}`; expected a `Policy` of `audit.k8s.io/v1`")]
    Kind {
        /// Its `kind`.
        kind: String,
        /// Its `apiVersion`.
        api_version: String,
    },
    /// It has no rules, which no API server takes.
    #[error("it has no rules; an API server takes none without")]
    Empty,
    /// A rule that an API server does not take.
    #[error("rule {rule} {why}")]
    Rule {
        /// Its number, from 1.
        rule: usize,
        /// What is wrong with it.
        why: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    omit_stages: BTreeSet<Stage>,
}

impl Policy {
    /// Reads a policy. Unknown fields are passed over, as the API server does.
    ///
    /// # Errors
    /// [`PolicyError`] for what the API server would not take either.
    pub fn read(text: &str) -> Result<Self, PolicyError> {
        let file: File = serde_saphyr::from_str(text).map_err(|error| PolicyError::Shape(error.to_string()))?;
        if (file.api_version.as_str(), file.kind.as_str()) != ("audit.k8s.io/v1", "Policy") {
            return Err(PolicyError::Kind { kind: file.kind, api_version: file.api_version });
        }
        if file.rules.is_empty() {
            return Err(PolicyError::Empty);
        }
        for (index, rule) in file.rules.iter().enumerate() {
            if let Some(why) = rule.fault() {
                return Err(PolicyError::Rule { rule: index + 1, why });
            }
        }
        Ok(Self { rules: file.rules, omit_stages: file.omit_stages })
    }
}

impl Rule {
    /// What `ValidatePolicy` refuses.
    fn fault(&self) -> Option<&'static str> {
        let of_resources = !self.resources.is_empty() || !self.namespaces.is_empty();
        if of_resources && !self.non_resource_urls.is_empty() {
            return Some("names resources and paths; a rule is for one of the two");
        }
        if self.resources.iter().any(|one| one.resources.is_empty() && !one.resource_names.is_empty()) {
            return Some("names objects without their resource");
        }
        if self.resources.iter().any(|one| !one.group.is_empty() && !is_subdomain(&one.group)) {
            return Some("has an API group that is none; a group is named without its version");
        }
        let path = |path: &String| {
            path == "*" || (path.starts_with('/') && path.find('*').is_none_or(|star| star + 1 == path.len()))
        };
        if !self.non_resource_urls.iter().all(path) {
            return Some("has a path that does not begin with `/`, or has a `*` before its end");
        }
        None
    }
}

/// As `IsDNS1123Subdomain` has it.
fn is_subdomain(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let word = |word: &str| {
        word.bytes().all(|byte| letter(byte) || byte == b'-')
            && word.bytes().next().is_some_and(letter)
            && word.bytes().next_back().is_some_and(letter)
    };
    text.len() <= 253 && text.split('.').all(word)
}
