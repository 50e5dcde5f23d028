//! How much a run may take of the cluster that it judges.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much a run may take of the cluster that it judges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Tenants earn money here: what would take from them is a dry-run, or arithmetic.
    #[default]
    Production,
    /// The cluster says of itself that it may be thrown away: limits are really reached.
    Throwaway,
}

/// The label of the namespace `kube-system` by which a cluster says that it may be thrown away.
pub const THROWAWAY_LABEL: &str = "tenantproof.dev/throwaway";
