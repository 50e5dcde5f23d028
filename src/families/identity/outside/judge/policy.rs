//! Whom the policies of a tenant's buckets open them to.

use std::collections::BTreeSet;

use super::associations::roles;
use super::buckets::READ_IT;
use super::{Found, Matter, One, at, worst};
use crate::families::Stance;
use crate::families::ruling::{broken, holds};
use crate::semantics::Answer;
use crate::semantics::iam::estate::{BucketInfo, Owner, Part};
use crate::semantics::iam::{AccountId, Arn};

/// A role that nobody has: what is granted to it is granted to everybody.
const NOBODY: &str = "tenantproof-nobody";
/// An account that stands for all others.
const ANOTHER: &str = "999999999999";
/// So many keys of each bucket are asked about at most.
const MOST_KEYS: usize = 64;

/// Somebody whom a policy could open the bucket to.
struct Somebody {
    role: String,
    whom: String,
    kind: &'static str,
}

impl Matter<'_> {
    pub(super) fn bucket_policy(&self) -> Found {
        let all = self.buckets().into_iter().map(|(name, info)| match info {
            Ok(info) => self.opened(name, info),
            Err(found) => One::Open(found),
        });
        worst(all.collect(), |number| {
            let reason = format!(
                "no policy of its {number} buckets grants anything to everybody, to another account or to another tenant's role"
            );
            Found::new(Stance::Denied, "no statement of a bucket's policy grants it", holds(reason), Vec::new())
        })
    }

    fn opened(&self, name: &str, info: &BucketInfo) -> One {
        let evidence = vec![at("buckets", name)];
        if let Some(why) = info.policy.why_unread() {
            let why = format!("the policy of bucket {name} was not read: {why}");
            return One::Open(Found::open("bucket-unread", why, READ_IT, evidence));
        }
        if matches!(info.policy, Part::Absent) {
            return One::Well { evidence };
        }
        let remedy = "take the principal out of the bucket's policy, or bind the statement to the tenant's own role";
        if info.is_public == Part::Read(true) {
            let reason = format!("S3 calls the policy of bucket {name} public");
            let sentence = format!("the policy of bucket {name} grants to everybody (GetBucketPolicyStatus)");
            let ruling = broken("bucket-policy-open", reason.clone(), sentence, remedy.to_owned());
            return One::Broken(Found::new(Stance::Allowed, reason, ruling, evidence));
        }
        let mut open = None;
        for somebody in self.others(name, info) {
            for (action, resource) in self.calls_on(name, &somebody.role) {
                let found = self.ready.grants(name, &somebody.role, action, &resource);
                match found.answer {
                    Answer::Denied => {}
                    Answer::Unknown => {
                        let why = format!(
                            "whether the policy of bucket {name} opens it to {} can't be told ({action}): {}",
                            somebody.whom, found.because
                        );
                        let remedy = "write the statement with documented operators, and without depending on what only a \
                                      request shows";
                        open.get_or_insert_with(|| Found::open("not-told", why, remedy, evidence.clone()));
                    }
                    Answer::Allowed => {
                        let reason =
                            format!("the policy of bucket {name} lets {} {action} on {resource}", somebody.whom);
                        let sentence = format!("bucket {name}: {}", found.because);
                        let ruling = broken(somebody.kind, reason, sentence, remedy.to_owned());
                        return One::Broken(Found::new(Stance::Allowed, found.because, ruling, evidence));
                    }
                }
            }
        }
        open.map_or(One::Well { evidence }, One::Open)
    }

    /// Everybody whom the policy must not let in: nobody in particular of the same account and of another, the accounts and
    /// principals of other accounts that it names, and the roles of other tenants.
    fn others(&self, name: &str, info: &BucketInfo) -> Vec<Somebody> {
        let estate = &self.seen.estate;
        let own = match &info.owner {
            Owner::Account(account) => account.clone(),
            Owner::Other | Owner::Unknown(_) => estate.account.clone(),
        };
        let role = |account: &str| format!("arn:aws:iam::{account}:role/{NOBODY}");
        let somebody = |role, whom: String, kind| Somebody { role, whom, kind };
        let mut all = vec![
            somebody(role(&own), "everybody".to_owned(), "bucket-policy-open"),
            somebody(role(ANOTHER), "every account".to_owned(), "bucket-policy-open"),
        ];
        let associations = || estate.associations.read().into_iter().flatten();
        let of = |is_own: bool| -> BTreeSet<String> {
            let mine = associations().filter(|one| (self.seen.tenant_of(one) == Some(&self.case.from)) == is_own);
            mine.filter_map(|one| one.detail.read()).flat_map(|detail| roles(detail).map(str::to_owned)).collect()
        };
        let (mine, theirs) = (of(true), of(false));
        for role in theirs.difference(&mine) {
            all.push(somebody(role.clone(), role.clone(), "bucket-policy-open"));
        }
        for named in estate.principals_of(name) {
            let account = AccountId::parse(&named).or_else(|| Arn::parse(&named)?.account()).map(|id| id.to_string());
            let Some(account) = account.filter(|account| *account != own) else { continue };
            if mine.contains(&named) || mine.iter().any(|role| role.contains(&format!("::{account}:"))) {
                continue;
            }
            let is_role = Arn::parse(&named).is_some_and(|arn| arn.resource().starts_with("role/"));
            let who = if is_role { named.clone() } else { role(&account) };
            all.push(somebody(who, format!("{named} of another account"), "bucket-policy-other-account"));
        }
        all
    }

    fn calls_on(&self, name: &str, role: &str) -> Vec<(&'static str, String)> {
        let arn = format!("arn:aws:s3:::{name}");
        let mut keys = self.seen.estate.keys_meant(role, name);
        keys.truncate(MOST_KEYS);
        keys.push("tenantproof/x".to_owned());
        let objects = keys.iter().flat_map(|key| {
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"].map(|action| (action, format!("{arn}/{key}")))
        });
        std::iter::once(("s3:ListBucket", arn.clone())).chain(objects).collect()
    }
}
