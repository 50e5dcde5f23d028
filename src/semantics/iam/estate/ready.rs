//! An estate with its documents compiled: once for many questions.

use std::collections::BTreeMap;

use super::{BucketInfo, Estate, GivenPolicy, NamedPolicy, Part, RoleInfo};
use crate::semantics::iam::document::{Document, PolicyKind};

/// An estate that can be asked.
#[derive(Clone, Debug)]
pub struct Ready<'e> {
    pub(super) estate: &'e Estate,
    pub(super) roles: BTreeMap<&'e str, ReadyRole<'e>>,
    pub(super) buckets: BTreeMap<&'e str, ReadyBucket<'e>>,
    pub(super) sessions: BTreeMap<&'e str, Document>,
    pub(super) scps: Vec<Vec<Document>>,
    pub(super) rcps: Vec<Vec<Document>>,
}

/// A role's documents.
#[derive(Clone, Debug)]
pub(super) struct ReadyRole<'e> {
    pub(super) info: Option<&'e RoleInfo>,
    pub(super) identity: Vec<Document>,
    pub(super) boundary: Option<Document>,
    pub(super) trust: Option<Document>,
    /// What of it was not read, and why; each stands among the documents as one that may say anything.
    pub(super) unread: Vec<String>,
}

/// A bucket's documents.
#[derive(Clone, Debug)]
pub(super) struct ReadyBucket<'e> {
    pub(super) info: Option<&'e BucketInfo>,
    pub(super) policy: Option<Document>,
    pub(super) unread: Option<String>,
}

/// A document that may say anything: that is what an unread one does.
pub(super) fn anything(name: &str, kind: PolicyKind) -> Document {
    Document::parse(name, "", kind)
}

fn named(policy: &NamedPolicy, kind: PolicyKind, unread: &mut Vec<String>) -> Option<Document> {
    match &policy.text {
        Part::Read(text) => Some(Document::parse(&policy.name, text, kind)),
        Part::Absent => None,
        Part::Unread(why) => {
            unread.push(format!("the policy {} was not read: {why}", policy.name));
            Some(anything(&policy.name, kind))
        }
    }
}

fn role<'e>(arn: &str, part: &'e Part<RoleInfo>) -> ReadyRole<'e> {
    let mut unread = Vec::new();
    let Part::Read(info) = part else {
        let why = match part {
            Part::Unread(why) => format!("the role {arn} was not read: {why}"),
            _ => format!("there is no role {arn}"),
        };
        return ReadyRole {
            info: None,
            identity: vec![anything("not read", PolicyKind::Identity)],
            boundary: Some(anything("not read", PolicyKind::Boundary)),
            trust: Some(anything("not read", PolicyKind::Trust)),
            unread: vec![why],
        };
    };
    let identity = match &info.policies {
        Part::Read(policies) => {
            policies.iter().filter_map(|policy| named(policy, PolicyKind::Identity, &mut unread)).collect()
        }
        Part::Absent => Vec::new(),
        Part::Unread(why) => {
            unread.push(format!("the policies of {arn} were not read: {why}"));
            vec![anything("not read", PolicyKind::Identity)]
        }
    };
    let boundary = match &info.boundary {
        Part::Read(policy) => named(policy, PolicyKind::Boundary, &mut unread),
        Part::Absent => None,
        Part::Unread(why) => {
            unread.push(format!("the boundary of {arn} was not read: {why}"));
            Some(anything("not read", PolicyKind::Boundary))
        }
    };
    // A trust policy decides who gets the role, not what it may do: that it was not read is told by what asks about it.
    let trust = info.trust.read().map(|text| Document::parse("trust policy", text, PolicyKind::Trust));
    ReadyRole { info: Some(info), identity, boundary, trust, unread }
}

fn bucket<'e>(name: &str, part: &'e Part<BucketInfo>) -> ReadyBucket<'e> {
    let unread = |why: String| ReadyBucket {
        info: part.read(),
        policy: Some(anything("not read", PolicyKind::Resource)),
        unread: Some(why),
    };
    match part {
        Part::Absent => unread(format!("there is no bucket {name}")),
        Part::Unread(why) => unread(format!("the bucket {name} was not read: {why}")),
        Part::Read(info) => match &info.policy {
            Part::Read(text) => ReadyBucket {
                info: Some(info),
                policy: Some(Document::parse("bucket policy", text, PolicyKind::Resource)),
                unread: None,
            },
            Part::Absent => ReadyBucket { info: Some(info), policy: None, unread: None },
            Part::Unread(why) => unread(format!("the policy of the bucket {name} was not read: {why}")),
        },
    }
}

fn levels(levels: &[Vec<GivenPolicy>], kind: PolicyKind) -> Vec<Vec<Document>> {
    let document = |given: &GivenPolicy| Document::parse(&given.name, &given.document.to_string(), kind);
    levels.iter().map(|level| level.iter().map(document).collect()).collect()
}

impl Estate {
    /// Compiles every document.
    #[must_use]
    pub fn ready(&self) -> Ready<'_> {
        let associations = self.associations.read().map(Vec::as_slice).unwrap_or_default();
        let session =
            |detail: Option<&'_ str>| detail.map(|text| Document::parse("session policy", text, PolicyKind::Session));
        let of = |kind, pick: fn(&super::OrganizationPolicies) -> &[Vec<GivenPolicy>]| {
            self.organization.as_ref().map(|given| levels(pick(given), kind)).unwrap_or_default()
        };
        Ready {
            estate: self,
            roles: self.roles.iter().map(|(arn, part)| (arn.as_str(), role(arn, part))).collect(),
            buckets: self.buckets.iter().map(|(name, part)| (name.as_str(), bucket(name, part))).collect(),
            sessions: associations
                .iter()
                .filter_map(|one| Some((one.id.as_str(), session(one.detail.read()?.policy.as_deref())?)))
                .collect(),
            scps: of(PolicyKind::ServiceControl, |given| &given.scps),
            rcps: of(PolicyKind::ResourceControl, |given| &given.rcps),
        }
    }
}
