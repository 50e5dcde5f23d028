//! What a case asks of the EKS API's text.

use serde::{Deserialize, Serialize};

use crate::families::rbac::parameters::{Action, By, Place, Who};

/// What a case asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::families::rbac) struct Ask {
    /// What of the text.
    pub(super) by: By,
    /// About whom.
    pub(super) who: Who,
    /// Where.
    pub(super) place: Place,
    /// The namespaces in question; none for the whole cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) namespaces: Vec<String>,
    /// What must not be possible.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) actions: Vec<Action>,
}
