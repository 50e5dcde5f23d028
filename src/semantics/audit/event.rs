//! One event of an audit log, as far as it matters here: bodies are known to be there or not, and never kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::policy::Stage;
use crate::model::AuditLevel;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its id: all stages of a request have the same.
    #[serde(default, rename = "auditID")]
    pub audit_id: String,
    /// How much of the request is kept.
    pub level: AuditLevel,
    /// When it was written.
    pub stage: Stage,
    /// Path and query of the request.
    #[serde(default, rename = "requestURI")]
    pub request_uri: String,
    /// The verb.
    #[serde(default)]
    pub verb: String,
    /// Who asked.
    #[serde(default)]
    pub user: Person,
    /// As whom, where somebody else's name was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impersonated_user: Option<Person>,
    /// What it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_ref: Option<Reference>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_status: Option<Outcome>,
    /// Whether the body of the request is there.
    #[serde(default, deserialize_with = "present")]
    pub request_object: bool,
    /// Whether the body of the response is there.
    #[serde(default, deserialize_with = "present")]
    pub response_object: bool,
    /// When the request came: RFC 3339, by the API server's clock.
    #[serde(default)]
    pub request_received_timestamp: String,
    /// When this stage came, by the same clock.
    #[serde(default)]
    pub stage_timestamp: String,
    /// What authorizers and admission have noted.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// Somebody, as the API server knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The name.
    #[serde(default)]
    pub username: String,
    /// The groups.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// What a request was about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    /// The resource.
    #[serde(default)]
    pub resource: String,
    /// The namespace.
    #[serde(default)]
    pub namespace: String,
    /// The object's name.
    #[serde(default)]
    pub name: String,
    /// The API group.
    #[serde(default)]
    pub api_group: String,
    /// The subresource.
    #[serde(default)]
    pub subresource: String,
}

/// What came of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The HTTP status.
    #[serde(default)]
    pub code: u16,
    /// The API server's words.
    #[serde(default)]
    pub message: String,
}

impl Event {
    /// Reads one line of a log.
    ///
    /// # Errors
    /// What is wrong with it: cut short, not JSON, or no event.
    pub fn read(line: &str) -> Result<Self, String> {
        serde_json::from_str(line).map_err(|error| error.to_string())
    }
}

/// A body is there or not; `true` and `false` are what an event that was kept says itself.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Body {
        Kept(bool),
        There(serde::de::IgnoredAny),
    }
    Ok(match Option::<Body>::deserialize(deserializer)? {
        None => false,
        Some(Body::Kept(kept)) => kept,
        Some(Body::There(_)) => true,
    })
}
