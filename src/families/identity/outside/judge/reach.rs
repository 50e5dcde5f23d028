//! What a tenant's roles reach of another tenant's buckets, by every policy that was read.

use super::{Found, Matter, association_at, at};
use crate::families::Stance;
use crate::families::ruling::{broken, holds};
use crate::semantics::Answer;
use crate::semantics::iam::estate::{Ask, AssociationDetail, AssociationInfo};
use crate::tenancy::CloudBucket;

/// What is asked of each bucket: of the bucket itself, or of an object.
const ACTIONS: [(&str, bool); 4] =
    [("s3:ListBucket", false), ("s3:GetObject", true), ("s3:PutObject", true), ("s3:DeleteObject", true)];
/// A key that no policy names.
const SOME_KEY: &str = "tenantproof/x";
/// So many keys of each bucket are asked about at most.
const MOST_KEYS: usize = 64;

/// An answer about one call.
struct Reached {
    answer: Answer,
    what: String,
    because: String,
}

impl Matter<'_> {
    pub(super) fn reach(&self) -> Found {
        let own = match self.associations() {
            Ok(own) => own,
            Err(found) => return found,
        };
        let of = |tenant| self.seen.cloud(tenant).map(|cloud| cloud.buckets.as_slice()).unwrap_or_default();
        let (mine, theirs) = (of(&self.case.from), of(&self.case.to));
        let (mut open, mut asked, mut evidence) = (None, 0, Vec::new());
        for (index, one, detail) in &own {
            let role = detail.effective_role();
            let here = |bucket: &CloudBucket| {
                vec![association_at(*index), at("roles", role), at("buckets", bucket.name.as_str())]
            };
            for bucket in theirs {
                for reached in self.calls(one, detail, bucket) {
                    asked += 1;
                    match reached.answer {
                        Answer::Denied => {}
                        Answer::Unknown => {
                            open.get_or_insert((reached, here(bucket)));
                        }
                        Answer::Allowed => return self.finding(one, detail, bucket, &reached, here(bucket)),
                    }
                }
                evidence.extend(here(bucket));
            }
        }
        if let Some((reached, evidence)) = open {
            let why = format!("whether {} can't be told: {}", reached.what, reached.because);
            let remedy =
                "make what is named readable to the run, or write the policy so that it decides by what is known";
            return Found::open("not-told", why, remedy, evidence);
        }
        // The control case: the same policies let each role do something with a bucket of its own tenant.
        for (_, one, detail) in &own {
            let reaches = |bucket| self.calls(one, detail, bucket).iter().any(|call| call.answer == Answer::Allowed);
            if !mine.iter().any(reaches) {
                let why = format!(
                    "by the same policies {} surely reaches no bucket of its own tenant either, so what it does not reach \
                     shows nothing",
                    one.service_account()
                );
                let remedy = "name the tenant's own bucket in the tenancy file, and see that its role may use it";
                return Found::open("control-missing", why, remedy, evidence);
            }
        }
        evidence.dedup();
        let without = if self.seen.estate.organization.is_none() {
            "; the organization's policies, which could only deny more, were not given"
        } else {
            ""
        };
        let reason = format!(
            "{asked} calls of {} associations on {} buckets are all denied by the policies that were read, and each of its roles \
             reaches a bucket of its own{without}",
            own.len(),
            theirs.len()
        );
        Found::new(Stance::Denied, "no policy that was read grants it", holds(reason), evidence)
    }

    /// What policies say of every call on a bucket, or on the part of it that is the tenant's.
    fn calls(&self, one: &AssociationInfo, detail: &AssociationDetail, bucket: &CloudBucket) -> Vec<Reached> {
        let name = bucket.name.as_str();
        let partition = if detail.role.starts_with("arn:aws-cn:") {
            "aws-cn"
        } else if detail.role.starts_with("arn:aws-us-gov:") {
            "aws-us-gov"
        } else {
            "aws"
        };
        let arn = format!("arn:{partition}:s3:::{name}");
        let mut keys = self.seen.estate.keys_meant(detail.effective_role(), name);
        keys.retain(|key| key.starts_with(&bucket.prefix));
        keys.truncate(MOST_KEYS);
        keys.insert(0, format!("{}{SOME_KEY}", bucket.prefix));
        let prefix = [("s3:prefix", bucket.prefix.as_str())];
        // Where a whole bucket is the tenant's, whatever prefix is asked for is its own.
        let of_list: &[(&str, &str)] = if bucket.prefix.is_empty() { &[] } else { &prefix };
        let mut calls = Vec::new();
        for (action, of_object) in ACTIONS {
            let resources =
                if of_object { keys.iter().map(|key| format!("{arn}/{key}")).collect() } else { vec![arn.clone()] };
            for resource in resources {
                let told = if of_object { &[] } else { of_list };
                let found = self.ready.decide(&Ask { who: one.service_account(), action, resource: &resource, told });
                calls.push(Reached {
                    answer: found.answer,
                    what: format!("{} may {action} on {resource}", one.service_account()),
                    because: found.because,
                });
            }
        }
        calls
    }

    fn finding(
        &self,
        one: &AssociationInfo,
        detail: &AssociationDetail,
        bucket: &CloudBucket,
        reached: &Reached,
        evidence: Vec<String>,
    ) -> Found {
        let Reached { what, because, .. } = reached;
        let role = detail.effective_role();
        let (kind, remedy) = if self.seen.of_wildcard(role, bucket.name.as_str()) {
            ("wildcard-resource", "name the tenant's own bucket in the role's policy, without a wildcard in its name")
        } else if because.contains("the resource's policy") {
            ("bucket-policy-open", "take the role out of the bucket's policy")
        } else {
            ("role-reaches", "take the bucket out of the role's policy, or add the condition that keeps tenants apart")
        };
        let sentence = format!("{because} ({}, association {})", self.case.from, one.id);
        let ruling = broken(kind, format!("by the policies that were read {what}"), sentence, remedy.to_owned());
        Found::new(Stance::Allowed, because.clone(), ruling, evidence)
    }
}

impl super::OutsideSeen {
    /// Whether a policy of the role names the bucket by a wildcard.
    fn of_wildcard(&self, role: &str, bucket: &str) -> bool {
        use crate::semantics::iam::estate::Part;
        let policies = self.estate.roles.get(role).and_then(Part::read).and_then(|role| role.policies.read());
        let texts = policies.into_iter().flatten().filter_map(|policy| policy.text.read());
        texts.filter_map(|text| serde_json::from_str(text).ok()).any(|policy| names_by_wildcard(&policy, bucket))
    }
}

fn names_by_wildcard(policy: &serde_json::Value, bucket: &str) -> bool {
    match policy {
        serde_json::Value::Array(all) => all.iter().any(|one| names_by_wildcard(one, bucket)),
        serde_json::Value::Object(all) => {
            let resources = all.get("Resource").is_some_and(|resource| names_by_wildcard(resource, bucket));
            resources || all.get("Statement").is_some_and(|statements| names_by_wildcard(statements, bucket))
        }
        serde_json::Value::String(text) if text == "*" => true,
        serde_json::Value::String(text) => {
            let name = text.splitn(6, ':').nth(5).map(|rest| rest.split('/').next().unwrap_or(rest));
            name.and_then(|name| name.split_once('*')).is_some_and(|(before, _)| bucket.starts_with(before))
        }
        _ => false,
    }
}
