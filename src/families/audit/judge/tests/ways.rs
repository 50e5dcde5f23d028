//! What the way that a record goes changes of its verdict: what is promised of it, and what its absence shows.

use std::collections::BTreeMap;

use rstest::rstest;

use super::{Change, Scene, ask, check, done, log, promised, seen, verdict};
use crate::families::Stance;
use crate::families::audit::{Ask, Deed, DeedSeen, LogSeen, Promised, Seen, Way};
use crate::model::AuditLevel::{Metadata, Request, RequestResponse};
use crate::model::Verdict::{self, Fail, Inconclusive, Pass, Skipped};
use crate::semantics::audit::PolicyOrigin;

/// What was seen by this way.
fn by(way: Way, one: DeedSeen) -> Seen {
    let mut seen = seen(one);
    log(&mut seen).ways = [way].into();
    if way != Way::File {
        log(&mut seen).heard = Some(1);
    }
    seen
}

fn missing(sought: u64) -> DeedSeen {
    let mut one = done(Deed::PodCreate, true);
    one.events.clear();
    (one.found_after_ms, one.sought_ms) = (None, Some(sought));
    one
}

fn unpromised(deed: Deed) -> Ask {
    match ask(deed) {
        Ask::Record { deed, namespace, promised } => {
            Ask::Record { deed, namespace, promised: Promised { within_ms: None, ..promised } }
        }
        other => other,
    }
}

#[rstest]
#[case::a_file(Way::File, 30_000)]
#[case::a_webhook(Way::Webhook, 60_000)]
#[case::cloudwatch(Way::CloudWatch, 300_000)]
fn where_nothing_is_promised_the_way_says_within_which_time(#[case] way: Way, #[case] within: u64) {
    let mut one = done(Deed::PodCreate, true);
    for (found, sought, expected, kind) in [
        (within, None, Pass, ""),
        (within + 1, Some(within - 1), Inconclusive, "hardly-late"),
        (within + 1, Some(within), Fail, "late"),
    ] {
        (one.found_after_ms, one.sought_ms) = (Some(found), sought);
        check(&unpromised(Deed::PodCreate), &by(way, one.clone()), expected, kind);
    }
    let declared = verdict(&unpromised(Deed::PodCreate), &by(way, one)).2.judgement.declared.because;
    assert!(declared.contains(&format!("within {} s", within / 1000)), "{declared}");
}

#[rstest]
fn what_is_promised_holds_by_every_way(#[values(Way::File, Way::Webhook, Way::CloudWatch)] way: Way) {
    let mut one = done(Deed::PodCreate, true);
    (one.found_after_ms, one.sought_ms) = (Some(9000), Some(5000));
    check(&ask(Deed::PodCreate), &by(way, one.clone()), Fail, "late");
    (one.found_after_ms, one.sought_ms) = (Some(4999), Some(4000));
    check(&ask(Deed::PodCreate), &by(way, one), Pass, "");
}

#[test]
fn the_slowest_of_several_ways_says_how_long_it_is_waited() {
    let of = |ways: &[Way]| LogSeen { ways: ways.iter().copied().collect(), ..LogSeen::default() };
    for (ways, promised, within, patience) in [
        (&[][..], None, 30_000, 30_000),
        (&[Way::File], Some(2_000), 2_000, 2_000),
        (&[Way::File, Way::Webhook], None, 60_000, 60_000),
        (&[Way::CloudWatch, Way::Webhook], None, 300_000, 300_000),
        // What comes late is told from what never comes only by waiting.
        (&[Way::CloudWatch], Some(30_000), 30_000, 300_000),
        (&[Way::CloudWatch], Some(3_600_000), 3_600_000, 3_600_000),
    ] {
        let log = of(ways);
        assert_eq!((log.within_ms(promised), log.patience_ms(promised)), (within, patience), "{ways:?} {promised:?}");
    }
}

#[rstest]
#[case::one_server_that_was_heard_of(|_: &mut Seen| {}, Fail, "not-recorded")]
#[case::one_of_two(|seen: &mut Seen| log(seen).servers = Some(2), Inconclusive, "other-servers")]
#[case::two_of_two(|seen: &mut Seen| { log(seen).servers = Some(2); log(seen).heard = Some(2); }, Fail, "not-recorded")]
#[case::unknown_servers(|seen: &mut Seen| log(seen).servers = None, Inconclusive, "other-servers")]
#[case::none_was_heard_of(|seen: &mut Seen| log(seen).heard = Some(0), Inconclusive, "other-servers")]
#[case::a_post_was_refused(
    |seen: &mut Seen| log(seen).refused = BTreeMap::from([("its body broke off".to_owned(), 1)]), Inconclusive, "posts-refused"
)]
#[case::a_line_was_cut(|seen: &mut Seen| log(seen).torn = 1, Inconclusive, "log-torn")]
#[case::nothing_came(|seen: &mut Seen| seen.controls.values_mut().for_each(|one| one.events.clear()), Inconclusive, "log-mute")]
#[case::it_went_away(|seen: &mut Seen| log(seen).trouble = Some("expired".to_owned()), Inconclusive, "log-unread")]
#[case::not_waited_for(|seen: &mut Seen| deed(seen).sought_ms = Some(4999), Inconclusive, "not-waited")]
#[case::never_looked_for(|seen: &mut Seen| deed(seen).sought_ms = None, Inconclusive, "not-waited")]
fn what_does_not_come_is_missing_only_where_nothing_else_explains_it(
    #[case] change: Scene,
    #[case] expected: Verdict,
    #[case] kind: &str,
    #[values(Way::Webhook, Way::CloudWatch)] way: Way,
) {
    let mut seen = by(way, missing(5000));
    change(&mut seen);
    check(&ask(Deed::PodCreate), &seen, expected, kind);
}

fn deed(seen: &mut Seen) -> &mut DeedSeen {
    seen.deeds.get_mut("deed").unwrap()
}

#[test]
fn what_was_found_counts_whatever_else_is_wrong() {
    let mut seen = by(Way::CloudWatch, done(Deed::PodCreate, true));
    log(&mut seen).trouble = Some("expired".to_owned());
    log(&mut seen).servers = Some(3);
    check(&ask(Deed::PodCreate), &seen, Pass, "");
    let reason = verdict(&ask(Deed::PodCreate), &seen).2.judgement.reason;
    assert!(reason.contains("on record in CloudWatch Logs after 0.3 s"), "{reason}");
}

#[test]
fn a_mute_log_says_what_may_be_wrong_with_its_way_and_how_long_it_was_waited_for() {
    for (way, word) in
        [(Way::File, "another cluster's"), (Way::Webhook, "no such webhook"), (Way::CloudWatch, "best effort")]
    {
        let mut seen = by(way, missing(5000));
        for control in seen.controls.values_mut() {
            control.events.clear();
            control.sought_ms = Some(302_400);
        }
        log(&mut seen).refused = BTreeMap::from([("its body broke off".to_owned(), 2)]);
        let reason = verdict(&ask(Deed::PodCreate), &seen).2.judgement.reason;
        for part in [word, "after 302.4 s", "2 (its body broke off)"] {
            assert!(reason.contains(part), "{way:?}: {reason}");
        }
    }
}

/// What AWS publishes stands beside what was seen; by itself it proves nothing of a cluster.
#[rstest]
#[case::as_published(|_: &mut DeedSeen| {}, Pass, "", Stance::Allowed)]
#[case::not_as_published(|one: &mut DeedSeen| one.events[0].level = Request, Inconclusive, "another-policy", Stance::Denied)]
fn the_policy_that_aws_publishes_is_held_against_the_log_alone(
    #[case] change: Change,
    #[case] expected: Verdict,
    #[case] kind: &str,
    #[case] observed: Stance,
) {
    let mut one = done(Deed::PodCreate, true);
    change(&mut one);
    let mut seen = by(Way::CloudWatch, one);
    seen.policy_origin = PolicyOrigin::EksPublished;
    let in_force = Ask::InForce { namespaces: vec!["a".into()] };
    check(&in_force, &seen, expected, kind);
    let judgement = verdict(&in_force, &seen).2.judgement;
    assert_eq!(judgement.observed.stance, observed, "{}", judgement.observed.because);
    assert!(judgement.declared.because.contains("AWS publishes for EKS"), "{}", judgement.declared.because);
    check(&Ask::Exempt { tenant: "a".into() }, &seen, Skipped, "policy-of-eks");
    check(&Ask::Stages { tenant: "a".into() }, &seen, Skipped, "policy-of-eks");
    let promised = promised(Metadata, RequestResponse);
    let topic = crate::families::audit::Topic::Pods;
    check(&Ask::Policy { tenant: "a".into(), topic, promised }, &seen, Skipped, "policy-of-eks");
    let record = verdict(&ask(Deed::PodCreate), &seen).2.judgement;
    assert!(
        record.computed.because.contains("AWS publishes for EKS, which was not read from the cluster"),
        "{}",
        record.computed.because
    );
}
