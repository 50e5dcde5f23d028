use std::collections::BTreeMap;

use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::semantics::Answer;

const ROLE: &str = "arn:aws:iam::111122223333:role/shop";
const OBJECT: &str = "arn:aws:s3:::shop-data/k";

fn statement(effect: &str, action: &Value, resource: &Value, condition: &Value) -> String {
    let mut statement = json!({"Effect": effect, "Action": action, "Resource": resource});
    if !condition.is_null() {
        statement["Condition"] = condition.clone();
    }
    json!({"Version": "2012-10-17", "Statement": statement}).to_string()
}

fn own() -> String {
    statement("Allow", &json!("s3:*"), &json!(["arn:aws:s3:::shop-data", "arn:aws:s3:::shop-data/*"]), &Value::Null)
}

fn role(policies: &[String]) -> RoleInfo {
    let named =
        |(number, text): (usize, &String)| NamedPolicy { name: format!("p{number}"), text: Part::Read(text.clone()) };
    RoleInfo {
        trust: Part::Absent,
        boundary: Part::Absent,
        policies: Part::Read(policies.iter().enumerate().map(named).collect()),
        tags: BTreeMap::new(),
        longest_session: None,
    }
}

fn bucket(policy: Part<String>) -> BucketInfo {
    BucketInfo {
        owner: Owner::Account("111122223333".to_owned()),
        region: Part::Read("eu-west-1".to_owned()),
        policy,
        public_access_block: Part::Absent,
        tags: Part::Absent,
        is_public: Part::Absent,
    }
}

fn estate(policies: &[String], policy: Part<String>) -> Estate {
    Estate {
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        cluster: "arn:aws:eks:eu-west-1:111122223333:cluster/one".to_owned(),
        associations: Part::Read(vec![AssociationInfo {
            id: "a-1".to_owned(),
            namespace: "shop".to_owned(),
            service_account: "app".to_owned(),
            detail: Part::Read(AssociationDetail {
                role: ROLE.to_owned(),
                target_role: None,
                external_id: None,
                tags_off: false,
                policy: None,
            }),
        }]),
        other_associations: 0,
        roles: BTreeMap::from([(ROLE.to_owned(), Part::Read(role(policies)))]),
        buckets: BTreeMap::from([("shop-data".to_owned(), Part::Read(bucket(policy)))]),
        organization: None,
    }
}

fn ask(estate: &Estate, action: &str, resource: &str) -> Found {
    let who = ServiceAccount { namespace: "shop", name: "app" };
    estate.decide(&Ask { who, action, resource, told: &[] })
}

fn detail(estate: &mut Estate) -> &mut AssociationDetail {
    let Part::Read(all) = &mut estate.associations else { panic!() };
    let Part::Read(detail) = &mut all[0].detail else { panic!() };
    detail
}

#[test]
fn a_role_reaches_what_its_policies_say() {
    let estate = estate(&[own()], Part::Absent);
    assert_eq!(ask(&estate, "s3:GetObject", OBJECT).answer, Answer::Allowed);
    // Another bucket that was not read may have a policy that grants it.
    let other = ask(&estate, "s3:GetObject", "arn:aws:s3:::pay-data/k");
    assert_eq!(other.answer, Answer::Unknown);
    assert!(other.because.contains("pay-data"), "{}", other.because);
}

#[rstest]
#[case::own_namespace("StringEquals", "aws:PrincipalTag/kubernetes-namespace", "shop", Answer::Allowed)]
#[case::another("StringEquals", "aws:PrincipalTag/kubernetes-namespace", "pay", Answer::Denied)]
#[case::cluster(
    "ArnEquals",
    "aws:PrincipalTag/eks-cluster-arn",
    "arn:aws:eks:eu-west-1:111122223333:cluster/one",
    Answer::Allowed
)]
#[case::no_such_tag("StringEquals", "aws:PrincipalTag/team", "shop", Answer::Denied)]
#[case::pod_name("StringLike", "aws:PrincipalTag/kubernetes-pod-name", "app-*", Answer::Unknown)]
#[case::address("IpAddress", "aws:SourceIp", "10.0.0.0/8", Answer::Unknown)]
#[case::operator("StringSounds", "aws:PrincipalTag/kubernetes-namespace", "shop", Answer::Unknown)]
#[case::owner("StringEquals", "aws:ResourceAccount", "111122223333", Answer::Allowed)]
fn conditions(#[case] operator: &str, #[case] key: &str, #[case] value: &str, #[case] wanted: Answer) {
    let policy = statement("Allow", &json!("s3:GetObject"), &json!("*"), &json!({operator: {key: value}}));
    let found = ask(&estate(&[policy], Part::Absent), "s3:GetObject", OBJECT);
    assert_eq!(found.answer, wanted, "{}", found.because);
}

#[test]
fn tags_that_are_off_are_not_there() {
    let tag = "aws:PrincipalTag/kubernetes-namespace";
    let policy = statement("Allow", &json!("s3:*"), &json!("*"), &json!({"StringEquals": {tag: "shop"}}));
    let fence = statement("Deny", &json!("s3:*"), &json!("*"), &json!({"StringNotEqualsIfExists": {tag: "pay"}}));
    let mut estate = estate(&[policy, own(), fence], Part::Absent);
    assert_eq!(ask(&estate, "s3:GetObject", OBJECT).answer, Answer::Denied);
    detail(&mut estate).tags_off = true;
    let found = ask(&estate, "s3:GetObject", OBJECT);
    assert!(found.answer == Answer::Denied && found.explicit, "{}", found.because);
}

#[test]
fn a_session_policy_and_a_boundary_limit() {
    let mut estate = estate(&[own()], Part::Absent);
    detail(&mut estate).policy = Some(statement("Allow", &json!("s3:GetObject"), &json!(OBJECT), &Value::Null));
    assert_eq!(ask(&estate, "s3:GetObject", OBJECT).answer, Answer::Allowed);
    assert_eq!(ask(&estate, "s3:PutObject", OBJECT).answer, Answer::Denied);
    let Some(Part::Read(role)) = estate.roles.get_mut(ROLE) else { panic!() };
    role.boundary = Part::Unread("AccessDenied".to_owned());
    let found = ask(&estate, "s3:GetObject", OBJECT);
    assert_eq!(found.answer, Answer::Unknown);
    assert!(found.because.contains("boundary") && found.because.contains("AccessDenied"), "{}", found.because);
    assert_eq!(ask(&estate, "s3:PutObject", OBJECT).answer, Answer::Denied, "whatever the boundary says");
}

#[test]
fn a_bucket_that_grants_and_one_that_was_not_read() {
    let grant = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::shop-data/*",
    }});
    let opened = estate(&[], Part::Read(grant.to_string()));
    assert_eq!(ask(&opened, "s3:GetObject", OBJECT).answer, Answer::Allowed);
    assert_eq!(ask(&opened, "s3:PutObject", OBJECT).answer, Answer::Denied);
    let unread = estate(&[], Part::Unread("AccessDenied".to_owned()));
    let found = ask(&unread, "s3:GetObject", OBJECT);
    assert!(found.answer == Answer::Unknown && found.because.contains("AccessDenied"), "{}", found.because);
}

#[test]
fn a_role_without_policy_reaches_nothing_and_one_that_was_not_read_anything() {
    let mut estate = estate(&[], Part::Absent);
    assert_eq!(ask(&estate, "s3:GetObject", OBJECT).answer, Answer::Denied);
    estate.roles.insert(ROLE.to_owned(), Part::Unread("throttled".to_owned()));
    assert_eq!(ask(&estate, "s3:GetObject", OBJECT).answer, Answer::Unknown);
    estate.associations = Part::Unread("no way".to_owned());
    assert!(ask(&estate, "s3:GetObject", OBJECT).because.contains("no way"));
}

#[test]
fn organizations_policies_that_were_given_decide() {
    let mut estate = estate(&[own()], Part::Absent);
    let document: Value = serde_json::from_str(&statement("Deny", &json!("s3:*"), &json!("*"), &Value::Null)).unwrap();
    let full: Value = serde_json::from_str(&statement("Allow", &json!("*"), &json!("*"), &Value::Null)).unwrap();
    let level = vec![
        GivenPolicy { name: "FullAWSAccess".to_owned(), document: full },
        GivenPolicy { name: "fence".to_owned(), document },
    ];
    estate.organization = Some(OrganizationPolicies { scps: vec![level], rcps: Vec::new() });
    let found = ask(&estate, "s3:GetObject", OBJECT);
    assert!(found.explicit && found.because.contains("fence"), "{}", found.because);
}

#[test]
fn a_target_role_is_whose_policies_count() {
    let target = "arn:aws:iam::444455556666:role/data";
    let mut estate = estate(&[own()], Part::Absent);
    detail(&mut estate).target_role = Some(target.to_owned());
    estate.roles.insert(target.to_owned(), Part::Read(role(&[own()])));
    let found = ask(&estate, "s3:GetObject", OBJECT);
    assert!(found.answer == Answer::Denied && found.because.contains("another account"), "{}", found.because);
}

#[test]
fn an_estate_is_the_same_after_it_was_written() {
    let estate = estate(&[own()], Part::Unread("why".to_owned()));
    let text = serde_json::to_string(&estate).unwrap();
    assert_eq!(serde_json::from_str::<Estate>(&text).unwrap(), estate);
}
