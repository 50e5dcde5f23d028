//! The repository's own sample, `kind-configs/story`, in namespaces of a test's own.

use super::Lab;
use super::story::{prefix, remove};

const TENANCY: &str = include_str!("../../../kind-configs/story/tenancy.yaml");
const WORKLOADS: &str = include_str!("../../../kind-configs/story/workloads.yaml");
const PARTIES: [&str; 4] = ["tenant-1", "tenant-2", "basic", "backend"];

/// The sample, removed at the end.
pub(crate) struct Sample<'a> {
    lab: &'a Lab,
    namespaces: Vec<String>,
    /// Its tenancy file.
    pub(crate) tenancy: String,
}

impl<'a> Sample<'a> {
    /// Applies the sample with other names for its parties, on every lab the same ones.
    pub(crate) fn new(lab: &'a Lab, name: &str) -> Self {
        let prefix = prefix(name);
        let rename = |text: &str| {
            PARTIES.iter().fold(text.to_owned(), |text, party| text.replace(party, &format!("{prefix}-{party}")))
        };
        let namespaces = PARTIES.iter().map(|party| rename(party)).collect();
        let sample = Self { lab, namespaces, tenancy: rename(TENANCY) };
        lab.apply(&rename(WORKLOADS));
        sample
    }
}

impl Drop for Sample<'_> {
    fn drop(&mut self) {
        remove(self.lab, &self.namespaces.iter().collect::<Vec<_>>());
    }
}
