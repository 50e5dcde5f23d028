//! Who is given which role, and whom roles let in.

use std::collections::BTreeSet;

use super::{Found, Matter, One, association_at, at, worst};
use crate::families::Stance;
use crate::families::ruling::{broken, holds};
use crate::semantics::iam::estate::{AssociationDetail, AssociationInfo, Part};
use crate::semantics::iam::pod_identity::{Opening, Stranger, tags_needed};
use crate::semantics::iam::{AccountId, Verdict};

const READ_IT: &str = "let the run read what `tenantproof permissions --aws` prints, and run again";

impl<'m> Matter<'m> {
    /// The tenant's associations with what was read of each; why the check can't be made where none can.
    pub(super) fn associations(&self) -> Result<Vec<(usize, &'m AssociationInfo, &'m AssociationDetail)>, Found> {
        let (seen, tenant) = (self.seen, &self.case.from);
        if let Some(why) = seen.estate.associations.why_unread() {
            let why = format!("the associations of EKS Pod Identity were not read: {why}");
            return Err(Found::open("associations-unread", why, READ_IT, Vec::new()));
        }
        let mut own = Vec::new();
        for (index, one) in seen.of(tenant) {
            match &one.detail {
                Part::Read(detail) => own.push((index, one, detail)),
                Part::Absent => {}
                Part::Unread(why) => {
                    let why = format!("the association {} of {} was not read: {why}", one.id, one.service_account());
                    return Err(Found::open("association-unread", why, READ_IT, vec![association_at(index)]));
                }
            }
        }
        let named = seen.cloud(tenant).map(|cloud| cloud.accounts.as_slice()).unwrap_or_default();
        let is_there = |namespace: &str, name: &str| {
            own.iter().any(|(_, one, _)| one.namespace == namespace && one.service_account == name)
        };
        if let Some(account) = named.iter().find(|one| !is_there(one.namespace.as_str(), one.name.as_str())) {
            let why = format!(
                "no association of EKS Pod Identity gives {account} a role; roles by IRSA and other ways are not read"
            );
            return Err(Found::open(
                "no-association",
                why,
                "create the association (`aws eks create-pod-identity-association`), or take the service account out of the \
                 tenancy",
                Vec::new(),
            ));
        }
        Ok(own)
    }

    pub(super) fn shared_role(&self) -> Found {
        let own = match self.associations() {
            Ok(own) => own,
            Err(found) => return found,
        };
        let mut unread = None;
        for (index, other) in self.seen.estate.associations.read().into_iter().flatten().enumerate() {
            let Some(tenant) = self.seen.tenant_of(other).filter(|tenant| **tenant != self.case.from) else { continue };
            let Some(theirs) = other.detail.read() else {
                unread.get_or_insert((index, other));
                continue;
            };
            let roles: BTreeSet<&str> = roles(theirs).collect();
            for (own_index, one, detail) in &own {
                let Some(role) = self::roles(detail).find(|role| roles.contains(role)) else { continue };
                let (mine, other_account) = (one.service_account(), other.service_account());
                let reason = format!("{mine} and {other_account} of {tenant} get the same role, {role}");
                let sentence = format!("the associations {} and {} give {role} to two tenants", one.id, other.id);
                let remedy = format!(
                    "give each tenant a role of its own; `aws eks update-pod-identity-association --association-id {} \
                     --role-arn …`",
                    other.id
                );
                let ruling = broken("shared-role", reason.clone(), sentence, remedy);
                let evidence = vec![association_at(*own_index), association_at(index), at("roles", role)];
                return Found::new(Stance::Allowed, reason, ruling, evidence);
            }
        }
        if let Some((index, other)) = unread {
            let why = format!("the association {} of {} was not read", other.id, other.service_account());
            return Found::open("association-unread", why, READ_IT, vec![association_at(index)]);
        }
        let roles = own.iter().flat_map(|(_, _, detail)| self::roles(detail)).collect::<BTreeSet<_>>().len();
        let others = match self.seen.estate.other_associations {
            0 => String::new(),
            others => format!("; {others} associations of namespaces outside the tenancy were not read"),
        };
        let reason = format!("none of its {roles} roles is given to another tenant's service accounts{others}");
        let evidence = own.iter().map(|(index, ..)| association_at(*index)).collect();
        Found::new(Stance::Denied, "each association has a role of its own tenant", holds(reason), evidence)
    }

    pub(super) fn target_role(&self) -> Found {
        let own = match self.associations() {
            Ok(own) => own,
            Err(found) => return found,
        };
        let cluster = AccountId::of_arn(&self.seen.estate.cluster);
        let promised: BTreeSet<&str> = self
            .seen
            .cloud(&self.case.from)
            .into_iter()
            .flat_map(|cloud| cloud.buckets.iter().filter_map(|bucket| bucket.account.as_deref()))
            .collect();
        let mut all = Vec::new();
        for (index, one, detail) in own {
            let evidence = vec![association_at(index)];
            let stray = roles(detail).find(|role| {
                let account = AccountId::of_arn(role);
                let is_promised = account.is_some_and(|account| promised.contains(account.to_string().as_str()));
                account.is_none() || account != cluster && !is_promised
            });
            all.push(match stray {
                None => One::Well { evidence },
                Some(role) => {
                    let reason = format!("{} gets {role}, which is not in an account of the tenancy", one.service_account());
                    let sentence = format!("the association {} leads to {role}", one.id);
                    let remedy = "name a target role of the tenant's own account, or say in the tenancy file that the tenant's \
                                  bucket lies in that account";
                    let ruling = broken("role-elsewhere", reason.clone(), sentence, remedy.to_owned());
                    One::Broken(Found::new(Stance::Allowed, reason, ruling, evidence))
                }
            });
        }
        worst(all, |number| {
            let reason = format!("the roles of its {number} associations lie in accounts that the tenancy promises");
            Found::new(Stance::Denied, "no role or target role is elsewhere", holds(reason), Vec::new())
        })
    }

    pub(super) fn session_tags(&self) -> Found {
        let own = match self.associations() {
            Ok(own) => own,
            Err(found) => return found,
        };
        let mut all = Vec::new();
        for (index, one, detail) in own {
            let role = detail.effective_role();
            let evidence = vec![association_at(index), at("roles", role)];
            if !detail.tags_off {
                all.push(One::Well { evidence });
                continue;
            }
            let buckets = self.seen.cloud(&self.case.from).map(|cloud| cloud.buckets.as_slice()).unwrap_or_default();
            let policies = buckets.iter().filter_map(|bucket| self.ready.policy_of(bucket.name.as_str()));
            let needed = tags_needed(self.ready.identity_of(role)).into_iter().next().or_else(|| {
                policies.into_iter().find_map(|policy| tags_needed(std::slice::from_ref(policy)).into_iter().next())
            });
            let unread = self.ready.unread_of(role).first();
            all.push(match (needed, unread) {
                (Some(needed), _) => {
                    let reason = format!(
                        "sessions of {} carry no tags, and {} of {:?} reads {}",
                        one.service_account(),
                        needed.statement,
                        needed.document,
                        needed.key
                    );
                    let sentence = format!("the association {} has disableSessionTags, and policies read the tags", one.id);
                    let remedy = format!(
                        "`aws eks update-pod-identity-association --association-id {} --no-disable-session-tags`, or name what \
                         the policies mean without tags",
                        one.id
                    );
                    let ruling = broken("session-tags-off", reason.clone(), sentence, remedy);
                    One::Broken(Found::new(Stance::Unknown, reason, ruling, evidence))
                }
                (None, Some(why)) => One::Open(Found::open("role-unread", why.clone(), READ_IT, evidence)),
                (None, None) => One::Well { evidence },
            });
        }
        worst(all, |number| {
            let reason = format!("its {number} associations have session tags, or nothing that was read needs them");
            Found::new(Stance::Denied, "no policy misses a tag", holds(reason), Vec::new())
        })
    }

    pub(super) fn trust(&self) -> Found {
        let own = match self.associations() {
            Ok(own) => own,
            Err(found) => return found,
        };
        let mut all = Vec::new();
        for (index, one, detail) in own {
            let evidence = vec![association_at(index), at("roles", &detail.role)];
            all.push(match self.ready.openings(one) {
                Err(why) => One::Open(Found::open("trust-unread", why, READ_IT, evidence)),
                Ok(openings) => trusted(one, &detail.role, &openings, evidence),
            });
        }
        worst(all, |number| {
            let reason = format!(
                "the trust policies of its {number} associations let in their own namespace on this cluster, and by the \
                 evaluator no other account, cluster or namespace"
            );
            Found::new(Stance::Denied, "no stranger meets the conditions", holds(reason), Vec::new())
        })
    }
}

/// The roles that an association leads to.
pub(super) fn roles(detail: &AssociationDetail) -> impl Iterator<Item = &str> {
    std::iter::once(detail.role.as_str()).chain(detail.target_role.as_deref())
}

fn trusted(one: &AssociationInfo, role: &str, openings: &[Opening], evidence: Vec<String>) -> One {
    // Service accounts of one namespace are one tenant's.
    let strangers = |verdict: Verdict| {
        openings
            .iter()
            .filter(move |opening| opening.decision.verdict == verdict)
            .filter_map(|opening| opening.stranger)
            .filter(|stranger| *stranger != Stranger::OtherServiceAccount)
    };
    let open: Vec<&str> = strangers(Verdict::Allowed).map(in_words).collect();
    if let [first, ..] = open.as_slice() {
        let whom = open.join(", ");
        let reason = format!("the trust policy of {role} lets in {whom}");
        let sentence = format!("the trust policy of {role} has no condition that keeps out {first}");
        let remedy =
            "in the trust policy, require aws:SourceAccount, the cluster's ARN in aws:RequestTag/eks-cluster-arn (or \
                      aws:SourceArn) and the namespace in aws:RequestTag/kubernetes-namespace"
                .to_owned();
        let ruling = broken("trust-open", reason.clone(), sentence, remedy);
        return One::Broken(Found::new(Stance::Allowed, reason, ruling, evidence));
    }
    if let Some(own) = openings.iter().find(|opening| opening.stranger.is_none()) {
        let because = own.decision.because();
        let reason =
            format!("the trust policy of {role} does not surely let in {} itself: {because}", one.service_account());
        let remedy = "correct the trust policy: with it the workload gets no credentials, and nothing follows from what it can \
                      not reach";
        return One::Open(Found::open("trust-shuts-out", reason, remedy, evidence));
    }
    if let Some(opening) = openings.iter().find(|opening| opening.decision.verdict == Verdict::Unknown) {
        let because = opening.decision.because();
        let reason = format!("whom the trust policy of {role} lets in can't be told: {because}");
        let remedy = "write the condition with documented operators and keys";
        return One::Open(Found::open("not-understood", reason, remedy, evidence));
    }
    One::Well { evidence }
}

const fn in_words(stranger: Stranger) -> &'static str {
    match stranger {
        Stranger::OtherAccount => "clusters of other accounts",
        Stranger::OtherCluster => "other clusters of the account",
        Stranger::OtherNamespace => "other namespaces of the cluster",
        Stranger::OtherServiceAccount => "other service accounts of the namespace",
    }
}
