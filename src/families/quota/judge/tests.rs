//! Every rule of judging, by table: what was seen of one limit, and what that proves.

use rstest::rstest;
use serde_json::{Value, json};

use super::judge;
use crate::families::quota::seen::Seen;
use crate::families::{CaseResult, Stance};
use crate::model::Verdict;
use crate::plan::Case;

/// The case of one ask.
fn case(ask: &Value) -> Case {
    serde_json::from_value(json!({
        "id": "quota.x:a/y", "check": "quota.x", "family": "quota", "title": "t", "from": "a", "to": "a", "expect": "denied",
        "ask": ask,
    }))
    .unwrap()
}

fn judged(ask: &Value, seen: &Value) -> CaseResult {
    let seen: Seen = serde_json::from_value(seen.clone()).unwrap_or_else(|error| panic!("{error} in {seen:#}"));
    let mut results = judge(&[case(ask)], &seen).unwrap();
    let again = judge(&[case(ask)], &serde_json::from_value(serde_json::to_value(&seen).unwrap()).unwrap()).unwrap();
    assert_eq!(results, again, "stored observations should give the same verdict");
    results.remove(0)
}

/// Observations of namespace a: its share, and one entry of a kind.
fn seen(share: &Value, kind: &str, entry: &Value) -> Value {
    let mut seen = json!({"mode": "throwaway", "shares": {"a": share}, "edges": {}, "rushes": {}, "pairs": {}, "defaults": {}, "reviews": {}});
    if !kind.is_empty() {
        seen[kind]["k"] = entry.clone();
    }
    seen
}

fn share(hard: &str) -> Value {
    let amounts = json!({"limits.cpu": hard, "pods": "20"});
    json!({
        "holdings": [{"name": "q", "hard": amounts, "enforced": amounts, "used": {"limits.cpu": "1", "pods": "3"}, "scopes": []}],
        "limits": [{"range": "r", "kind": "Container", "min": {}, "max": {"cpu": "2"}, "ratio": {}, "default": {"cpu": "1"}, "default_request": {"cpu": "1"}}],
        "fault": null,
    })
}

fn nothing() -> Value {
    json!({"holdings": [], "limits": [], "fault": null})
}

fn tried(answer: &Value) -> Value {
    json!({"asked": "a pod", "at": "2026-01-01T00:00:00Z", "dry_run": true, "answer": answer})
}

fn taken() -> Value {
    tried(&json!({"answer": "accepted"}))
}

fn silent() -> Value {
    tried(&json!({"answer": "silent", "why": "gone"}))
}

fn refused(said: &str) -> Value {
    tried(&json!({"answer": "refused", "code": 403, "message": format!("pods \"p\" is forbidden: {said}")}))
}

fn by_quota(name: &str, resource: &str) -> Value {
    refused(&format!("exceeded quota: {name}, requested: {resource}=1, used: {resource}=1, limited: {resource}=1"))
}

fn by_webhook() -> Value {
    refused("admission webhook \"w\" denied the request: no")
}

fn too_large() -> Value {
    refused("maximum cpu usage per Container is 2, but limit is 2001m")
}

fn edge_ask(promised: Option<&str>) -> Value {
    json!({"about": "edge", "namespace": "a", "resource": "limits.cpu", "quota": null, "promised": promised, "key": "k"})
}

fn edge(at: &Value, past: &Value, twin: &Value, full: &Value) -> Value {
    json!({"quota": "q", "held": "8", "used": "1", "room": "7", "at": at, "past": past, "twin": twin, "full": full})
}

fn right() -> Value {
    by_quota("q", "limits.cpu")
}

fn with(mut entry: Value, field: &str, value: Value) -> Value {
    entry[field] = value;
    entry
}

use Verdict::{Fail, Inconclusive, Pass, Skipped};

#[rstest]
#[case::dry_run(share("8"), edge(&taken(), &right(), &taken(), &Value::Null), Pass, "")]
#[case::filled(share("8"), edge(&taken(), &right(), &taken(), &right()), Pass, "")]
#[case::another_limit_first(share("8"), edge(&by_quota("q", "requests.cpu"), &right(), &taken(), &Value::Null), Pass, "")]
#[case::taken(share("8"), edge(&taken(), &taken(), &taken(), &Value::Null), Fail, "not-enforced")]
#[case::taken_though_full(share("8"), edge(&taken(), &right(), &taken(), &taken()), Fail, "not-enforced")]
#[case::no_quota(nothing(), edge(&Value::Null, &taken(), &taken(), &Value::Null), Fail, "quota-missing")]
#[case::too_high(share("16"), edge(&taken(), &taken(), &taken(), &Value::Null), Fail, "quota-too-high")]
#[case::another_quota(share("8"), edge(&taken(), &by_quota("other", "limits.cpu"), &taken(), &Value::Null), Inconclusive, "other-author")]
#[case::another_resource(share("8"), edge(&taken(), &by_quota("q", "pods"), &taken(), &Value::Null), Inconclusive, "other-author")]
#[case::a_webhook(share("8"), edge(&taken(), &by_webhook(), &taken(), &Value::Null), Inconclusive, "other-author")]
#[case::a_limit_range(share("8"), edge(&taken(), &too_large(), &taken(), &Value::Null), Inconclusive, "other-author")]
#[case::no_figures(share("8"), edge(&taken(), &refused("failed quota: q: must specify cpu for: c"), &taken(), &Value::Null), Inconclusive, "other-author")]
#[case::not_counted(share("8"), edge(&taken(), &refused("status unknown for quota: q, resources: pods"), &taken(), &Value::Null), Inconclusive, "other-author")]
#[case::no_answer(share("8"), edge(&taken(), &silent(), &taken(), &Value::Null), Inconclusive, "no-answer")]
#[case::what_is_left_is_refused(share("8"), edge(&right(), &right(), &taken(), &Value::Null), Inconclusive, "unsteady")]
#[case::what_is_left_by_a_webhook(share("8"), edge(&by_webhook(), &right(), &taken(), &Value::Null), Inconclusive, "other-author")]
#[case::no_room_for_the_twin(share("8"), edge(&by_quota("q", "pods"), &right(), &by_quota("q", "pods"), &Value::Null), Inconclusive, "at-its-limit")]
#[case::twin_by_a_webhook(share("8"), edge(&by_quota("q", "pods"), &right(), &by_webhook(), &Value::Null), Inconclusive, "other-author")]
#[case::full_by_a_webhook(share("8"), edge(&taken(), &right(), &taken(), &by_webhook()), Inconclusive, "other-author")]
#[case::full_before(share("8"), with(edge(&Value::Null, &Value::Null, &right(), &Value::Null), "room", json!("0")), Inconclusive, "at-its-limit")]
#[case::moving(share("8"), with(edge(&taken(), &right(), &taken(), &Value::Null), "fault", json!("moved")), Inconclusive, "unsteady")]
#[case::arithmetic(share("8"), with(edge(&Value::Null, &Value::Null, &taken(), &Value::Null), "not_tried", json!("too many")), Skipped, "")]
#[case::over(share("8"), with(with(edge(&Value::Null, &Value::Null, &taken(), &Value::Null), "not_tried", json!("x")), "used", json!("9")), Inconclusive, "over-its-limit")]
#[case::changed(with(share("8"), "fault", json!({"kind": "changed", "why": "its quotas"})), edge(&taken(), &right(), &taken(), &Value::Null), Inconclusive, "quota-changed")]
#[case::unread(with(share("8"), "fault", json!({"kind": "unread", "why": "no"})), edge(&taken(), &right(), &taken(), &Value::Null), Inconclusive, "unread")]
fn a_limit_that_one_request_reaches(
    #[case] share: Value,
    #[case] entry: Value,
    #[case] verdict: Verdict,
    #[case] kind: &str,
) {
    let result = judged(&edge_ask(Some("8")), &seen(&share, "edges", &entry));
    expect(&result, verdict, kind);
}

#[rstest]
#[case::none_at_all(taken(), by_quota("q", "limits.cpu"), Pass, "")]
#[case::nothing_beside(Value::Null, by_quota("q", "limits.cpu"), Inconclusive, "at-its-limit")]
#[case::refused_beside(by_webhook(), by_quota("q", "limits.cpu"), Inconclusive, "other-author")]
#[case::by_another(taken(), by_webhook(), Inconclusive, "other-author")]
#[case::taken_all_the_same(taken(), taken(), Fail, "not-enforced")]
fn a_limit_of_none_at_all(#[case] beside: Value, #[case] one: Value, #[case] verdict: Verdict, #[case] kind: &str) {
    let entry = with(edge(&Value::Null, &Value::Null, &one, &Value::Null), "beside", beside);
    let entry = with(with(entry, "room", json!("0")), "held", json!("0"));
    expect(&judged(&edge_ask(None), &seen(&share("0"), "edges", &entry)), verdict, kind);
}

fn rush(accepted: u32, topped_up: u32, past: &Value) -> Value {
    let left = json!([{"code": 403, "message": "exceeded quota: q, requested: pods=1, used: pods=20, limited: pods=20", "times": 50 - accepted}]);
    json!({"quota": "q", "held": "20", "used": "3", "room": 17, "asked": 50, "accepted": accepted, "refused": left, "silent": 0,
           "topped_up": topped_up, "past": past, "twin": taken(), "used_after": "3", "not_tried": null, "fault": null})
}

#[rstest]
#[case::exactly(rush(17, 0, &by_quota("q", "pods")), Pass, "")]
#[case::made_up_for(rush(15, 2, &by_quota("q", "pods")), Pass, "")]
#[case::one_too_many(rush(18, 0, &by_quota("q", "pods")), Fail, "one-too-many")]
#[case::one_more_after(rush(17, 0, &taken()), Fail, "one-too-many")]
#[case::one_too_many_are_there(with(rush(18, 0, &by_quota("q", "pods")), "there", json!(21)), Fail, "one-too-many")]
// Twenty are there and twenty are held: what was said to be used was not.
#[case::a_count_that_lagged(with(rush(18, 0, &by_quota("q", "pods")), "there", json!(20)), Inconclusive, "unsteady")]
#[case::fewer(rush(15, 0, &by_quota("q", "pods")), Inconclusive, "unsteady")]
#[case::a_webhook(rush(0, 0, &by_webhook()), Inconclusive, "other-author")]
#[case::no_answers(with(rush(17, 0, &by_quota("q", "pods")), "silent", json!(1)), Inconclusive, "no-answer")]
#[case::moving(with(rush(17, 0, &by_quota("q", "pods")), "fault", json!("moved")), Inconclusive, "unsteady")]
#[case::full_before(with(with(rush(0, 0, &Value::Null), "room", json!(0)), "twin", by_quota("q", "pods")), Inconclusive, "at-its-limit")]
#[case::in_production(with(rush(0, 0, &Value::Null), "not_tried", json!("this is production")), Skipped, "")]
#[case::twin_refused(with(with(rush(0, 0, &Value::Null), "not_tried", json!("x")), "twin", by_webhook()), Inconclusive, "other-author")]
fn a_limit_that_objects_reach(#[case] entry: Value, #[case] verdict: Verdict, #[case] kind: &str) {
    for about in ["rush", "edge"] {
        let ask =
            json!({"about": about, "namespace": "a", "resource": "pods", "quota": null, "promised": "20", "key": "k"});
        expect(&judged(&ask, &seen(&share("8"), "rushes", &entry)), verdict, kind);
    }
}

#[rstest]
#[case::held(share("8"), Pass, "")]
#[case::less(share("4"), Pass, "")]
#[case::more(share("9"), Fail, "quota-too-high")]
#[case::none(nothing(), Fail, "quota-missing")]
#[case::not_taken_over(with(share("8"), "holdings", json!([{"name": "q", "hard": {"limits.cpu": "8"}, "enforced": {}, "used": {}, "scopes": []}])), Inconclusive, "not-counted")]
#[case::for_some_only(with(share("8"), "holdings", json!([{"name": "q", "hard": {"limits.cpu": "8"}, "enforced": {}, "used": {}, "scopes": [{"best-effort": false}]}])), Fail, "quota-missing")]
fn a_promise_is_held_by_the_objects(#[case] share: Value, #[case] verdict: Verdict, #[case] kind: &str) {
    let ask = json!({"about": "share", "namespace": "a", "resource": "limits.cpu", "promised": "8"});
    expect(&judged(&ask, &seen(&share, "", &Value::Null)), verdict, kind);
}

fn pair(past: &Value, twin: &Value) -> Value {
    json!({"allowed": "2", "range": "r", "past": past, "twin": twin, "not_tried": null})
}

#[rstest]
#[case::held(share("8"), pair(&too_large(), &taken()), Pass, "")]
#[case::taken(share("8"), pair(&taken(), &taken()), Fail, "not-enforced")]
#[case::no_range(nothing(), pair(&taken(), &taken()), Fail, "limit-missing")]
#[case::by_the_quota(share("8"), pair(&right(), &taken()), Inconclusive, "other-author")]
#[case::for_another_amount(share("8"), pair(&refused("maximum cpu usage per Container is 1, but limit is 2"), &taken()), Inconclusive, "other-author")]
#[case::no_answer(share("8"), pair(&silent(), &taken()), Inconclusive, "no-answer")]
#[case::no_room_for_the_twin(share("8"), pair(&too_large(), &right()), Inconclusive, "at-its-limit")]
#[case::twin_by_a_webhook(share("8"), pair(&too_large(), &by_webhook()), Inconclusive, "other-author")]
#[case::nothing_read(share("8"), json!({}), Inconclusive, "unread")]
#[case::not_tried(share("8"), json!({"not_tried": "x"}), Skipped, "")]
fn a_container_is_no_larger(#[case] share: Value, #[case] entry: Value, #[case] verdict: Verdict, #[case] kind: &str) {
    let container = json!({"about": "container", "namespace": "a", "resource": "cpu", "promised": "2", "key": "k"});
    expect(&judged(&container, &seen(&share, "pairs", &entry)), verdict, kind);
    if kind != "limit-missing" {
        let bounds = json!({"about": "bounds", "namespace": "a", "of": "Container", "bound": "max", "resource": "cpu", "key": "k"});
        expect(&judged(&bounds, &seen(&share, "pairs", &entry)), verdict, kind);
    }
}

#[test]
fn a_range_that_lets_a_container_be_larger_than_promised_breaks_the_promise() {
    let ask = json!({"about": "container", "namespace": "a", "resource": "cpu", "promised": "1", "key": "k"});
    expect(&judged(&ask, &seen(&share("8"), "pairs", &pair(&taken(), &taken()))), Fail, "limit-too-high");
}

fn defaults(answer: &Value, limits: &Value) -> Value {
    json!({"tried": answer, "limits": limits, "requests": {"cpu": "1"}, "expected_limits": {"cpu": "1"}, "expected_requests": {"cpu": "1"}})
}

#[rstest]
#[case::given("2", defaults(&taken(), &json!({"cpu": "1"})), Pass, "")]
#[case::not_given("2", defaults(&taken(), &json!({})), Fail, "not-enforced")]
#[case::given_by_another("2", defaults(&taken(), &json!({"cpu": "1500m"})), Inconclusive, "other-author")]
#[case::too_much("500m", defaults(&taken(), &json!({"cpu": "1"})), Fail, "default-too-high")]
#[case::none("2", with(defaults(&taken(), &json!({})), "expected_limits", json!({})), Fail, "limit-missing")]
#[case::wanted_by_the_quota("2", defaults(&refused("failed quota: q: must specify limits.memory for: c"), &json!({})), Fail, "default-missing")]
#[case::no_room("2", defaults(&right(), &json!({})), Inconclusive, "at-its-limit")]
#[case::a_webhook("2", defaults(&by_webhook(), &json!({})), Inconclusive, "other-author")]
#[case::no_answer("2", defaults(&silent(), &json!({})), Inconclusive, "no-answer")]
fn a_container_that_asks_for_nothing(
    #[case] promised: &str,
    #[case] entry: Value,
    #[case] verdict: Verdict,
    #[case] kind: &str,
) {
    let ask = json!({"about": "defaults", "namespace": "a", "promised": {"cpu": promised}, "key": "k"});
    expect(&judged(&ask, &seen(&share("8"), "defaults", &entry)), verdict, kind);
}

#[rstest]
#[case::denied(json!({"Ok": false}), json!({"Ok": true}), Pass, "", Stance::Denied)]
#[case::allowed(json!({"Ok": true}), json!({"Ok": true}), Fail, "tenant-may-edit", Stance::Allowed)]
#[case::allowed_without_a_control(json!({"Ok": true}), json!({"Ok": false}), Fail, "tenant-may-edit", Stance::Allowed)]
#[case::not_told(json!({"Err": "gone"}), json!({"Ok": true}), Inconclusive, "no-answer", Stance::Unknown)]
#[case::control_denied(json!({"Ok": false}), json!({"Ok": false}), Inconclusive, "control-missing", Stance::Denied)]
#[case::control_not_told(json!({"Ok": false}), json!({"Err": "gone"}), Inconclusive, "no-answer", Stance::Unknown)]
#[case::no_control(json!({"Ok": false}), Value::Null, Inconclusive, "control-missing", Stance::Denied)]
fn a_subject_can_edit_nothing(
    #[case] way: Value,
    #[case] control: Value,
    #[case] verdict: Verdict,
    #[case] kind: &str,
    #[case] observed: Stance,
) {
    let subject = json!({"kind": "group", "name": "developers"});
    let ask = json!({"about": "locked", "namespace": "a", "subject": subject, "objects": "resourcequotas", "key": "k"});
    let entry =
        json!({"user": "", "groups": ["developers"], "ways": {"patch resourcequotas": way}, "control": control});
    // Whatever else can't be read of the namespace: the reviews don't need it.
    let result =
        judged(&ask, &seen(&with(nothing(), "fault", json!({"kind": "unread", "why": "no"})), "reviews", &entry));
    expect(&result, verdict, kind);
    assert_eq!(result.judgement.observed.stance, observed);
}

#[rstest]
#[case::edge(edge_ask(None))]
#[case::rush(json!({"about": "rush", "namespace": "a", "resource": "pods", "promised": null, "key": "k"}))]
#[case::container(json!({"about": "container", "namespace": "a", "resource": "cpu", "promised": "2", "key": "k"}))]
#[case::bounds(json!({"about": "bounds", "namespace": "a", "of": "Pod", "bound": "min", "resource": "cpu", "key": "k"}))]
#[case::defaults(json!({"about": "defaults", "namespace": "a", "promised": {}, "key": "k"}))]
#[case::locked(json!({"about": "locked", "namespace": "a", "subject": {"kind": "service-accounts"}, "objects": "limitranges", "key": "k"}))]
fn what_was_not_observed_proves_nothing(#[case] ask: Value) {
    expect(&judged(&ask, &seen(&share("8"), "", &Value::Null)), Inconclusive, "not-tried");
    let elsewhere = judged(
        &ask,
        &seen(&json!({}), "", &Value::Null).as_object().map_or(Value::Null, |all| {
            let mut all = all.clone();
            all.insert("shares".to_owned(), json!({}));
            Value::Object(all)
        }),
    );
    expect(&elsewhere, Inconclusive, "not-tried");
}

fn expect(result: &CaseResult, verdict: Verdict, kind: &str) {
    let judgement = &result.judgement;
    assert_eq!(judgement.verdict, verdict, "{}", judgement.reason);
    assert_eq!(judgement.cause.as_ref().map_or("", |cause| cause.kind.as_str()), kind, "{}", judgement.reason);
    if let Some(cause) = &judgement.cause {
        assert!(!cause.remedy.is_empty() && !cause.sentence.is_empty(), "{cause:?}");
    }
}
