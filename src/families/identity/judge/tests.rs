//! Verdicts by what came back, in a small world: two tenants with a bucket, a table and a key each.

use rstest::rstest;

use super::*;
use crate::families::identity::orders::{self, Batch};
use crate::families::identity::parameters::Operation;
use crate::families::identity::plan::{IdentityPlan, Member, plan};
use crate::families::identity::seen::{ProbeSeen, call_key, expired_key, identity_key};
use crate::families::identity::{FAMILY, NAME};
use crate::families::scene::Scene;
use crate::families::{Judgement, seen_of};
use crate::model::{NodeName, RunId};
use crate::probe::wire::cloud::{
    Actor, CallAnswer, Class, Deed, Denial, Exchange, KeyMark, Layer, Manner, NetworkFault, Part, Provider, Refusal,
    Step,
};
use crate::semantics::Snapshot;

const TENANCY: &str = r#"
apiVersion: tenantproof.dev/v1
kind: Tenancy
name: two
tenants:
- id: a
  namespaces: [a]
  cloud:
    serviceAccounts: [{name: app}]
    buckets: [{name: a-data}, {name: shared, prefix: a/}]
    tables: [{name: a-table, partitionKey: id}]
    keys: ["arn:aws:kms:eu-west-1:111122223333:key/a"]
- id: b
  namespaces: [b]
  cloud:
    serviceAccounts: [{name: app}]
    buckets: [{name: b-data}, {name: shared, prefix: b/}]
    tables: [{name: b-table, partitionKey: id}]
    keys: ["arn:aws:kms:eu-west-1:111122223333:key/b"]
"#;
/// 2026-01-01T00:00:00Z, in milliseconds.
const NOW_MS: u64 = 1_767_225_600_000;

fn world() -> (IdentityPlan, Seen) {
    let scene = Scene::of(&FAMILY, TENANCY);
    let snapshot = Snapshot { nodes: vec![node("aws:///eu-west-1a/i-0123456789abcdef0")], ..Snapshot::default() };
    let mut plan = plan(&scene.input(&snapshot));
    // What is judged from outside has tests of its own.
    plan.cases.retain(|case| !case.check.as_str().starts_with("identity.outside."));
    let mut seen = Seen::default();
    let run = RunId::new("r1");
    for member in plan.everybody() {
        let probe = ProbeSeen {
            namespace: member.account.namespace.clone(),
            node: NodeName::new("n"),
            account: member.account.to_string(),
            pod: "p".to_owned(),
            fault: None,
        };
        seen.probes.insert(member.probe.name.clone(), probe);
    }
    for phase in [Phase::Before, Phase::During, Phase::After] {
        for member in &plan.members {
            for batch in orders::of_member(&plan, member, phase, &run) {
                answer(&mut seen, member, phase, &batch, false);
            }
        }
    }
    for member in &plan.strangers {
        for batch in orders::of_stranger(member, &run) {
            answer(&mut seen, member, Phase::During, &batch, true);
        }
    }
    (plan, seen)
}

/// The node that a plan without nodes names.
fn node(provider: &str) -> k8s_openapi::api::core::v1::Node {
    serde_json::from_value(serde_json::json!({"metadata": {"name": ""}, "spec": {"providerID": provider}})).unwrap()
}

/// As AWS answers where every fence stands.
fn answer(seen: &mut Seen, member: &Member, phase: Phase, batch: &Batch, is_stranger: bool) {
    let mark = KeyMark { kind: "ASIA".to_owned(), mark: format!("mark-of-{}", member.tenant) };
    for from in batch.fetches.values() {
        let outcome = match (from, is_stranger) {
            (Way::Chain, false) => SourceOutcome::Given,
            (Way::Chain, true) => SourceOutcome::NotConfigured,
            (Way::OwnToken, false) => SourceOutcome::Refused(Refusal::ForeignToken),
            (Way::OwnToken, true) => SourceOutcome::Refused(Refusal::NoAssociation),
            (Way::OtherHost, _) => SourceOutcome::Refused(Refusal::Address),
            (Way::Instance, _) => SourceOutcome::Network(NetworkFault::Timeout),
            (Way::InstanceV6, _) => SourceOutcome::Network(NetworkFault::Local),
        };
        let key = (outcome == SourceOutcome::Given).then(|| mark.clone());
        seen.fetches.insert(fetch_key(&member.probe.name, phase, *from), fetch(outcome, key));
    }
    for call in batch.order.series.iter().flatten() {
        let named = &batch.calls[&call.id];
        let tenant = member.tenant.as_str();
        let is_own = match &call.deed {
            Deed::CallerIdentity => true,
            Deed::List { prefix, bucket } => bucket.starts_with(tenant) || prefix.starts_with(&format!("{tenant}/")),
            Deed::Get { bucket, key }
            | Deed::Put { bucket, key, .. }
            | Deed::Delete { bucket, key }
            | Deed::Multipart { bucket, key, .. } => {
                bucket.starts_with(tenant) || key.starts_with(&format!("{tenant}/"))
            }
            Deed::Json { body, .. } => {
                let told = body.to_string();
                told.contains(&format!("{tenant}-table")) || told.contains(&format!("key/{tenant}"))
            }
        };
        let is_late = matches!(call.manner, Manner::Presigned { back_s, .. } if back_s > 0);
        let class = match (is_own, is_late, is_stranger) {
            (_, _, true) => Class::NoCredentials,
            (true, true, _) => Class::Expired,
            (true, false, _) => Class::Allowed,
            (false, ..) => denied(None),
        };
        let mut answer = call_answer(class);
        if call.deed == Deed::CallerIdentity && !is_stranger {
            let arn = format!("arn:aws:sts::111122223333:assumed-role/{tenant}-app/eks-c-p-1");
            answer.actor = Some(Actor { account: "111122223333".to_owned(), arn });
        }
        let call = CallSeen { deed: named.deed.clone(), key: (!is_stranger).then(|| mark.clone()), answer };
        seen.calls.insert(named.key.clone(), call);
    }
}

fn denied(action: Option<&str>) -> Class {
    Class::Denied(Denial { layer: Layer::Identity, explicit: false, action: action.map(str::to_owned) })
}

fn fetch(outcome: SourceOutcome, key: Option<KeyMark>) -> SourceAnswer {
    let exchange = Exchange {
        step: Step::Agent,
        status: Some(200),
        code: None,
        said: None,
        fault: None,
        at_ms: NOW_MS,
        micros: 1,
    };
    SourceAnswer {
        id: 1,
        provider: Some(Provider::Container),
        expires: key.as_ref().map(|_| "2026-01-01T06:00:00Z".to_owned()),
        account: key.as_ref().map(|_| "111122223333".to_owned()),
        outcome,
        key,
        role: None,
        token_withheld: false,
        exchanges: vec![exchange],
    }
}

fn call_answer(class: Class) -> CallAnswer {
    CallAnswer {
        id: 1,
        class,
        status: Some(200),
        code: None,
        said: None,
        request_id: Some("req".to_owned()),
        region: None,
        requests: 1,
        skew_s: None,
        part: None,
        actor: None,
        at_ms: NOW_MS,
        micros: 1,
    }
}

fn probe(account: &str) -> ProbeName {
    ProbeName::new(format!("identity:{account}@"))
}

fn judged(plan: &IdentityPlan, seen: &Seen, id: &str) -> Judgement {
    let case = plan.cases.iter().find(|case| case.id.as_str() == id);
    let case = case.unwrap_or_else(|| panic!("{id} among {:#?}", plan.cases.iter().map(|c| &c.id).collect::<Vec<_>>()));
    judge(std::slice::from_ref(case), seen).unwrap().remove(0).judgement
}

/// What a case comes to: its verdict, and the kind of its cause where it has one.
fn outcome(plan: &IdentityPlan, seen: &Seen, id: &str) -> (Verdict, Option<String>) {
    let judgement = judged(plan, seen, id);
    (judgement.verdict, judgement.cause.map(|cause| cause.kind))
}

#[test]
fn where_every_fence_stands_every_case_passes() {
    let (plan, seen) = world();
    // Of two tenants: two buckets each with six calls on own and other's, a table, a key; five alone, one late, a stranger.
    assert_eq!(plan.cases.len(), 2 * (2 * 12 + 2 + 2 + 5 + 1 + 1));
    for result in judge(&plan.cases, &seen).unwrap() {
        assert_eq!(result.judgement.verdict, Verdict::Pass, "{}: {}", result.case.id, result.judgement.reason);
        assert!(!result.evidence.is_empty(), "{} rests on something", result.case.id);
    }
}

#[test]
fn what_is_stored_is_judged_alike() {
    let (plan, seen) = world();
    let stored = serde_json::to_value(&seen).unwrap();
    let again: Seen = seen_of(NAME, &stored).unwrap();
    assert_eq!(judge(&plan.cases, &again).unwrap(), judge(&plan.cases, &seen).unwrap());
}

#[test]
fn every_order_is_one_that_a_probe_carries_out_and_small() {
    let (plan, _) = world();
    let run = RunId::new("20260101-000000-abcd");
    for member in &plan.members {
        for phase in [Phase::Before, Phase::During, Phase::After] {
            let batches = orders::of_member(&plan, member, phase, &run);
            for (index, batch) in batches.iter().enumerate() {
                assert_eq!(batch.order.fault(), None);
                assert!(serde_json::to_string(&batch.order).unwrap().len() < 60_000);
                let is_last = phase == Phase::After && index + 1 == batches.len();
                assert_eq!(batch.order.keep, !is_last, "what was written stays to the end and no longer");
            }
        }
    }
    for batch in plan.strangers.iter().flat_map(|member| orders::of_stranger(member, &run)) {
        assert_eq!(batch.order.fault(), None);
    }
}

const OTHERS_GET: &str = "identity.other-bucket.get:a/app>s3://b-data";

#[rstest]
#[case::allowed(Class::Allowed, Verdict::Fail, "reaches-another-tenant")]
#[case::key(Class::KeyDenied(Denial { layer: Layer::Untold, explicit: false, action: None }), Verdict::Inconclusive, "key-denied")]
#[case::not_found(Class::NotFound, Verdict::Inconclusive, "not-found")]
#[case::other_region(Class::OtherRegion, Verdict::Inconclusive, "other-region")]
#[case::busy(Class::Busy, Verdict::Inconclusive, "busy")]
#[case::expired(Class::Expired, Verdict::Inconclusive, "expired")]
#[case::signature(Class::BadSignature, Verdict::Inconclusive, "bad-signature")]
#[case::skew(Class::ClockSkew, Verdict::Inconclusive, "clock-skew")]
#[case::unknown(Class::UnknownCredentials, Verdict::Inconclusive, "unknown-credentials")]
#[case::rejected(Class::Rejected, Verdict::Inconclusive, "rejected")]
#[case::foreign(Class::Foreign, Verdict::Inconclusive, "foreign")]
#[case::network(Class::Network(NetworkFault::Timeout), Verdict::Inconclusive, "network")]
#[case::no_credentials(Class::NoCredentials, Verdict::Inconclusive, "no-credentials")]
#[case::not_made(Class::NotMade("no region".to_owned()), Verdict::Inconclusive, "not-made")]
#[case::another_action(denied(Some("s3:ListBucket")), Verdict::Inconclusive, "another-action")]
fn nothing_but_a_denial_keeps_a_tenant_out(#[case] class: Class, #[case] verdict: Verdict, #[case] kind: &str) {
    let (plan, mut seen) = world();
    let key = call_key(&probe("a/app"), Phase::During, Operation::Get, "s3://b-data");
    seen.calls.get_mut(&key).unwrap().answer.class = class;
    assert_eq!(outcome(&plan, &seen, OTHERS_GET), (verdict, Some(kind.to_owned())));
    let others = judge(&plan.cases, &seen).unwrap();
    let others = others.iter().filter(|result| result.case.id.as_str() != OTHERS_GET);
    assert!(others.clone().all(|result| result.judgement.verdict == Verdict::Pass), "no other case hangs on it");
}

#[rstest]
#[case::own_denied("a/app", Phase::During, "s3://a-data", denied(None), "own-denied")]
#[case::owner_denied("b/app", Phase::During, "s3://b-data", denied(None), "owner-denied")]
#[case::owner_lost("b/app", Phase::During, "s3://b-data", Class::Network(NetworkFault::Closed), "owner-denied")]
#[case::never_there("b/app", Phase::Before, "s3://b-data", Class::NotFound, "object-unsure")]
#[case::gone_at_the_end("b/app", Phase::After, "s3://b-data", Class::NotFound, "object-unsure")]
fn a_denial_without_its_control_cases_proves_nothing(
    #[case] who: &str,
    #[case] phase: Phase,
    #[case] target: &str,
    #[case] class: Class,
    #[case] kind: &str,
) {
    let (plan, mut seen) = world();
    let mut set = |target: &str| {
        let key = call_key(&probe(who), phase, Operation::Get, target);
        seen.calls.get_mut(&key).unwrap().answer.class = class.clone();
    };
    set(target);
    if who == "a/app" {
        // Any bucket of its own would do.
        set("s3://shared/a/");
    }
    assert_eq!(outcome(&plan, &seen, OTHERS_GET), (Verdict::Inconclusive, Some(kind.to_owned())));
}

#[test]
fn a_denial_under_other_keys_proves_nothing() {
    let (plan, mut seen) = world();
    let key = call_key(&probe("a/app"), Phase::During, Operation::Put, "s3://b-data");
    seen.calls.get_mut(&key).unwrap().key = Some(KeyMark { kind: "ASIA".to_owned(), mark: "other".to_owned() });
    let id = "identity.other-bucket.put:a/app>s3://b-data";
    assert_eq!(outcome(&plan, &seen, id), (Verdict::Inconclusive, Some("own-denied".to_owned())));
}

#[test]
fn an_upload_that_was_begun_is_a_leak_however_it_ended() {
    let (plan, mut seen) = world();
    let key = call_key(&probe("a/app"), Phase::During, Operation::Multipart, "s3://b-data");
    let id = "identity.other-bucket.multipart:a/app>s3://b-data";
    for (part, verdict) in
        [(Part::Create, Verdict::Pass), (Part::Upload, Verdict::Fail), (Part::Complete, Verdict::Fail)]
    {
        seen.calls.get_mut(&key).unwrap().answer.part = Some(part);
        assert_eq!(judged(&plan, &seen, id).verdict, verdict, "{part:?}");
    }
}

#[test]
fn what_a_probe_could_not_try_is_inconclusive_and_said() {
    let (plan, mut seen) = world();
    seen.probes.get_mut(&probe("a/app")).unwrap().fault = Some("no room".to_owned());
    let results = judge(&plan.cases, &seen).unwrap();
    let of_a = results.iter().filter(|result| result.case.id.as_str().contains(":a/app"));
    assert!(of_a.clone().all(|result| result.judgement.verdict == Verdict::Inconclusive));
    assert!(of_a.clone().all(|result| result.judgement.reason.contains("no room")));
    let nothing = judge(&plan.cases, &Seen::default()).unwrap();
    assert!(nothing.iter().all(|result| result.judgement.verdict == Verdict::Inconclusive));
}

#[rstest]
#[case::denied(denied(None), Verdict::Fail, "own-denied")]
#[case::key(Class::KeyDenied(Denial { layer: Layer::Resource, explicit: false, action: None }), Verdict::Fail, "key-denied")]
#[case::missing(Class::NotFound, Verdict::Inconclusive, "not-found")]
#[case::away(Class::Busy, Verdict::Inconclusive, "busy")]
fn its_own_must_be_reached(#[case] class: Class, #[case] verdict: Verdict, #[case] kind: &str) {
    let (plan, mut seen) = world();
    let key = call_key(&probe("b/app"), Phase::During, Operation::List, "s3://b-data");
    seen.calls.get_mut(&key).unwrap().answer.class = class;
    let id = "identity.own-bucket.list:b/app>s3://b-data";
    assert_eq!(outcome(&plan, &seen, id), (verdict, Some(kind.to_owned())));
}

type Change = fn(&mut SourceAnswer);

#[rstest]
#[case::static_keys(|f: &mut SourceAnswer| f.provider = Some(Provider::Environment), Verdict::Fail, "static-keys")]
#[case::node(|f: &mut SourceAnswer| f.provider = Some(Provider::Instance), Verdict::Fail, "node-role")]
#[case::user_keys(|f: &mut SourceAnswer| f.key = Some(KeyMark { kind: "AKIA".into(), mark: "m".into() }), Verdict::Fail, "long-lived")]
#[case::endless(|f: &mut SourceAnswer| f.expires = None, Verdict::Fail, "never-ends")]
#[case::too_long(|f: &mut SourceAnswer| f.expires = Some("2026-01-01T06:01:01Z".into()), Verdict::Fail, "lives-too-long")]
#[case::ended(|f: &mut SourceAnswer| f.expires = Some("2025-12-31T23:59:59Z".into()), Verdict::Inconclusive, "ended")]
#[case::unreadable(|f: &mut SourceAnswer| f.expires = Some("soon".into()), Verdict::Inconclusive, "no-expiry")]
#[case::nothing(|f: &mut SourceAnswer| f.outcome = SourceOutcome::NotConfigured, Verdict::Fail, "no-credentials")]
#[case::nothing_but_an_instance_that_is_silent(
    |f: &mut SourceAnswer| {
        f.provider = Some(Provider::Instance);
        f.outcome = SourceOutcome::Network(NetworkFault::Timeout);
    },
    Verdict::Fail,
    "no-credentials"
)]
#[case::unassociated(|f: &mut SourceAnswer| f.outcome = SourceOutcome::Refused(Refusal::NoAssociation), Verdict::Fail, "no-credentials")]
#[case::untrusted(|f: &mut SourceAnswer| f.outcome = SourceOutcome::Refused(Refusal::AccessDenied), Verdict::Fail, "not-assumed")]
#[case::away(|f: &mut SourceAnswer| f.outcome = SourceOutcome::Network(NetworkFault::Refused), Verdict::Inconclusive, "no-credentials")]
#[case::busy(|f: &mut SourceAnswer| f.outcome = SourceOutcome::Refused(Refusal::Busy), Verdict::Inconclusive, "no-credentials")]
fn credentials_are_a_roles_and_end(#[case] change: Change, #[case] verdict: Verdict, #[case] kind: &str) {
    let (plan, mut seen) = world();
    change(seen.fetches.get_mut(&fetch_key(&probe("a/app"), Phase::During, Way::Chain)).unwrap());
    assert_eq!(outcome(&plan, &seen, "identity.credentials:a/app"), (verdict, Some(kind.to_owned())));
}

#[rstest]
#[case::shared("arn:aws:sts::111122223333:assumed-role/b-app/eks-c-p-2", Verdict::Fail, Some("role-shared"))]
#[case::of_another_account("arn:aws:sts::444455556666:assumed-role/b-app/eks-c-p-2", Verdict::Pass, None)]
#[case::a_user("arn:aws:iam::111122223333:user/app", Verdict::Fail, Some("no-role"))]
fn whose_the_credentials_are_is_asked(#[case] arn: &str, #[case] verdict: Verdict, #[case] kind: Option<&str>) {
    let (plan, mut seen) = world();
    let call = seen.calls.get_mut(&identity_key(&probe("a/app"), Way::Chain)).unwrap();
    call.answer.actor = Some(Actor { account: "111122223333".to_owned(), arn: arn.to_owned() });
    assert_eq!(outcome(&plan, &seen, "identity.credentials:a/app"), (verdict, kind.map(str::to_owned)));
}

#[test]
fn a_session_of_the_nodes_role_is_the_nodes_whoever_gave_it() {
    let (plan, mut seen) = world();
    let fetch = seen.fetches.get_mut(&fetch_key(&probe("a/app"), Phase::During, Way::Instance)).unwrap();
    fetch.outcome = SourceOutcome::Named;
    fetch.role = Some("a-app".to_owned());
    for id in ["identity.credentials:a/app", "identity.instance-metadata:a/app"] {
        assert_eq!(outcome(&plan, &seen, id), (Verdict::Fail, Some("node-role".to_owned())));
    }
}

#[test]
fn a_rotation_is_told_where_it_was_seen_and_where_it_was_not() {
    let (plan, mut seen) = world();
    let id = "identity.rotation:a/app";
    assert!(judged(&plan, &seen, id).reason.contains("a rotation was not seen"));
    let last = seen.fetches.get_mut(&fetch_key(&probe("a/app"), Phase::After, Way::Chain)).unwrap();
    last.key = Some(KeyMark { kind: "ASIA".to_owned(), mark: "new".to_owned() });
    assert!(judged(&plan, &seen, id).reason.contains("2 keys: a rotation was seen"));
    seen.fetches.remove(&fetch_key(&probe("a/app"), Phase::After, Way::Chain));
    assert_eq!(judged(&plan, &seen, id).verdict, Verdict::Inconclusive);
}

const GIVEN: SourceOutcome = SourceOutcome::Given;
const AWAY: SourceOutcome = SourceOutcome::Network(NetworkFault::Timeout);

#[rstest]
#[case::audience(Way::OwnToken, "wrong-audience", GIVEN, Verdict::Fail)]
#[case::audience_not_told(Way::OwnToken, "wrong-audience", SourceOutcome::NotConfigured, Verdict::Skipped)]
#[case::audience_stale(
    Way::OwnToken,
    "wrong-audience",
    SourceOutcome::Refused(Refusal::StaleToken),
    Verdict::Inconclusive
)]
#[case::audience_away(Way::OwnToken, "wrong-audience", AWAY, Verdict::Inconclusive)]
#[case::host(Way::OtherHost, "agent-address", GIVEN, Verdict::Fail)]
#[case::host_otherwise(
    Way::OtherHost,
    "agent-address",
    SourceOutcome::Refused(Refusal::NoToken),
    Verdict::Inconclusive
)]
#[case::metadata(Way::Instance, "instance-metadata", SourceOutcome::Named, Verdict::Fail)]
#[case::metadata_v6(Way::InstanceV6, "instance-metadata", SourceOutcome::Named, Verdict::Fail)]
#[case::metadata_without_a_role(Way::Instance, "instance-metadata", SourceOutcome::NoRole, Verdict::Pass)]
#[case::metadata_off(Way::Instance, "instance-metadata", SourceOutcome::Refused(Refusal::Other), Verdict::Pass)]
#[case::metadata_busy(Way::Instance, "instance-metadata", SourceOutcome::Refused(Refusal::Busy), Verdict::Inconclusive)]
#[case::metadata_local(
    Way::Instance,
    "instance-metadata",
    SourceOutcome::Network(NetworkFault::Local),
    Verdict::Inconclusive
)]
#[case::metadata_odd(Way::Instance, "instance-metadata", SourceOutcome::Malformed, Verdict::Inconclusive)]
fn attacks_lead_nowhere(
    #[case] from: Way,
    #[case] check: &str,
    #[case] outcome: SourceOutcome,
    #[case] verdict: Verdict,
) {
    let (plan, mut seen) = world();
    seen.fetches.get_mut(&fetch_key(&probe("a/app"), Phase::During, from)).unwrap().outcome = outcome;
    let judgement = judged(&plan, &seen, &format!("identity.{check}:a/app"));
    assert_eq!(judgement.verdict, verdict, "{}", judgement.reason);
}

#[rstest]
fn an_attack_beside_no_control_proves_nothing(
    #[values("wrong-audience", "agent-address", "instance-metadata")] check: &str,
) {
    let (plan, mut seen) = world();
    seen.fetches.get_mut(&fetch_key(&probe("a/app"), Phase::During, Way::Chain)).unwrap().outcome = AWAY;
    let id = format!("identity.{check}:a/app");
    assert_eq!(outcome(&plan, &seen, &id), (Verdict::Inconclusive, Some("control-missing".to_owned())));
}

#[rstest]
#[case::given(Way::OwnToken, GIVEN, Verdict::Fail)]
#[case::given_by_itself(Way::Chain, GIVEN, Verdict::Fail)]
#[case::away(Way::OwnToken, AWAY, Verdict::Inconclusive)]
#[case::foreign(Way::OwnToken, SourceOutcome::Refused(Refusal::ForeignToken), Verdict::Inconclusive)]
fn who_has_no_association_gets_nothing(#[case] from: Way, #[case] outcome: SourceOutcome, #[case] verdict: Verdict) {
    let (plan, mut seen) = world();
    seen.fetches.get_mut(&fetch_key(&probe("a/default"), Phase::During, from)).unwrap().outcome = outcome;
    let judgement = judged(&plan, &seen, "identity.no-association:a/default");
    assert_eq!(judgement.verdict, verdict, "{}", judgement.reason);
}

#[rstest]
#[case::accepted(Class::Allowed, Verdict::Fail)]
#[case::skewed(Class::ClockSkew, Verdict::Pass)]
#[case::denied(denied(None), Verdict::Inconclusive)]
#[case::away(Class::Network(NetworkFault::Timeout), Verdict::Inconclusive)]
fn a_presigned_request_ends(#[case] class: Class, #[case] verdict: Verdict) {
    let (plan, mut seen) = world();
    seen.calls.get_mut(&expired_key(&probe("a/app"), "s3://a-data")).unwrap().answer.class = class;
    let id = "identity.expired:a/app>s3://a-data";
    assert_eq!(judged(&plan, &seen, id).verdict, verdict);
    let timely = call_key(&probe("a/app"), Phase::During, Operation::Presigned, "s3://a-data");
    seen.calls.get_mut(&timely).unwrap().answer.class = denied(None);
    assert_ne!(judged(&plan, &seen, id).verdict, Verdict::Pass);
}

/// Silence keeps nobody out where there is nothing that could answer.
#[rstest]
#[case::of_another_kind("kind://docker/lab/worker", false)]
#[case::fargate("aws:///eu-west-1a/0123456789-abcdef/fargate-ip-10-0-0-1.eu-west-1.compute.internal", false)]
#[case::none("", false)]
#[case::an_instance("aws:///eu-west-1a/i-0123456789abcdef0", true)]
fn silence_of_metadata_counts_on_an_instance_alone(#[case] provider: &str, #[case] is_instance: bool) {
    let (_, mut seen) = world();
    let scene = Scene::of(&FAMILY, TENANCY);
    let snapshot = Snapshot { nodes: vec![node(provider)], ..Snapshot::default() };
    let plan = plan(&scene.input(&snapshot));
    let id = "identity.instance-metadata:a/app";
    let wanted = if is_instance { (Verdict::Pass, None) } else { (Verdict::Skipped, Some("no-instance".to_owned())) };
    assert_eq!(outcome(&plan, &seen, id), wanted);
    let mut answers = |refusal: Refusal| {
        let refused = fetch(SourceOutcome::Refused(refusal), None);
        seen.fetches.insert(fetch_key(&probe("a/app"), Phase::During, Way::Instance), refused);
        outcome(&plan, &seen, id)
    };
    // Another cloud's service at the same address says nothing of an instance's.
    assert_eq!(answers(Refusal::Other), wanted);
    // What does answer is there, whatever the node says of itself.
    assert_eq!(answers(Refusal::TokenRequired), (Verdict::Pass, None));
}
