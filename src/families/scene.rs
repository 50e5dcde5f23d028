//! What planning looks at, for tests of plans: a tenancy, the family's own suite, and for each party one namespace of its
//! own name.

use std::collections::{BTreeMap, BTreeSet};

use super::{FamilyEntry, PlanInput, Told};
use crate::model::{Namespace, TenantId};
use crate::plan::Mode;
use crate::semantics::Snapshot;
use crate::semantics::network::Profile;
use crate::suite::Suite;
use crate::tenancy::{self, Tenancy};

pub(super) struct Scene {
    tenancy: Tenancy,
    suite: Suite,
    namespaces: BTreeMap<TenantId, Vec<Namespace>>,
    closed: BTreeMap<Namespace, String>,
    tenants: BTreeSet<TenantId>,
}

impl Scene {
    pub(super) fn of(family: &FamilyEntry, tenancy: &str) -> Self {
        let (label, text) = family.suite;
        let suite = super::suites().read(label, text.as_bytes()).unwrap();
        let tenancy = tenancy::read("tenancy.yaml", tenancy.as_bytes()).unwrap();
        let namespace_of = |id: &TenantId| (id.clone(), vec![Namespace::new(id.as_str())]);
        let namespaces = tenancy.parties.iter().map(|party| namespace_of(&party.id)).collect();
        Self { tenancy, suite, namespaces, closed: BTreeMap::new(), tenants: BTreeSet::new() }
    }

    /// In production, for all tenants, with nothing closed and nothing told.
    pub(super) fn input<'a>(&'a self, snapshot: &'a Snapshot) -> PlanInput<'a> {
        PlanInput {
            tenancy: &self.tenancy,
            suite: &self.suite,
            snapshot,
            namespaces: &self.namespaces,
            nodes: &[],
            closed: &self.closed,
            profile: Profile::Spec,
            mode: Mode::Production,
            tenants: &self.tenants,
            told: Told::default(),
        }
    }
}
