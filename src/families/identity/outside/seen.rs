//! What AWS told, and what it is held against. Judging it again gives the same verdicts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::TenantId;
use crate::semantics::iam::estate::{AssociationInfo, Estate};
use crate::tenancy::TenantCloud;

/// What AWS told of the tenants' roles and buckets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutsideSeen {
    /// What was read.
    pub estate: Estate,
    /// What the tenancy says that each tenant reaches.
    pub tenants: BTreeMap<TenantId, TenantCloud>,
    /// Whose each namespace is.
    pub namespaces: BTreeMap<String, TenantId>,
}

impl OutsideSeen {
    /// Whose an association is.
    pub(super) fn tenant_of(&self, association: &AssociationInfo) -> Option<&TenantId> {
        self.namespaces.get(&association.namespace)
    }

    /// The associations of a tenant's namespaces, with their place among all.
    pub(super) fn of<'a>(&'a self, tenant: &'a TenantId) -> impl Iterator<Item = (usize, &'a AssociationInfo)> {
        let all = self.estate.associations.read().into_iter().flatten().enumerate();
        all.filter(move |(_, one)| self.tenant_of(one) == Some(tenant))
    }

    /// What a tenant reaches, by the tenancy.
    pub(super) fn cloud(&self, tenant: &TenantId) -> Option<&TenantCloud> {
        self.tenants.get(tenant)
    }
}
