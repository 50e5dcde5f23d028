use std::collections::{BTreeMap, BTreeSet};

use rstest::rstest;
use serde_json::json;

use super::judge;
use crate::families::admission::ask::{Ask, Question};
use crate::families::admission::seen::{Answer, AnswerSeen, Seen, TrySeen};
use crate::families::{CaseResult, ReviewSeen, Subject};
use crate::model::{CaseId, CheckId, Family, Verdict};
use crate::plan::Case;
use crate::semantics::admission::{Away, Concern, Effect, Engine, Policy};
use crate::suite::Access;

const KEY: &str = "try:a/phi/pod/unset";
const TWIN: &str = "twin:a/phi/pod/unset";

fn gatekeeper(name: &str) -> Answer {
    let message = format!("admission webhook \"validation.gatekeeper.sh\" denied the request: [{name}] no");
    Answer::Refused { code: 403, message }
}

fn quota() -> Answer {
    let message = "pods \"p\" is forbidden: exceeded quota: share, requested: pods=1, used: pods=2, limited: pods=2";
    Answer::Refused { code: 403, message: message.to_owned() }
}

fn away() -> Answer {
    let why = "Internal error occurred: failed calling webhook \"validation.gatekeeper.sh\": context deadline exceeded";
    Answer::Silent { why: why.to_owned() }
}

fn taken() -> Answer {
    Answer::Accepted { breaks: Some("runAsNonRoot does not hold for container c0".to_owned()) }
}

fn met() -> Answer {
    Answer::Accepted { breaks: None }
}

fn concern(name: &str, effect: Effect) -> Concern {
    let policy = Policy::new(Engine::Gatekeeper, name);
    Concern { policy, effect, away: Away::Refuses, unclear: None, keys: BTreeSet::new() }
}

fn tried(answers: Vec<Answer>, concerns: Vec<Concern>) -> TrySeen {
    let answer = |answer| AnswerSeen { step: "by dry-run".to_owned(), at: String::new(), decides: true, answer };
    TrySeen {
        asked: "a pod that sets runAsNonRoot nowhere".to_owned(),
        answers: answers.into_iter().map(answer).collect(),
        concerns,
        ..TrySeen::default()
    }
}

fn judged(question: Question, seen: &Seen) -> CaseResult {
    let ask = Ask { namespace: "a".into(), rule: Some("phi".into()), question };
    let case = Case {
        id: CaseId::new("admission.non-root.pod:a/phi"),
        check: CheckId::new("admission.non-root.pod"),
        family: Family::from("admission"),
        title: String::new(),
        from: "a".into(),
        to: "a".into(),
        expect: Access::Denied,
        ask: serde_json::to_value(&ask).unwrap(),
    };
    // What was stored is judged again to the same verdict.
    let seen: Seen = serde_json::from_value(serde_json::to_value(seen).unwrap()).unwrap();
    judge(&[case], &seen).unwrap().remove(0)
}

fn pair(broken: TrySeen, twin: TrySeen) -> CaseResult {
    let tries = BTreeMap::from([(KEY.to_owned(), broken), (TWIN.to_owned(), twin)]);
    let pairs = vec![(KEY.to_owned(), TWIN.to_owned())];
    judged(Question::Refused { pairs }, &Seen { tries, ..Seen::default() })
}

fn told(result: &CaseResult) -> (Verdict, &str) {
    (result.judgement.verdict, result.judgement.cause.as_ref().map_or("", |cause| cause.kind.as_str()))
}

#[rstest]
#[case::refused_each_time(vec![gatekeeper("phi"); 3], vec![met(); 3], Verdict::Pass, "")]
#[case::changed_to_meet_the_rule(vec![met(); 3], vec![met(); 3], Verdict::Pass, "")]
#[case::taken(vec![taken(); 3], vec![met(); 3], Verdict::Fail, "policy-lets-pass")]
#[case::taken_once(vec![gatekeeper("phi"), taken(), gatekeeper("phi")], vec![met(); 3], Verdict::Fail, "policy-lets-pass")]
#[case::taken_though_its_twin_is_refused(vec![taken(); 3], vec![quota(); 3], Verdict::Fail, "policy-lets-pass")]
#[case::refused_by_a_quota(vec![quota(); 3], vec![met(); 3], Verdict::Inconclusive, "other-author")]
#[case::once_by_a_quota(vec![gatekeeper("phi"), quota()], vec![met(); 3], Verdict::Inconclusive, "other-author")]
#[case::engine_away(vec![away()], vec![met(); 3], Verdict::Inconclusive, "engine-away")]
#[case::engine_away_for_the_twin(vec![gatekeeper("phi"); 3], vec![away()], Verdict::Inconclusive, "engine-away")]
#[case::refused_with_its_twin(vec![gatekeeper("phi"); 3], vec![gatekeeper("phi"); 3], Verdict::Inconclusive, "twin-refused")]
#[case::its_twin_once(vec![gatekeeper("phi"); 3], vec![met(), quota(), met()], Verdict::Inconclusive, "twin-refused")]
#[case::not_asked(vec![], vec![met(); 3], Verdict::Inconclusive, "not-tried")]
#[case::twin_not_asked(vec![gatekeeper("phi"); 3], vec![], Verdict::Inconclusive, "not-tried")]
#[case::no_answer(
    vec![Answer::Silent { why: "etcd".to_owned() }], vec![met(); 3], Verdict::Inconclusive, "no-answer"
)]
#[case::not_served(
    vec![Answer::Refused { code: 404, message: "the server could not find the requested resource".to_owned() }; 3],
    vec![met(); 3],
    Verdict::Skipped,
    ""
)]
#[case::not_for_the_runner(
    vec![Answer::Refused { code: 403, message: "pods is forbidden: User \"u\" cannot create resource \"pods\"".to_owned() }],
    vec![met(); 3],
    Verdict::Skipped,
    ""
)]
fn a_request_and_its_twin_decide(
    #[case] broken: Vec<Answer>,
    #[case] twin: Vec<Answer>,
    #[case] verdict: Verdict,
    #[case] kind: &str,
) {
    let concerns = vec![concern("phi", Effect::Refuses)];
    let result = pair(tried(broken, concerns), tried(twin, Vec::new()));
    assert_eq!(told(&result), (verdict, kind), "{}", result.judgement.reason);
}

#[rstest]
#[case::nobody(vec![], "policy-missing", "no policy is asked about what breaks rule phi in namespace a")]
#[case::dry(
    vec![concern("phi", Effect::Reports("enforcementAction: dryrun".to_owned()))],
    "policy-only-reports",
    "Gatekeeper constraint phi only tells of what breaks a rule in namespace a: enforcementAction: dryrun"
)]
#[case::spared(
    vec![concern("phi", Effect::Spares("binding b selects no namespace of the cluster".to_owned()))],
    "policy-spares",
    "Gatekeeper constraint phi is not asked in namespace a: binding b selects no namespace of the cluster"
)]
#[case::asked(vec![concern("phi", Effect::Refuses)], "policy-lets-pass", "of all that are asked in namespace a")]
fn why_it_was_taken_is_named(#[case] concerns: Vec<Concern>, #[case] kind: &str, #[case] words: &str) {
    let result = pair(tried(vec![taken()], concerns), tried(vec![met()], Vec::new()));
    let cause = result.judgement.cause.as_ref().unwrap();
    assert_eq!(cause.kind, kind);
    assert!(cause.sentence.contains(words), "{}", cause.sentence);
}

#[test]
fn what_is_not_made_in_production_is_skipped_with_its_reason() {
    let not_tried = TrySeen { not_tried: Some("this is production".to_owned()), ..tried(Vec::new(), Vec::new()) };
    let result = pair(not_tried, tried(Vec::new(), Vec::new()));
    assert_eq!(told(&result), (Verdict::Skipped, ""));
    assert!(result.judgement.reason.contains("this is production"), "{}", result.judgement.reason);
}

#[test]
fn a_namespace_that_is_closed_proves_nothing() {
    let seen = Seen { closed: [("a".into(), "the namespace is being deleted".to_owned())].into(), ..Seen::default() };
    let result = judged(Question::Refused { pairs: vec![(KEY.to_owned(), TWIN.to_owned())] }, &seen);
    assert_eq!(told(&result), (Verdict::Inconclusive, "unread"));
}

fn with_text(text: Vec<Concern>, answers: Vec<Answer>, concerns: Vec<Concern>) -> Seen {
    let text = TrySeen { asked: "changes of pods".to_owned(), ..tried(Vec::new(), text) };
    Seen { tries: [(KEY.to_owned(), tried(answers, concerns)), ("text".to_owned(), text)].into(), ..Seen::default() }
}

#[rstest]
#[case::asked(vec![concern("phi", Effect::Refuses)], vec![gatekeeper("phi")], Verdict::Pass, "")]
#[case::not_asked(vec![], vec![gatekeeper("phi")], Verdict::Fail, "not-covered")]
#[case::spared(
    vec![concern("phi", Effect::Spares("webhook w is not called about UPDATE of pods".to_owned()))],
    vec![gatekeeper("phi")],
    Verdict::Fail,
    "not-covered"
)]
#[case::by_another(vec![concern("other", Effect::Refuses)], vec![gatekeeper("phi")], Verdict::Fail, "not-covered")]
#[case::nobody_refuses(vec![concern("phi", Effect::Refuses)], vec![taken()], Verdict::Inconclusive, "nobody-refuses")]
#[case::away(vec![concern("phi", Effect::Refuses)], vec![away()], Verdict::Inconclusive, "engine-away")]
#[case::on_conditions(
    vec![Concern { unclear: Some("its match conditions are not computed".to_owned()), ..concern("phi", Effect::Refuses) }],
    vec![gatekeeper("phi")],
    Verdict::Inconclusive,
    "not-computed"
)]
fn who_refuses_must_be_asked_about_changes(
    #[case] text: Vec<Concern>,
    #[case] answers: Vec<Answer>,
    #[case] verdict: Verdict,
    #[case] kind: &str,
) {
    let seen = with_text(text, answers, Vec::new());
    let result = judged(Question::Covered { key: KEY.to_owned(), others: vec!["text".to_owned()] }, &seen);
    assert_eq!(told(&result), (verdict, kind), "{}", result.judgement.reason);
}

fn open(name: &str) -> Concern {
    let why = "failurePolicy of webhook w is Ignore: a request passes after 3 s without an answer";
    Concern { away: Away::Passes(why.to_owned()), ..concern(name, Effect::Refuses) }
}

#[rstest]
#[case::closed(vec![concern("phi", Effect::Refuses)], Verdict::Pass, "")]
#[case::open(vec![open("phi")], Verdict::Fail, "fails-open")]
#[case::open_beside_another_that_was_not_seen_to_refuse(
    vec![open("phi"), concern("other", Effect::Refuses)], Verdict::Fail, "fails-open"
)]
#[case::open_beside_another_that_is_open(vec![open("phi"), open("other")], Verdict::Fail, "fails-open")]
#[case::not_read(vec![], Verdict::Inconclusive, "policy-unread")]
#[case::open_beside_a_webhook_on_conditions(
    vec![Concern { away: Away::Unclear("x".to_owned()), ..concern("phi", Effect::Refuses) }],
    Verdict::Inconclusive,
    "not-computed"
)]
fn who_refuses_must_fail_closed(#[case] concerns: Vec<Concern>, #[case] verdict: Verdict, #[case] kind: &str) {
    let seen = with_text(Vec::new(), vec![gatekeeper("phi")], concerns);
    let result = judged(Question::FailClosed { key: KEY.to_owned() }, &seen);
    assert_eq!(told(&result), (verdict, kind), "{}", result.judgement.reason);
}

fn review(ways: &[(&str, Result<bool, &str>)], control: Result<bool, &str>) -> Seen {
    let owned = |one: &Result<bool, &str>| one.map_err(str::to_owned);
    let ways = ways.iter().map(|(way, allowed)| ((*way).to_owned(), owned(allowed))).collect();
    let review = ReviewSeen { ways, control: Some(owned(&control)), ..ReviewSeen::default() };
    Seen { reviews: [("r".to_owned(), review)].into(), ..Seen::default() }
}

#[rstest]
#[case::no(review(&[("patch its namespace", Ok(false))], Ok(true)), Verdict::Pass, "")]
#[case::yes(review(&[("patch its namespace", Ok(true))], Ok(true)), Verdict::Fail, "tenant-may-exempt")]
#[case::not_told(review(&[("patch its namespace", Err("no"))], Ok(true)), Verdict::Inconclusive, "no-answer")]
#[case::known_to_nobody(review(&[("patch its namespace", Ok(false))], Ok(false)), Verdict::Inconclusive, "control-missing")]
#[case::not_asked(Seen::default(), Verdict::Inconclusive, "not-tried")]
fn a_tenant_must_not_exempt_itself(#[case] seen: Seen, #[case] verdict: Verdict, #[case] kind: &str) {
    let reviews = vec![(Subject::ServiceAccounts, "r".to_owned())];
    let labels = Question::ExemptLabel { labels: vec!["tenant".to_owned()], reviews: reviews.clone() };
    assert_eq!(told(&judged(labels, &seen)), (verdict, kind));
    assert_eq!(told(&judged(Question::Exception { engine: true, reviews }, &seen)), (verdict, kind));
}

#[test]
fn what_no_label_decides_and_no_engine_knows_needs_nobody() {
    let labels = Question::ExemptLabel { labels: Vec::new(), reviews: Vec::new() };
    assert_eq!(told(&judged(labels.clone(), &Seen::default())), (Verdict::Pass, ""));
    let unread = Seen { unread: vec!["constraints: forbidden".to_owned()], ..Seen::default() };
    assert_eq!(told(&judged(labels, &unread)), (Verdict::Inconclusive, "policy-unread"));
    let exception = Question::Exception { engine: false, reviews: Vec::new() };
    assert_eq!(told(&judged(exception, &Seen::default())), (Verdict::Skipped, ""));
}

#[test]
fn a_case_of_another_shape_is_an_error() {
    let mut case = pair(tried(vec![taken()], Vec::new()), tried(vec![met()], Vec::new())).case;
    case.ask = json!({"about": "weather"});
    assert!(judge(&[case], &Seen::default()).is_err());
}
