//! What a check of this family says in its suite: where is looked, and for what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where is looked, and for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CredentialsParameters {
    /// `pods`, `config-maps` or `secrets` are scanned for credentials; `unneeded-tokens`, `token-lifetimes`
    /// and `token-secrets` are about service accounts' tokens.
    pub look: Look,
    /// For `token-lifetimes`: the most seconds that a token may live; a day where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_seconds: Option<u32>,
    /// For `token-lifetimes`: what this cluster's API server makes of the 3607 seconds that pods ask for by
    /// default. Where nothing is said it is unknown, since no object tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_becomes_seconds: Option<u32>,
}

/// Where is looked, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Look {
    /// Pods: environment, arguments, annotations.
    Pods,
    /// The namespace's `ConfigMap`s.
    ConfigMaps,
    /// Secrets, where the run was told to read them.
    Secrets,
    /// Tokens of the API server in pods whose service account nothing binds.
    UnneededTokens,
    /// How long the tokens live that pods ask for.
    TokenLifetimes,
    /// Secrets that hold a service account's token, which never ends.
    TokenSecrets,
}

impl Look {
    /// The resource that is looked at, as case ids name it.
    pub(super) const fn resource(self) -> &'static str {
        match self {
            Self::Pods | Self::UnneededTokens | Self::TokenLifetimes => "pods",
            Self::ConfigMaps => "configmaps",
            Self::Secrets => "secrets",
            Self::TokenSecrets => "serviceaccounts",
        }
    }

    /// What holds where a case passes: the end of a sentence that begins with the namespace.
    pub(super) const fn promise(self) -> &'static str {
        match self {
            Self::Pods => "has no long-lived credential in the text of its pods",
            Self::ConfigMaps => "has no long-lived credential in its ConfigMaps",
            Self::Secrets => "keeps no long-lived key of a cloud or service in its Secrets",
            Self::UnneededTokens => "has no pod that holds a token of the API server without need",
            Self::TokenLifetimes => "has no pod whose token lives too long",
            Self::TokenSecrets => "has no Secret that holds a service account's token",
        }
    }
}
