//! The ways that a record goes before it can be read, and what of each is known beforehand. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// By which way a record comes to where it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// A file that the API server writes: one for each API server.
    File,
    /// The API servers post it in batches.
    Webhook,
    /// EKS takes it to CloudWatch Logs, by best effort.
    CloudWatch,
}

impl Way {
    /// Within which time it is promised where the tenancy says nothing, in milliseconds. An API server waits up to 30 s for a
    /// batch to fill before it posts it (`--audit-webhook-batch-max-wait`), and AWS speaks of a few minutes.
    #[must_use]
    pub const fn within_ms(self) -> u64 {
        match self {
            Self::File => 30_000,
            Self::Webhook => 60_000,
            Self::CloudWatch => 300_000,
        }
    }

    /// How long it is waited for at least, however soon it is promised, in milliseconds: what comes late is told from what
    /// does not come only by waiting.
    #[must_use]
    pub const fn patience_ms(self) -> u64 {
        match self {
            Self::File => 0,
            Self::Webhook | Self::CloudWatch => self.within_ms(),
        }
    }

    /// In words, after "on record".
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Self::File => "",
            Self::Webhook => " at the webhook",
            Self::CloudWatch => " in CloudWatch Logs",
        }
    }
}
