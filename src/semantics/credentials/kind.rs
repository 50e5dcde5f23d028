//! The kinds of credentials, and what is known of each from its text alone.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// An AWS access key id: `AKIA…` of an IAM user, which lasts; `ASIA…` of a session, which does not.
    AwsAccessKeyId,
    /// The secret that belongs to an AWS access key id.
    AwsSecretAccessKey,
    /// The session token that belongs to a temporary AWS access key.
    AwsSessionToken,
    /// The JSON key of a Google Cloud service account.
    GcpServiceAccountKey,
    /// The account key or shared access key of an Azure connection string.
    AzureConnectionString,
    /// A GitHub token.
    GithubToken,
    /// A GitLab token.
    GitlabToken,
    /// A Slack token.
    SlackToken,
    /// A Stripe secret or restricted key.
    StripeKey,
    /// A private key in PEM.
    PrivateKey,
    /// A token of a Kubernetes service account.
    ServiceAccountToken,
    /// Another JSON web token.
    JsonWebToken,
    /// A login for an image registry, as `docker login` keeps it.
    RegistryLogin,
    /// A password in a URL.
    UrlPassword,
    /// A value under a name that says password, secret, token or key.
    NamedSecret,
}

impl CredentialKind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::AwsAccessKeyId,
        Self::AwsSecretAccessKey,
        Self::AwsSessionToken,
        Self::GcpServiceAccountKey,
        Self::AzureConnectionString,
        Self::GithubToken,
        Self::GitlabToken,
        Self::SlackToken,
        Self::StripeKey,
        Self::PrivateKey,
        Self::ServiceAccountToken,
        Self::JsonWebToken,
        Self::RegistryLogin,
        Self::UrlPassword,
        Self::NamedSecret,
    ];

    /// What people call it, with its article.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::AwsAccessKeyId => "an AWS access key id",
            Self::AwsSecretAccessKey => "an AWS secret access key",
            Self::AwsSessionToken => "an AWS session token",
            Self::GcpServiceAccountKey => "a Google Cloud service account key",
            Self::AzureConnectionString => "an Azure account key",
            Self::GithubToken => "a GitHub token",
            Self::GitlabToken => "a GitLab token",
            Self::SlackToken => "a Slack token",
            Self::StripeKey => "a Stripe key",
            Self::PrivateKey => "a private key",
            Self::ServiceAccountToken => "a service account token",
            Self::JsonWebToken => "a JSON web token",
            Self::RegistryLogin => "a registry login",
            Self::UrlPassword => "a password in a URL",
            Self::NamedSecret => "a secret by its name",
        }
    }

    /// Whether a Secret is where it belongs, as far as anything long-lived belongs somewhere: a password of
    /// a database or a TLS key has no better place in Kubernetes, while the key of a cloud or of a service
    /// has one (a role that the workload assumes).
    #[must_use]
    pub const fn belongs_in_a_secret(self) -> bool {
        matches!(
            self,
            Self::PrivateKey | Self::JsonWebToken | Self::RegistryLogin | Self::UrlPassword | Self::NamedSecret
        )
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// How certain it is that a text is a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// Its own shape says so.
    Certain,
    /// Its name, or what stands beside it, says so.
    Likely,
}

/// How long a credential lasts, as far as its text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Lasting {
    /// Until somebody revokes it, or longer than a day.
    LongLived,
    /// It ends by itself within a day and a half: a session's key, a token that says when it ends.
    Temporary,
}
