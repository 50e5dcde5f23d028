//! What is asked of the API server, as data: `tenantproof permissions` prints it.

/// One rule: what may be done to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// The resources, with subresources written `pods/log`.
    pub resources: &'static [&'static str],
    /// The verbs.
    pub verbs: &'static [&'static str],
    /// Why a run needs it.
    pub why: &'static str,
}

impl Permission {
    /// A rule for what is read and never written.
    #[must_use]
    pub const fn read(group: &'static str, resources: &'static [&'static str], why: &'static str) -> Self {
        Self { group, resources, verbs: &["get", "list"], why }
    }
}
