//! Ways in which roles and buckets let others in, each found with its cause.

use rstest::rstest;
use serde_json::{Value, json};

use super::judge::Bench;
use super::{Outside, OutsideSeen};
use crate::families::identity::NAME;
use crate::model::{CaseId, CheckId, Family, TenantId, Verdict};
use crate::plan::Case;
use crate::suite::Access;

const CLUSTER: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/one";

fn role(name: &str) -> String {
    format!("arn:aws:iam::111122223333:role/{name}")
}

fn policy(statements: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn bucket_of(tenant: &str) -> String {
    format!("{tenant}-data")
}

/// A tenant's own bucket, by its name.
fn own(tenant: &str) -> Value {
    let bucket = bucket_of(tenant);
    json!({"Effect": "Allow", "Action": "s3:*",
        "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")]})
}

fn trust(tenant: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"},
    "Action": ["sts:AssumeRole", "sts:TagSession"],
    "Condition": {
        "StringEquals": {"aws:SourceAccount": "111122223333", "aws:RequestTag/kubernetes-namespace": tenant},
        "ArnEquals": {"aws:RequestTag/eks-cluster-arn": CLUSTER},
    }})
}

fn association(tenant: &str, role_name: &str) -> Value {
    json!({"id": format!("a-{tenant}"), "namespace": tenant, "serviceAccount": "app",
        "detail": {"read": {"role": role(role_name), "tagsOff": false}}})
}

fn role_of(tenant: &str) -> Value {
    json!({"read": {
        "trust": {"read": policy(&trust(tenant))}, "boundary": "absent",
        "policies": {"read": [{"name": "own", "text": {"read": policy(&own(tenant))}}]},
        "tags": {}, "longestSession": 3600,
    }})
}

fn bucket(tenant: &str) -> Value {
    let block = json!({"blockPublicAcls": true, "ignorePublicAcls": true, "blockPublicPolicy": true,
        "restrictPublicBuckets": true});
    json!({"read": {
        "owner": {"account": "111122223333"}, "region": {"read": "eu-west-1"}, "policy": "absent",
        "publicAccessBlock": {"read": block}, "tags": {"read": {"tenant": tenant}}, "isPublic": "absent",
    }})
}

/// Two tenants, each with what is its own.
fn whole() -> Value {
    let cloud = |tenant: &str| {
        json!({"accounts": [{"namespace": tenant, "name": "app"}],
            "buckets": [{"name": bucket_of(tenant), "prefix": "", "account": null}], "tables": [], "keys": []})
    };
    json!({
        "tenants": {"pay": cloud("pay"), "shop": cloud("shop")},
        "namespaces": {"pay": "pay", "shop": "shop"},
        "estate": {
            "account": "111122223333", "region": "eu-west-1", "cluster": CLUSTER,
            "associations": {"read": [association("pay", "pay"), association("shop", "shop")]},
            "otherAssociations": 0,
            "roles": {role("pay"): role_of("pay"), role("shop"): role_of("shop")},
            "buckets": {"pay-data": bucket("pay"), "shop-data": bucket("shop")},
            "organization": null,
        },
    })
}

fn judged(seen: &Value, outside: Outside) -> (Verdict, String, String) {
    let seen: OutsideSeen = serde_json::from_value(seen.clone()).unwrap();
    let case = Case {
        id: CaseId::new("c"),
        check: CheckId::new("identity.outside.x"),
        family: Family::new(NAME),
        title: String::new(),
        from: TenantId::new("shop"),
        to: TenantId::new("pay"),
        expect: Access::Denied,
        ask: json!({"outside": outside}),
    };
    let judgement = Bench::new(Some(&seen)).judged(&case).unwrap().judgement;
    let kind = judgement.cause.map(|cause| cause.kind).unwrap_or_default();
    (judgement.verdict, kind, judgement.reason)
}

const ALL: [Outside; 8] = [
    Outside::SharedRole,
    Outside::TargetRole,
    Outside::SessionTags,
    Outside::Trust,
    Outside::RoleReach,
    Outside::BucketPolicy,
    Outside::PublicAccessBlock,
    Outside::Tags,
];

#[test]
fn what_keeps_tenants_apart_passes() {
    for outside in ALL {
        let (verdict, kind, reason) = judged(&whole(), outside);
        assert_eq!((verdict, kind.as_str()), (Verdict::Pass, ""), "{outside:?}: {reason}");
    }
}

/// The text of a policy in its place.
fn text(seen: &mut Value, role_name: &str, statements: &Value) {
    seen["estate"]["roles"][role(role_name)]["read"]["policies"]["read"][0]["text"] =
        json!({"read": policy(statements)});
}

fn on_bucket(seen: &mut Value, statements: &Value) {
    seen["estate"]["buckets"]["shop-data"]["read"]["policy"] = json!({"read": policy(statements)});
}

fn open_to(principal: &Value) -> Value {
    json!({"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::shop-data/*"})
}

type Sabotage = fn(&mut Value);

#[rstest]
#[case::wildcard_resource(Outside::RoleReach, "wildcard-resource", |seen: &mut Value| {
    text(seen, "shop", &json!({"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::*-data", "arn:aws:s3:::*-data/*"]}));
})]
#[case::part_of_a_bucket(Outside::RoleReach, "role-reaches", |seen: &mut Value| {
    let part = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::pay-data/reports/*"});
    text(seen, "shop", &json!([own("shop"), part]));
})]
#[case::deny_removed(Outside::RoleReach, "wildcard-resource", |seen: &mut Value| {
    text(seen, "shop", &json!([own("shop"), {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]));
})]
#[case::bucket_policy_to_a_tenant(Outside::RoleReach, "bucket-policy-open", |seen: &mut Value| {
    let grant = json!({"Effect": "Allow", "Principal": {"AWS": role("shop")}, "Action": "s3:*", "Resource": "arn:aws:s3:::pay-data/*"});
    seen["estate"]["buckets"]["pay-data"]["read"]["policy"] = json!({"read": policy(&grant)});
})]
#[case::association_on_the_wrong_service_account(Outside::RoleReach, "role-reaches", |seen: &mut Value| {
    seen["estate"]["associations"]["read"][1] = association("shop", "pay");
})]
#[case::shared_role(Outside::SharedRole, "shared-role", |seen: &mut Value| {
    seen["estate"]["associations"]["read"][1] = association("shop", "pay");
})]
#[case::another_account(Outside::TargetRole, "role-elsewhere", |seen: &mut Value| {
    seen["estate"]["associations"]["read"][1]["detail"]["read"]["targetRole"] = json!("arn:aws:iam::444455556666:role/x");
})]
#[case::missing_condition(Outside::Trust, "trust-open", |seen: &mut Value| {
    let mut open = trust("shop");
    open["Condition"]["StringEquals"].as_object_mut().unwrap().remove("aws:RequestTag/kubernetes-namespace");
    seen["estate"]["roles"][role("shop")]["read"]["trust"] = json!({"read": policy(&open)});
})]
#[case::session_tags_off(Outside::SessionTags, "session-tags-off", |seen: &mut Value| {
    let tagged = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalTag/kubernetes-namespace": "shop"}}});
    text(seen, "shop", &tagged);
    seen["estate"]["associations"]["read"][1]["detail"]["read"]["tagsOff"] = json!(true);
})]
#[case::open_to_everybody(Outside::BucketPolicy, "bucket-policy-open", |seen: &mut Value| on_bucket(seen, &open_to(&json!("*"))))]
#[case::open_to_a_tenant(Outside::BucketPolicy, "bucket-policy-open", |seen: &mut Value| {
    on_bucket(seen, &open_to(&json!({"AWS": role("pay")})));
})]
#[case::open_to_an_account(Outside::BucketPolicy, "bucket-policy-other-account", |seen: &mut Value| {
    on_bucket(seen, &open_to(&json!({"AWS": "arn:aws:iam::444455556666:root"})));
})]
#[case::public_by_s3(Outside::BucketPolicy, "bucket-policy-open", |seen: &mut Value| {
    on_bucket(seen, &open_to(&json!({"AWS": role("shop")})));
    seen["estate"]["buckets"]["shop-data"]["read"]["isPublic"] = json!({"read": true});
})]
#[case::public_access_block_off(Outside::PublicAccessBlock, "public-access-block-off", |seen: &mut Value| {
    seen["estate"]["buckets"]["shop-data"]["read"]["publicAccessBlock"]["read"]["blockPublicPolicy"] = json!(false);
})]
#[case::no_public_access_block(Outside::PublicAccessBlock, "public-access-block-off", |seen: &mut Value| {
    seen["estate"]["buckets"]["shop-data"]["read"]["publicAccessBlock"] = json!("absent");
})]
#[case::tag_missing(Outside::Tags, "tag-missing", |seen: &mut Value| {
    seen["estate"]["buckets"]["shop-data"]["read"]["tags"] = json!("absent");
})]
#[case::anothers_tag(Outside::Tags, "tag-differs", |seen: &mut Value| {
    seen["estate"]["buckets"]["shop-data"]["read"]["tags"] = json!({"read": {"tenant": "pay"}});
})]
fn a_broken_fence_is_found(#[case] outside: Outside, #[case] kind: &str, #[case] sabotage: Sabotage) {
    let mut seen = whole();
    sabotage(&mut seen);
    let (verdict, found, reason) = judged(&seen, outside);
    assert_eq!((verdict, found.as_str()), (Verdict::Fail, kind), "{reason}");
}

#[rstest]
#[case::associations_unread(&ALL[..5], "associations-unread", |seen: &mut Value| {
    seen["estate"]["associations"] = json!({"unread": "is not allowed"});
})]
#[case::no_association(&ALL[..5], "no-association", |seen: &mut Value| {
    seen["estate"]["associations"]["read"].as_array_mut().unwrap().remove(1);
})]
#[case::role_unread(&[Outside::RoleReach], "not-told", |seen: &mut Value| {
    seen["estate"]["roles"][role("shop")] = json!({"unread": "is not allowed"});
})]
#[case::role_without_policy(&[Outside::RoleReach], "control-missing", |seen: &mut Value| text(seen, "shop", &json!([])))]
#[case::trust_unread(&[Outside::Trust], "trust-unread", |seen: &mut Value| {
    seen["estate"]["roles"][role("shop")]["read"]["trust"] = json!({"unread": "was throttled"});
})]
#[case::trust_shuts_out(&[Outside::Trust], "trust-shuts-out", |seen: &mut Value| {
    seen["estate"]["roles"][role("shop")]["read"]["trust"] = json!({"read": policy(&trust("other"))});
})]
#[case::unknown_operator(&[Outside::RoleReach], "not-told", |seen: &mut Value| {
    let odd = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*",
        "Condition": {"StringSounds": {"aws:PrincipalTag/kubernetes-namespace": "pay"}}});
    text(seen, "shop", &json!([own("shop"), odd]));
})]
#[case::no_such_bucket(&[Outside::RoleReach], "not-told", |seen: &mut Value| {
    seen["estate"]["buckets"]["pay-data"] = json!("absent");
})]
#[case::own_bucket_missing(&[Outside::BucketPolicy, Outside::PublicAccessBlock, Outside::Tags], "no-bucket", |seen: &mut Value| {
    seen["estate"]["buckets"]["shop-data"] = json!("absent");
})]
#[case::policy_unread(&[Outside::BucketPolicy], "bucket-unread", |seen: &mut Value| {
    seen["estate"]["buckets"]["shop-data"]["read"]["policy"] = json!({"unread": "is not allowed"});
})]
fn what_was_not_read_is_never_a_pass(#[case] all: &[Outside], #[case] kind: &str, #[case] change: Sabotage) {
    for outside in all {
        let mut seen = whole();
        change(&mut seen);
        let (verdict, found, reason) = judged(&seen, *outside);
        assert_eq!((verdict, found.as_str()), (Verdict::Inconclusive, kind), "{outside:?}: {reason}");
    }
}

#[test]
fn a_shared_bucket_is_told_apart_by_prefixes() {
    let mut seen = whole();
    for tenant in ["pay", "shop"] {
        seen["tenants"][tenant]["buckets"] = json!([{"name": "all", "prefix": format!("{tenant}/"), "account": null}]);
        let objects = json!({"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            "Resource": "arn:aws:s3:::all/${aws:PrincipalTag/kubernetes-namespace}/*"});
        let list = json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::all",
            "Condition": {"StringLike": {"s3:prefix": "${aws:PrincipalTag/kubernetes-namespace}/*"}}});
        text(&mut seen, tenant, &json!([objects, list]));
    }
    seen["estate"]["buckets"] = json!({"all": bucket("shop")});
    let (verdict, _, reason) = judged(&seen, Outside::RoleReach);
    assert_eq!(verdict, Verdict::Pass, "{reason}");
}
