//! What a workload's role may do, by every policy that was read.

use super::ready::{Ready, anything};
use super::{AssociationInfo, Estate, Owner, Part, ServiceAccount};
use crate::semantics::Answer;
use crate::semantics::iam::arn::AccountId;
use crate::semantics::iam::decision::Verdict;
use crate::semantics::iam::document::{Document, PolicyKind};
use crate::semantics::iam::evaluate::Policies;
use crate::semantics::iam::pod_identity::{Opening, openings};
use crate::semantics::iam::request::{Action, Principal, Request, Resource};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask<'a> {
    /// Who asks.
    pub who: ServiceAccount<'a>,
    /// For what, such as `s3:GetObject`.
    pub action: &'a str,
    /// Of what, an ARN.
    pub resource: &'a str,
    /// Keys of the request's context that are known beside those of every request, such as `s3:prefix`.
    pub told: &'a [(&'a str, &'a str)],
}

/// What policies say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The answer.
    pub answer: Answer,
    /// Whether a statement denies it, rather than none allowing it.
    pub explicit: bool,
    /// By which role, statement or gap; or why it cannot be told.
    pub because: String,
}

impl Found {
    fn unknown(because: impl Into<String>) -> Self {
        Self { answer: Answer::Unknown, explicit: false, because: because.into() }
    }
}

impl Estate {
    /// Decides one question. For many, [`Estate::ready`] compiles the documents once.
    #[must_use]
    pub fn decide(&self, ask: &Ask<'_>) -> Found {
        self.ready().decide(ask)
    }
}

/// The name of the bucket that an ARN is of, or of an object's.
#[must_use]
pub fn bucket_of(resource: &str) -> Option<&str> {
    let rest = resource.splitn(6, ':').nth(5).filter(|_| resource.split(':').nth(2) == Some("s3"))?;
    Some(rest.split_once('/').map_or(rest, |(bucket, _)| bucket))
}

impl Ready<'_> {
    /// Decides one question.
    #[must_use]
    pub fn decide(&self, ask: &Ask<'_>) -> Found {
        let estate = self.estate;
        if let Some(why) = estate.associations.why_unread() {
            return Found::unknown(format!("the associations of EKS Pod Identity were not read: {why}"));
        }
        let Some(association) = estate.association(ask.who) else {
            return Found::unknown(format!(
                "no association of EKS Pod Identity gives {} a role: what else gives it credentials was not read",
                ask.who
            ));
        };
        self.decide_as(association, ask)
    }

    /// The same for the role of a given association.
    fn decide_as(&self, association: &AssociationInfo, ask: &Ask<'_>) -> Found {
        let detail = match &association.detail {
            Part::Read(detail) => detail,
            Part::Absent => return Found::unknown(format!("the association {} is gone", association.id)),
            Part::Unread(why) => {
                return Found::unknown(format!("the association {} was not read: {why}", association.id));
            }
        };
        let effective = detail.effective_role();
        let Some(role) = self.roles.get(effective) else {
            return Found::unknown(format!("the role {effective} was not read"));
        };
        let bucket = bucket_of(ask.resource);
        let there = bucket.and_then(|name| self.buckets.get(name));
        let owner = there.and_then(|bucket| match &bucket.info?.owner {
            Owner::Account(account) => AccountId::parse(account),
            Owner::Other | Owner::Unknown(_) => None,
        });
        let request = (|| {
            let principal = Principal::session(effective, None)?;
            let action = Action::parse(ask.action)?;
            let account = AccountId::of_arn(ask.resource).or(owner);
            Ok::<_, crate::semantics::iam::RequestError>((principal, action, Resource::parse(ask.resource, account)?))
        })();
        let (principal, action, resource) = match request {
            Ok(request) => request,
            Err(why) => return Found::unknown(why.to_string()),
        };
        let mut context = self.estate.context(association.service_account(), detail, role.info, ask.told);
        if let Some(account) = owner {
            context.set("aws:ResourceAccount", [account.to_string()]);
            context.set("s3:ResourceAccount", [account.to_string()]);
        }
        if let Some(region) = there.and_then(|bucket| bucket.info?.region.read()) {
            context.set("aws:RequestedRegion", [region.as_str()]);
        }
        let session = self.sessions.get(association.id.as_str());
        let unread_bucket = match (bucket, there) {
            (Some(name), None) => Some(format!("the bucket {name} was not read")),
            (_, Some(bucket)) => bucket.unread.clone(),
            (None, None) => None,
        };
        let unread;
        let of_bucket = if let Some(bucket) = there {
            bucket.policy.as_ref()
        } else {
            unread = anything("not read", PolicyKind::Resource);
            Some(&unread)
        };
        // Only objects of S3 are asked about by the policy of their bucket; other services' resources have policies of
        // their own, which are not read.
        let decision = Policies {
            identity: &role.identity,
            boundary: role.boundary.as_ref(),
            session,
            scps: &self.scps,
            rcps: &self.rcps,
            resource: of_bucket,
        }
        .decide(&Request { principal: &principal, action: &action, resource: &resource, context: &context });
        let unread: Vec<String> = role.unread.iter().cloned().chain(unread_bucket).collect();
        let because = decision.because();
        let by = format!("role {effective}: {because}");
        match decision.verdict {
            Verdict::Allowed => Found { answer: Answer::Allowed, explicit: false, because: self.without(by) },
            Verdict::ExplicitDeny => Found { answer: Answer::Denied, explicit: true, because: by },
            Verdict::ImplicitDeny => Found { answer: Answer::Denied, explicit: false, because: by },
            Verdict::Unknown if is_denied_anyway(&decision) => {
                Found { answer: Answer::Denied, explicit: false, because: by }
            }
            Verdict::Unknown => match (unread.is_empty(), bucket.is_none()) {
                (false, _) => Found::unknown(unread.join("; ")),
                (true, true) => Found::unknown(format!("the policy of {} was not read", ask.resource)),
                (true, false) => Found::unknown(by),
            },
        }
    }

    /// A grant, with what could still deny it.
    fn without(&self, by: String) -> String {
        if self.estate.organization.is_some() {
            by
        } else {
            format!("{by} The organization's policies were not given.")
        }
    }

    /// Whom the trust policy of an association's role lets in that it should not, and whether it lets in the workload
    /// itself.
    ///
    /// # Errors
    /// Why that can't be told.
    pub fn openings(&self, association: &AssociationInfo) -> Result<Vec<Opening>, String> {
        let detail = match &association.detail {
            Part::Read(detail) => detail,
            Part::Absent => return Err(format!("the association {} is gone", association.id)),
            Part::Unread(why) => return Err(format!("the association {} was not read: {why}", association.id)),
        };
        let arn = detail.role.as_str();
        let role = self.roles.get(arn).ok_or_else(|| format!("the role {arn} was not read"))?;
        let Some(info) = role.info else { return Err(role.unread.join("; ")) };
        if let Some(why) = info.trust.why_unread() {
            return Err(format!("the trust policy of {arn} was not read: {why}"));
        }
        let trust = role.trust.as_ref().ok_or_else(|| format!("{arn} has no trust policy"))?;
        let known = self.estate.as_association(association).ok_or_else(|| format!("{arn} is no ARN of a role"))?;
        openings(trust, &known.role, &known.workload, known.session_tags).map_err(|why| why.to_string())
    }

    /// The documents of a role that say what it may do.
    #[must_use]
    pub fn identity_of(&self, role: &str) -> &[Document] {
        self.roles.get(role).map(|role| role.identity.as_slice()).unwrap_or_default()
    }

    /// Whether a role is of the account of the cluster; `None` where an ARN is none.
    #[must_use]
    pub fn is_own(&self, role: &str) -> Option<bool> {
        Some(AccountId::of_arn(role)? == AccountId::of_arn(&self.estate.cluster)?)
    }
}

/// Whether an unknown verdict leaves open only by what it is denied.
pub(super) fn is_denied_anyway(decision: &crate::semantics::iam::Decision) -> bool {
    matches!(&decision.because, crate::semantics::iam::Because::Doubt(unsure) if unsure.denied)
}
