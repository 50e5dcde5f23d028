//! What a tenant's buckets say of themselves: Block Public Access and tags.

use super::{Found, Matter, One, at, worst};
use crate::families::Stance;
use crate::families::ruling::{broken, holds};
use crate::semantics::iam::estate::{BucketInfo, Part, PublicAccessBlock};

pub(super) const READ_IT: &str = "let the run read what `tenantproof permissions --aws` prints, and run again";

impl<'m> Matter<'m> {
    /// The tenant's buckets by name, each once, with what was read; why nothing can be said of one where it was not.
    pub(super) fn buckets(&self) -> Vec<(&'m str, Result<&'m BucketInfo, Found>)> {
        let named = self.seen.cloud(&self.case.from).map(|cloud| cloud.buckets.as_slice()).unwrap_or_default();
        let mut distinct: Vec<&str> = named.iter().map(|bucket| bucket.name.as_str()).collect();
        distinct.sort_unstable();
        distinct.dedup();
        let read = |name: &'m str| {
            let open = |kind, why, remedy| Found::open(kind, why, remedy, vec![at("buckets", name)]);
            match self.seen.estate.buckets.get(name) {
                Some(Part::Read(info)) => Ok(info),
                Some(Part::Unread(why)) => {
                    Err(open("bucket-unread", format!("bucket {name} was not read: {why}"), READ_IT))
                }
                Some(Part::Absent) => {
                    let remedy = "correct its name in the tenancy file, or create it";
                    Err(open("no-bucket", format!("there is no bucket {name}, which shows nothing"), remedy))
                }
                None => Err(open("bucket-unread", format!("bucket {name} was not asked for"), READ_IT)),
            }
        };
        distinct.into_iter().map(|name| (name, read(name))).collect()
    }

    /// What each bucket shows, by a rule for those that were read.
    fn each(&self, rule: impl Fn(&str, &BucketInfo, Vec<String>) -> One) -> Vec<One> {
        let one = |(name, info): (&'m str, Result<&'m BucketInfo, Found>)| match info {
            Ok(info) => rule(name, info, vec![at("buckets", name)]),
            Err(found) => One::Open(found),
        };
        self.buckets().into_iter().map(one).collect()
    }

    pub(super) fn public_access_block(&self) -> Found {
        let all = self.each(|name, info, evidence| {
            let block = match &info.public_access_block {
                Part::Read(block) => *block,
                Part::Absent => PublicAccessBlock::default(),
                Part::Unread(why) => {
                    let why = format!("Block Public Access of {name} was not read: {why}");
                    return One::Open(Found::open("bucket-unread", why, READ_IT, evidence));
                }
            };
            let off = block.off();
            if off.is_empty() {
                return One::Well { evidence };
            }
            let off = off.join(", ");
            let reason = format!("bucket {name} does not block public access: {off} is off in its own settings");
            let sentence = format!("Block Public Access of bucket {name} has {off} off");
            let remedy = format!(
                "`aws s3api put-public-access-block --bucket {name} --public-access-block-configuration \
                 BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`; what the \
                 account as a whole blocks was not read"
            );
            let ruling = broken("public-access-block-off", reason.clone(), sentence, remedy);
            One::Broken(Found::new(Stance::Unknown, reason, ruling, evidence))
        });
        worst(all, |number| {
            let reason = format!("all four settings of Block Public Access are on for each of its {number} buckets");
            Found::new(Stance::Denied, "Block Public Access", holds(reason), Vec::new())
        })
    }

    pub(super) fn tags(&self, key: &str) -> Found {
        let wanted = self.case.from.as_str();
        let all = self.each(|name, info, evidence| {
            let found = match &info.tags {
                Part::Read(tags) => tags.get(key).map(String::as_str),
                Part::Absent => None,
                Part::Unread(why) => {
                    let why = format!("the tags of {name} were not read: {why}");
                    return One::Open(Found::open("bucket-unread", why, READ_IT, evidence));
                }
            };
            if found == Some(wanted) {
                return One::Well { evidence };
            }
            let (kind, reason) = match found {
                None => ("tag-missing", format!("bucket {name} has no tag {key}, which should be {wanted}")),
                Some(other) => {
                    ("tag-differs", format!("bucket {name} has the tag {key}={other}, which should be {wanted}"))
                }
            };
            let remedy = format!("tag it: {key}={wanted} (`aws s3api put-bucket-tagging` replaces all tags at once)");
            let ruling = broken(kind, reason.clone(), reason.clone(), remedy);
            One::Broken(Found::new(Stance::Unknown, reason, ruling, evidence))
        });
        worst(all, |number| {
            let reason = format!("each of its {number} buckets has the tag {key}={wanted}");
            Found::new(Stance::Denied, "its tag", holds(reason), Vec::new())
        })
    }
}
