//! Every way to a verdict, by table.

mod ways;

use rstest::rstest;
use serde_json::json;

use super::judge;
use crate::families::audit::{
    About, AnswerSeen, Ask, Deed, DeedSeen, KeptSeen, LogSeen, NameSeen, PolicySeen, Promised, Seen, SinkSeen, Topic,
};
use crate::families::{CaseResult, Stance};
use crate::model::AuditLevel::{self, Metadata, None as Nothing, Request, RequestResponse};
use crate::model::Verdict::{self, Fail, Inconclusive, Pass, Skipped};
use crate::plan::Case;
use crate::semantics::audit::{Event, Person, Stage};
use crate::suite::Access;

const REFUSED: &str =
    r#"pods is forbidden: User "u" cannot create resource "pods" in API group "" in the namespace "b""#;

fn promised(least: AuditLevel, most: AuditLevel) -> Promised {
    Promised { least, most, within_ms: Some(5000) }
}

fn ask(deed: Deed) -> Ask {
    let promised = match deed {
        Deed::PodCreate => promised(RequestResponse, RequestResponse),
        Deed::SecretRead => promised(Metadata, Metadata),
        _ => promised(Metadata, RequestResponse),
    };
    Ask::Record { deed, namespace: "a".into(), promised }
}

/// A deed and its record, as they are where all is well.
fn done(deed: Deed, name: bool) -> DeedSeen {
    let (code, message) = match deed {
        Deed::PodCreate => (201, ""),
        Deed::Foreign => (403, REFUSED),
        Deed::Admission => (403, "pods \"m\" is forbidden: error looking up service account a/m"),
        _ => (404, "\"m\" not found"),
    };
    let about = About {
        verb: if matches!(deed, Deed::SecretRead) { "get" } else { "create" }.to_owned(),
        resource: if matches!(deed, Deed::SecretRead) { "secrets" } else { "pods" }.to_owned(),
        namespace: if matches!(deed, Deed::Foreign) { "b" } else { "a" }.to_owned(),
        ..About::default()
    };
    let level = if deed == Deed::SecretRead { "Metadata" } else { "RequestResponse" };
    let bodies = matches!(deed, Deed::PodCreate | Deed::Admission);
    let mut event = json!({
        "auditID": "1", "level": level, "stage": "ResponseComplete", "verb": about.verb,
        "requestURI": "/x?fieldManager=m", "user": {"username": "runner", "groups": []},
        "objectRef": {"resource": about.resource, "namespace": about.namespace, "name": "m"},
        "responseStatus": {"code": code, "message": message},
        "requestObject": bodies, "responseObject": bodies,
        "annotations": {"authorization.k8s.io/decision": if deed == Deed::Foreign { "forbid" } else { "allow" }},
    });
    let named = NameSeen { who: "a member of group g".to_owned(), user: "u".to_owned(), group: Some("g".to_owned()) };
    if name {
        event["impersonatedUser"] = json!({"username": "u", "groups": ["g", "system:authenticated"]});
    }
    DeedSeen {
        deed,
        namespace: "a".into(),
        about,
        name: name.then_some(named),
        mark: "m".to_owned(),
        at_ms: 1,
        answer: AnswerSeen { code, message: message.to_owned(), date: String::new() },
        events: vec![serde_json::from_value(event).unwrap()],
        found_after_ms: Some(300),
        sought_ms: None,
        computed: Some(KeptSeen { level: serde_json::from_value(json!(level)).unwrap(), rule: Some(1) }),
    }
}

fn seen(deed: DeedSeen) -> Seen {
    let control = DeedSeen { deed: Deed::ControlReview, name: None, ..done(Deed::SecretRead, false) };
    Seen {
        log: Some(LogSeen { sources: vec!["audit.log".to_owned()], servers: Some(1), lines: 9, ..LogSeen::default() }),
        runner: Person { username: "runner".to_owned(), groups: Vec::new() },
        deeds: [("deed".to_owned(), deed)].into(),
        controls: [("control".to_owned(), control)].into(),
        policy: Some(Vec::new()),
        ..Seen::default()
    }
}

fn verdict(ask: &Ask, seen: &Seen) -> (Verdict, String, CaseResult) {
    let case = Case {
        id: "audit.x:a".into(),
        check: "audit.x".into(),
        family: "audit".into(),
        title: "x".to_owned(),
        from: "a".into(),
        to: "a".into(),
        expect: Access::Allowed,
        ask: serde_json::to_value(ask).unwrap(),
    };
    let result = judge(std::slice::from_ref(&case), seen).unwrap().remove(0);
    let stored = serde_json::to_value(seen).unwrap();
    let again = crate::families::judge_again(&"audit".into(), &[case], &stored).unwrap();
    assert_eq!(again, std::slice::from_ref(&result), "stored observations should give the same verdict");
    let kind = result.judgement.cause.clone().map(|cause| cause.kind).unwrap_or_default();
    (result.judgement.verdict, kind, result)
}

fn check(ask: &Ask, seen: &Seen, expected: Verdict, kind: &str) {
    let (verdict, cause, result) = verdict(ask, seen);
    assert_eq!((verdict, cause.as_str()), (expected, kind), "{}", result.judgement.reason);
}

#[rstest]
fn what_is_on_record_as_promised_passes(
    #[values(Deed::PodCreate, Deed::Foreign, Deed::Admission, Deed::SecretRead, Deed::Exec, Deed::Read)] deed: Deed,
    #[values(true, false)] name: bool,
) {
    check(&ask(deed), &seen(done(deed, name)), Pass, "");
}

type Change = fn(&mut DeedSeen);

fn event(done: &mut DeedSeen) -> &mut Event {
    &mut done.events[0]
}

#[rstest]
#[case::not_there(Deed::PodCreate, |one: &mut DeedSeen| one.events.clear(), Fail, "not-recorded")]
#[case::late(Deed::PodCreate, |one: &mut DeedSeen| one.found_after_ms = Some(5001), Fail, "late")]
#[case::in_time(Deed::PodCreate, |one: &mut DeedSeen| one.found_after_ms = Some(5000), Pass, "")]
#[case::only_received(Deed::PodCreate, |one: &mut DeedSeen| event(one).stage = Stage::RequestReceived, Fail, "stage-missing")]
#[case::panicked(Deed::PodCreate, |one: &mut DeedSeen| event(one).stage = Stage::Panic, Fail, "stage-missing")]
#[case::another_runner(Deed::PodCreate, |one: &mut DeedSeen| event(one).user.username = "eve".to_owned(), Fail, "wrong-name")]
#[case::nobody_impersonated(Deed::PodCreate, |one: &mut DeedSeen| event(one).impersonated_user = None, Fail, "wrong-name")]
#[case::another_impersonated(
    Deed::PodCreate, |one: &mut DeedSeen| event(one).impersonated_user.as_mut().unwrap().username = "eve".to_owned(), Fail, "wrong-name"
)]
#[case::without_the_group(
    Deed::PodCreate, |one: &mut DeedSeen| event(one).impersonated_user.as_mut().unwrap().groups.clear(), Fail, "wrong-name"
)]
#[case::another_verb(Deed::PodCreate, |one: &mut DeedSeen| event(one).verb = "get".to_owned(), Fail, "wrong-object")]
#[case::another_namespace(
    Deed::PodCreate, |one: &mut DeedSeen| event(one).object_ref.as_mut().unwrap().namespace = "c".to_owned(), Fail, "wrong-object"
)]
#[case::no_object(Deed::PodCreate, |one: &mut DeedSeen| event(one).object_ref = None, Fail, "wrong-object")]
#[case::level(Deed::PodCreate, |one: &mut DeedSeen| event(one).level = Request, Fail, "level-too-low")]
#[case::no_request_body(Deed::PodCreate, |one: &mut DeedSeen| event(one).request_object = false, Fail, "body-missing")]
#[case::no_response_body(Deed::PodCreate, |one: &mut DeedSeen| event(one).response_object = false, Fail, "body-missing")]
#[case::another_status(
    Deed::PodCreate, |one: &mut DeedSeen| event(one).response_status.as_mut().unwrap().code = 200, Fail, "wrong-outcome"
)]
#[case::no_status(Deed::PodCreate, |one: &mut DeedSeen| event(one).response_status = None, Fail, "wrong-outcome")]
#[case::no_decision(Deed::PodCreate, |one: &mut DeedSeen| event(one).annotations.clear(), Fail, "decision-missing")]
#[case::other_decision(
    Deed::Foreign,
    |one: &mut DeedSeen| drop(event(one).annotations.insert("authorization.k8s.io/decision".to_owned(), "allow".to_owned())),
    Fail, "decision-missing"
)]
#[case::other_words(
    Deed::Admission, |one: &mut DeedSeen| event(one).response_status.as_mut().unwrap().message.clear(), Fail, "refusal-missing"
)]
#[case::secret_at_request(Deed::SecretRead, |one: &mut DeedSeen| event(one).level = Request, Fail, "secrets-on-record")]
#[case::secret_with_a_body(Deed::SecretRead, |one: &mut DeedSeen| event(one).response_object = true, Fail, "secrets-on-record")]
#[case::not_accepted(Deed::PodCreate, |one: &mut DeedSeen| one.answer.code = 422, Inconclusive, "not-as-meant")]
#[case::not_answered(Deed::Exec, |one: &mut DeedSeen| one.answer.code = 0, Inconclusive, "not-as-meant")]
#[case::a_server_that_fails(Deed::Exec, |one: &mut DeedSeen| one.answer.code = 500, Inconclusive, "not-as-meant")]
#[case::not_refused(Deed::Foreign, |one: &mut DeedSeen| one.answer.code = 201, Inconclusive, "not-as-meant")]
#[case::refused_by_admission(
    Deed::Foreign, |one: &mut DeedSeen| one.answer.message = "exceeded quota".to_owned(), Inconclusive, "not-as-meant"
)]
#[case::refused_by_authorization(
    Deed::Admission, |one: &mut DeedSeen| one.answer.message = REFUSED.to_owned(), Inconclusive, "not-as-meant"
)]
fn a_record_is_judged_by_all_that_it_must_have(
    #[case] deed: Deed,
    #[case] change: Change,
    #[case] expected: Verdict,
    #[case] kind: &str,
) {
    let mut one = done(deed, true);
    change(&mut one);
    check(&ask(deed), &seen(one), expected, kind);
}

type Scene = fn(&mut Seen);

#[rstest]
#[case::no_log(|seen: &mut Seen| seen.log = None, Skipped, "no-log")]
#[case::nothing_done(|seen: &mut Seen| seen.deeds.clear(), Inconclusive, "not-done")]
#[case::log_of_another_cluster(
    |seen: &mut Seen| seen.controls.values_mut().for_each(|control| control.events.clear()), Inconclusive, "log-mute"
)]
#[case::unreadable(|seen: &mut Seen| seen.log.as_mut().unwrap().trouble = Some("gone".to_owned()), Inconclusive, "log-unread")]
#[case::torn(|seen: &mut Seen| seen.log.as_mut().unwrap().torn = 1, Inconclusive, "log-torn")]
#[case::too_long(|seen: &mut Seen| seen.log.as_mut().unwrap().too_long = 1, Inconclusive, "log-torn")]
#[case::one_log_of_three(|seen: &mut Seen| seen.log.as_mut().unwrap().servers = Some(3), Inconclusive, "other-servers")]
#[case::unknown_servers(|seen: &mut Seen| seen.log.as_mut().unwrap().servers = None, Inconclusive, "other-servers")]
#[case::missing(|_: &mut Seen| {}, Fail, "not-recorded")]
fn what_is_not_found_is_missing_only_where_the_log_shows_what_came_after(
    #[case] change: Scene,
    #[case] expected: Verdict,
    #[case] kind: &str,
) {
    let mut one = done(Deed::PodCreate, true);
    one.events.clear();
    one.found_after_ms = None;
    let mut seen = seen(one);
    change(&mut seen);
    check(&ask(Deed::PodCreate), &seen, expected, kind);
}

#[test]
fn clocks_that_differ_change_nothing() {
    let mut one = done(Deed::PodCreate, true);
    let (ask, expected) = (ask(Deed::PodCreate), verdict(&ask(Deed::PodCreate), &seen(one.clone())));
    for (at_ms, stamp) in [(0, "1970-01-01T00:01:00Z"), (60_000, "1970-01-01T00:00:00Z")] {
        one.at_ms = at_ms;
        stamp.clone_into(&mut event(&mut one).request_received_timestamp);
        stamp.clone_into(&mut one.answer.date);
        let found = verdict(&ask, &seen(one.clone()));
        assert_eq!((found.0, found.1), (expected.0, expected.1.clone()), "the clocks are a minute apart");
    }
}

#[test]
fn the_tenants_own_request_is_judged_before_the_runners() {
    let mut all = seen(done(Deed::PodCreate, false));
    all.deeds.insert("z".to_owned(), done(Deed::PodCreate, true));
    let (_, _, result) = verdict(&ask(Deed::PodCreate), &all);
    assert!(result.judgement.reason.contains("a member of group g"), "{}", result.judgement.reason);
    assert_eq!(result.evidence, ["deeds/z"]);
}

#[rstest]
#[case::engine_that_refuses_nothing(Deed::Engine, 201, Skipped, "nothing-refuses")]
#[case::no_name_may_be_taken(Deed::Foreign, 0, Skipped, "not-impersonated")]
fn what_cannot_be_tried_is_skipped(
    #[case] deed: Deed,
    #[case] code: u16,
    #[case] expected: Verdict,
    #[case] kind: &str,
) {
    let mut one = done(Deed::PodCreate, true);
    one.deed = Deed::Engine;
    one.answer.code = code;
    check(&ask(deed), &seen(one), expected, kind);
}

#[rstest]
#[case::both(true, |_: &mut DeedSeen| {}, Pass, "")]
#[case::not_impersonated(false, |_: &mut DeedSeen| {}, Skipped, "not-impersonated")]
#[case::one_name(true, |one: &mut DeedSeen| event(one).impersonated_user = None, Fail, "wrong-name")]
fn an_impersonated_request_has_both_names(
    #[case] name: bool,
    #[case] change: Change,
    #[case] expected: Verdict,
    #[case] kind: &str,
) {
    let mut one = done(Deed::Read, name);
    change(&mut one);
    let ask = Ask::Impersonation { namespace: "a".into(), promised: promised(Metadata, RequestResponse) };
    check(&ask, &seen(one), expected, kind);
}

fn row(level: AuditLevel, of_others: AuditLevel, omits: &[Stage]) -> Seen {
    let row = PolicySeen {
        tenant: "a".into(),
        subject: "group g".to_owned(),
        topic: Topic::Secrets,
        kept: KeptSeen { level, rule: Some(3) },
        of_others: KeptSeen { level: of_others, rule: Some(4) },
        omits: omits.to_vec(),
        requests: vec!["get secrets in a".to_owned()],
    };
    Seen { policy: Some(vec![row]), ..Seen::default() }
}

#[rstest]
#[case::as_promised(Metadata, Pass, "")]
#[case::nothing(Nothing, Fail, "level-too-low")]
#[case::values(Request, Fail, "secrets-on-record")]
fn a_policys_text_is_judged_by_its_rule(#[case] level: AuditLevel, #[case] expected: Verdict, #[case] kind: &str) {
    let ask = Ask::Policy { tenant: "a".into(), topic: Topic::Secrets, promised: promised(Metadata, Metadata) };
    let seen = row(level, level, &[]);
    check(&ask, &seen, expected, kind);
    if expected == Fail {
        let reason = verdict(&ask, &seen).2.judgement.reason;
        assert!(reason.contains("rule 3 keeps") && reason.contains("by group g"), "{reason}");
    }
}

#[rstest]
#[case::as_others(Metadata, Metadata, &[Stage::RequestReceived], Pass, "", Pass, "")]
#[case::less(Nothing, Metadata, &[], Fail, "exempt", Pass, "")]
#[case::more(Request, Metadata, &[], Pass, "", Pass, "")]
#[case::without_outcome(Metadata, Metadata, &[Stage::ResponseComplete], Pass, "", Fail, "stage-omitted")]
#[case::without_panic(Metadata, Metadata, &[Stage::Panic], Pass, "", Fail, "stage-omitted")]
fn exemptions_and_stages_are_found(
    #[case] level: AuditLevel,
    #[case] of_others: AuditLevel,
    #[case] omits: &[Stage],
    #[case] exempt: Verdict,
    #[case] exempt_kind: &str,
    #[case] stages: Verdict,
    #[case] stages_kind: &str,
) {
    let seen = row(level, of_others, omits);
    check(&Ask::Exempt { tenant: "a".into() }, &seen, exempt, exempt_kind);
    check(&Ask::Stages { tenant: "a".into() }, &seen, stages, stages_kind);
}

#[rstest]
fn a_record_proves_no_name_where_nobody_knows_who_the_runner_is(#[values(true, false)] name: bool) {
    let mut seen = seen(done(Deed::Read, name));
    seen.runner = Person::default();
    check(&ask(Deed::Read), &seen, Inconclusive, "runner-unknown");
    let promised = promised(Metadata, RequestResponse);
    let (both, kind) = if name { (Inconclusive, "runner-unknown") } else { (Skipped, "not-impersonated") };
    check(&Ask::Impersonation { namespace: "a".into(), promised }, &seen, both, kind);
}

#[test]
fn a_topic_of_which_nothing_was_asked_passes_nothing() {
    let promised = promised(Metadata, RequestResponse);
    let ask = Ask::Policy { tenant: "a".into(), topic: Topic::Secrets, promised };
    let mut seen = row(Metadata, Metadata, &[]);
    seen.policy.iter_mut().flatten().for_each(|row| row.topic = Topic::Pods);
    check(&ask, &seen, Inconclusive, "not-asked");
}

#[test]
fn without_a_policy_its_text_is_not_judged() {
    let seen = Seen::default();
    let promised = promised(Metadata, Metadata);
    check(&Ask::Policy { tenant: "a".into(), topic: Topic::Pods, promised }, &seen, Skipped, "no-policy");
    check(&Ask::InForce { namespaces: vec!["a".into()] }, &seen, Skipped, "no-policy");
    let other = row(Metadata, Metadata, &[]);
    check(&Ask::Exempt { tenant: "b".into() }, &other, Inconclusive, "not-asked");
    check(&Ask::InForce { namespaces: vec!["a".into()] }, &other, Skipped, "no-log");
}

#[rstest]
#[case::same(|_: &mut Seen| {}, Pass, "")]
#[case::another_level(|seen: &mut Seen| kept(seen).level = Metadata, Fail, "another-policy")]
#[case::kept_though_the_text_says_none(|seen: &mut Seen| kept(seen).level = Nothing, Fail, "another-policy")]
#[case::not_found(|seen: &mut Seen| seen.deeds.get_mut("deed").unwrap().events.clear(), Inconclusive, "not-found")]
#[case::mute(|seen: &mut Seen| seen.controls.clear(), Inconclusive, "log-mute")]
#[case::nothing_to_compare(|seen: &mut Seen| seen.deeds.clear(), Inconclusive, "not-found")]
// That there is no event shows something only where there would have been one.
#[case::nothing_kept_and_nothing_there(nothing_kept, Pass, "")]
#[case::nothing_there_of_a_torn_log(|seen: &mut Seen| { nothing_kept(seen); log(seen).torn = 1; }, Inconclusive, "log-torn")]
#[case::nothing_there_of_two_servers(|seen: &mut Seen| { nothing_kept(seen); log(seen).servers = Some(2); }, Inconclusive, "other-servers")]
#[case::nothing_there_of_what_was_never_asked(|seen: &mut Seen| {
    nothing_kept(seen);
    seen.deeds.get_mut("deed").unwrap().answer.code = 0;
}, Inconclusive, "not-found")]
fn a_policy_in_force_is_told_by_the_levels(#[case] change: Scene, #[case] expected: Verdict, #[case] kind: &str) {
    let mut seen = seen(done(Deed::PodCreate, true));
    change(&mut seen);
    check(&Ask::InForce { namespaces: vec!["a".into()] }, &seen, expected, kind);
}

#[rstest]
#[case::found(|_: &mut Seen| {}, Stance::Allowed)]
#[case::another_level(|seen: &mut Seen| kept(seen).level = Metadata, Stance::Denied)]
#[case::a_mute_log_shows_nothing(|seen: &mut Seen| { nothing_kept(seen); seen.controls.clear(); }, Stance::Unknown)]
#[case::what_was_not_found_shows_nothing(|seen: &mut Seen| seen.deeds.get_mut("deed").unwrap().events.clear(), Stance::Unknown)]
fn what_a_log_does_not_show_is_no_observation(#[case] change: Scene, #[case] observed: Stance) {
    let mut seen = seen(done(Deed::PodCreate, true));
    change(&mut seen);
    let found = super::policy::in_force(&seen, &["a".into()]);
    assert_eq!(found.observed.stance, observed, "{}", found.observed.because);
}

fn nothing_kept(seen: &mut Seen) {
    kept(seen).level = Nothing;
    seen.deeds.get_mut("deed").unwrap().events.clear();
}

fn log(seen: &mut Seen) -> &mut LogSeen {
    seen.log.as_mut().unwrap()
}

fn kept(seen: &mut Seen) -> &mut KeptSeen {
    seen.deeds.get_mut("deed").unwrap().computed.as_mut().unwrap()
}

#[rstest]
#[case::refused(Stance::Denied, Stance::Allowed, Pass, "")]
#[case::allowed(Stance::Allowed, Stance::Allowed, Fail, "sink-open")]
#[case::not_answered(Stance::Unknown, Stance::Allowed, Inconclusive, "not-answered")]
#[case::without_control(Stance::Denied, Stance::Denied, Inconclusive, "control-missing")]
fn who_reaches_the_log_is_found(
    #[case] answer: Stance,
    #[case] control: Stance,
    #[case] expected: Verdict,
    #[case] kind: &str,
) {
    let what = "get configmaps in logging".to_owned();
    let key = format!("group g: {what}");
    let said = "RoleBinding logging/oops".to_owned();
    let seen = Seen {
        sink: [(key.clone(), SinkSeen { what, answer, said })].into(),
        subjects: [("group g".to_owned(), control)].into(),
        ..Seen::default()
    };
    let ask = |asked| Ask::Sink { subjects: ["group g".to_owned()].into(), asked, changes: false };
    check(&ask(vec![key.clone()]), &seen, expected, kind);
    if expected == Fail {
        let reason = verdict(&ask(vec![key.clone()]), &seen).2.judgement.reason;
        assert!(reason.starts_with("group g may get configmaps in logging"), "{reason}");
    }
    if expected == Pass {
        check(&ask(vec![key, "group g: what was not asked".to_owned()]), &seen, Inconclusive, "not-asked");
    }
}
