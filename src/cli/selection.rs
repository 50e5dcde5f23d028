//! What of the suites and of the tenancy a run is asked for.

use std::collections::BTreeSet;

use miette::Diagnostic;
use thiserror::Error;

use crate::families::FAMILIES;
use crate::model::{Nearest, TenantId};
use crate::run::{Selection, SuiteInfo};
use crate::suite::Suite;
use crate::tenancy::Tenancy;

/// Which families, checks and tenants.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct SelectionArgs {
    /// Only this family, such as `network`; may be given several times.
    #[arg(long, value_name = "FAMILY")]
    family: Vec<String>,
    /// Only this check, such as `network.cross-tenant.pod`, or all that begin like `network.cross-tenant.*`;
    /// may be given several times.
    #[arg(long, value_name = "CHECK")]
    check: Vec<String>,
    /// Only cases in which this tenant or shared part acts or is acted upon; may be given several times.
    #[arg(long, value_name = "ID")]
    tenant: Vec<String>,
}

/// A name that selects nothing.
#[derive(Debug, Error, Diagnostic)]
#[error("there is no {what} `{word}`{question}")]
#[diagnostic(code(tenantproof::selection), help("{help}"))]
pub(super) struct Unselected {
    what: &'static str,
    word: String,
    question: String,
    help: String,
}

impl Unselected {
    fn new<'a>(what: &'static str, word: &str, known: impl Iterator<Item = &'a str>, help: &str) -> Self {
        let question = Nearest::of(word, known).question();
        Self { what, word: word.to_owned(), question, help: help.to_owned() }
    }
}

impl SelectionArgs {
    /// Leaves of the suites what was asked for, and says what that is.
    ///
    /// # Errors
    /// Where a family, check or tenant is named that does not exist.
    pub(super) fn apply(
        self,
        suites: &mut Vec<(Suite, SuiteInfo)>,
        tenancy: &Tenancy,
    ) -> Result<Selection, Unselected> {
        for name in &self.family {
            if !FAMILIES.iter().any(|family| family.name == name) {
                let known = FAMILIES.iter().map(|family| family.name);
                return Err(Unselected::new("family", name, known, "`tenantproof list` shows them"));
            }
        }
        let ids = || suites.iter().flat_map(|(suite, _)| suite.checks.iter().map(|check| check.id.as_str()));
        for pattern in &self.check {
            if !ids().any(|id| matches(pattern, id)) {
                return Err(Unselected::new("check", pattern, ids(), "`tenantproof list` shows them"));
            }
        }
        let mut tenants = BTreeSet::new();
        for id in &self.tenant {
            let id = TenantId::from(id.as_str());
            if tenancy.party(&id).is_none() {
                let known = tenancy.parties.iter().map(|party| party.id.as_str());
                return Err(Unselected::new("tenant", id.as_str(), known, "the tenancy file names them"));
            }
            tenants.insert(id);
        }
        if !self.family.is_empty() {
            suites.retain(|(suite, _)| self.family.iter().any(|name| name == suite.family.as_str()));
        }
        if !self.check.is_empty() {
            for (suite, _) in suites.iter_mut() {
                suite.checks.retain(|check| self.check.iter().any(|pattern| matches(pattern, check.id.as_str())));
            }
        }
        suites.retain(|(suite, _)| !suite.checks.is_empty());
        if suites.is_empty() {
            let help = "give a check of a family that is selected";
            return Err(Unselected::new(
                "check of the selected families",
                &self.check.join(", "),
                [].into_iter(),
                help,
            ));
        }
        Ok(Selection { families: self.family, checks: self.check, tenants })
    }
}

/// Whether a pattern means this id: the id itself, or what comes before a last `*`.
fn matches(pattern: &str, id: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == id, |stem| id.starts_with(stem))
}
