//! Every rule of judging, by table: one source, one target, and what else was seen beside them.

use rstest::rstest;

use super::judge;
use crate::families::network::{
    Ask, Computed, Connection, Placement, PodEnd, ProbeSeen, Reach, Seen, SideSeen, TrySeen,
};
use crate::families::{CaseResult, Stance};
use crate::model::{ControlStrength, Port, Protocol, Verdict};
use crate::plan::{Case, ProbeName};
use crate::probe::wire::{Attempt, Ending, Outcome};
use crate::suite::Access;

const PORT: u16 = 8080;

fn computed(stance: Stance) -> Computed {
    let (egress, ingress) = match stance {
        Stance::Allowed => (SideSeen::NoPolicy, SideSeen::NoPolicy),
        Stance::Denied => (SideSeen::NoPolicy, SideSeen::Denied),
        Stance::Unknown => (SideSeen::Unknown, SideSeen::Unknown),
    };
    Computed { stance, because: format!("computed {stance:?}"), egress, ingress }
}

fn attempts(outcomes: &[Outcome]) -> Vec<Attempt> {
    outcomes.iter().map(|outcome| Attempt { outcome: outcome.clone(), at_ms: 1, micros: 1 }).collect()
}

fn one(
    from: &str,
    to: &str,
    placement: Placement,
    stance: Stance,
    outcomes: &[Outcome],
    arrivals: Option<u32>,
) -> TrySeen {
    TrySeen {
        connection: Connection {
            from: ProbeName::new(from),
            to: ProbeName::new(to),
            reach: Reach::PodIp,
            protocol: Protocol::Tcp,
            port: Port::new(PORT).unwrap(),
            placement,
        },
        computed: computed(stance),
        attempts: attempts(outcomes),
        arrivals,
        fault: None,
    }
}

/// The case from `s` to `t`, from another node, and what was seen: the try itself, and control cases.
struct Scene {
    expect: Access,
    seen: Seen,
}

impl Scene {
    fn new(expect: Access, stance: Stance, outcomes: &[Outcome], arrivals: Option<u32>) -> Self {
        let mut scene = Self { expect, seen: Seen::default() };
        scene.add("case", one("s", "t", Placement::OtherNode, stance, outcomes, arrivals));
        scene
    }

    fn add(&mut self, key: &str, seen: TrySeen) {
        self.seen.tries.insert(key.to_owned(), seen);
    }

    /// Control cases that came about: the source reached a peer, and a peer reached the target.
    fn controlled(mut self, source: Placement, target: Placement) -> Self {
        let open = [Outcome::Connected];
        self.add("source", one("s", "x", source, Stance::Allowed, &open, Some(1)));
        self.add("target", one("y", "t", target, Stance::Allowed, &open, Some(1)));
        self
    }

    fn verdict(&self) -> CaseResult {
        let end = |name: &str| PodEnd { namespace: name.into(), roles: Vec::new(), variant: String::new() };
        let ask = Ask {
            from: end("s"),
            to: end("t"),
            reach: Reach::PodIp,
            protocol: Protocol::Tcp,
            port: Port::new(PORT).unwrap(),
            placement: Placement::OtherNode,
            declared: "as declared".to_owned(),
            tries: vec!["case".to_owned()],
        };
        let case = Case {
            id: "network.cross-tenant.pod:s/any>t/any:tcp-8080:other-node".into(),
            check: "network.cross-tenant.pod".into(),
            family: "network".into(),
            title: "s does not reach t".to_owned(),
            from: "s".into(),
            to: "t".into(),
            expect: self.expect,
            ask: serde_json::to_value(&ask).unwrap(),
        };
        judge(&[case], &self.seen).unwrap().remove(0)
    }
}

/// A denial beside strong control cases: what was computed and what came back decide.
#[rstest]
#[case::dropped(Stance::Denied, &[Outcome::Timeout, Outcome::Timeout], Some(0), Verdict::Pass, None)]
#[case::refused(Stance::Denied, &[Outcome::Refused, Outcome::Refused], Some(0), Verdict::Pass, None)]
#[case::no_route(Stance::Denied, &[Outcome::NoRoute], Some(0), Verdict::Pass, None)]
#[case::by_what_is_not_modelled(Stance::Unknown, &[Outcome::Timeout], Some(0), Verdict::Pass, None)]
#[case::one_success_outweighs(
    Stance::Denied, &[Outcome::Timeout, Outcome::Connected, Outcome::Timeout], Some(1), Verdict::Fail, Some("not-enforced")
)]
#[case::open(Stance::Allowed, &[Outcome::Connected], Some(1), Verdict::Fail, Some("policy-missing"))]
#[case::leak_of_unknown_cause(Stance::Unknown, &[Outcome::Connected], Some(1), Verdict::Fail, Some("not-modelled"))]
#[case::arrived_without_an_answer(Stance::Denied, &[Outcome::Timeout], Some(1), Verdict::Fail, Some("not-enforced"))]
#[case::no_record_of_the_target(Stance::Denied, &[Outcome::Timeout], None, Verdict::Inconclusive, Some("unclear"))]
#[case::opened_and_silent(
    Stance::Denied, &[Outcome::Opened(Ending::Silence)], Some(0), Verdict::Inconclusive, Some("unclear")
)]
#[case::somebody_else_answered(Stance::Denied, &[Outcome::WrongPeer], Some(0), Verdict::Inconclusive, Some("unclear"))]
#[case::probe_error(
    Stance::Denied, &[Outcome::Timeout, Outcome::ProbeError("no sockets".into())], Some(0), Verdict::Inconclusive,
    Some("unclear")
)]
#[case::name_not_resolved(Stance::Denied, &[Outcome::Dns], Some(0), Verdict::Inconclusive, Some("unclear"))]
#[case::blocked_by_nothing_that_was_read(
    Stance::Allowed, &[Outcome::Timeout], Some(0), Verdict::Inconclusive, Some("control-missing")
)]
#[case::no_such_protocol(Stance::Denied, &[Outcome::Unsupported], Some(0), Verdict::Skipped, None)]
fn a_denial_is_judged(
    #[case] stance: Stance,
    #[case] outcomes: &[Outcome],
    #[case] arrivals: Option<u32>,
    #[case] verdict: Verdict,
    #[case] kind: Option<&str>,
) {
    let scene = Scene::new(Access::Denied, stance, outcomes, arrivals);
    // An allowed peer of the same source that did not come about would be a missing control case.
    let result = scene.controlled(Placement::SameNode, Placement::OtherNode);
    let result = if stance == Stance::Allowed { result.verdict() } else { result.strong().verdict() };
    assert_eq!(result.judgement.verdict, verdict, "{:#?}", result.judgement);
    assert_eq!(result.judgement.cause.map(|cause| cause.kind).as_deref(), kind, "{}", result.judgement.reason);
}

impl Scene {
    /// The source also reached a peer across the network.
    fn strong(mut self) -> Self {
        self.add("source across", one("s", "z", Placement::OtherNode, Stance::Allowed, &[Outcome::Connected], Some(1)));
        self
    }
}

#[test]
fn a_block_that_nothing_explains_is_not_proved_even_beside_strong_controls() {
    let scene = Scene::new(Access::Denied, Stance::Allowed, &[Outcome::Timeout], Some(0));
    let result = scene.controlled(Placement::OtherNode, Placement::OtherNode).verdict();
    assert_eq!(result.judgement.verdict, Verdict::Inconclusive);
    assert_eq!(result.judgement.cause.unwrap().kind, "unexplained-block");
}

/// A denial counts only beside its control cases, and says how strong the weaker one was.
#[rstest]
#[case::both_across(Some(Placement::OtherNode), Some(Placement::OtherNode), Ok(ControlStrength::AcrossNodes))]
#[case::own_address(Some(Placement::OtherNode), Some(Placement::Itself), Ok(ControlStrength::OwnAddress))]
#[case::same_node(Some(Placement::SameNode), Some(Placement::OtherNode), Ok(ControlStrength::SameNode))]
#[case::dead_target(Some(Placement::OtherNode), None, Err("nobody reached t on TCP 8080"))]
#[case::mute_source(None, Some(Placement::OtherNode), Err("s reached nothing over TCP"))]
#[case::nothing_at_all(None, None, Err("s reached nothing over TCP"))]
fn a_denial_needs_both_control_cases(
    #[case] source: Option<Placement>,
    #[case] target: Option<Placement>,
    #[case] expected: Result<ControlStrength, &str>,
) {
    let mut scene = Scene::new(Access::Denied, Stance::Denied, &[Outcome::Timeout], Some(0));
    let open = [Outcome::Connected];
    if let Some(placement) = source {
        scene.add("source", one("s", "x", placement, Stance::Allowed, &open, Some(1)));
    }
    if let Some(placement) = target {
        scene.add("target", one("y", "t", placement, Stance::Allowed, &open, Some(1)));
    }
    let judgement = scene.verdict().judgement;
    match expected {
        Ok(strength) => {
            assert_eq!(judgement.verdict, Verdict::Pass, "{judgement:#?}");
            assert_eq!(judgement.control, Some(strength));
        }
        Err(words) => {
            assert_eq!(judgement.verdict, Verdict::Inconclusive, "{judgement:#?}");
            assert_eq!(judgement.cause.unwrap().kind, "control-missing");
            assert!(judgement.reason.contains(words), "{}", judgement.reason);
        }
    }
}

/// A network between the nodes that is down must not make denials between nodes pass.
#[rstest]
#[case::allowed_peer_across_is_silent(Outcome::Timeout, Verdict::Inconclusive)]
#[case::allowed_peer_across_answers(Outcome::Connected, Verdict::Pass)]
fn a_control_case_that_is_due_must_have_come_about(#[case] outcome: Outcome, #[case] verdict: Verdict) {
    let scene = Scene::new(Access::Denied, Stance::Denied, &[Outcome::Timeout], Some(0));
    let mut scene = scene.controlled(Placement::SameNode, Placement::SameNode);
    scene.add("due", one("s", "far", Placement::OtherNode, Stance::Allowed, &[outcome], Some(0)));
    assert_eq!(scene.verdict().judgement.verdict, verdict);
}

#[test]
fn a_peer_that_could_not_be_made_is_due_to_nobody() {
    let scene = Scene::new(Access::Denied, Stance::Denied, &[Outcome::Timeout], Some(0));
    let mut scene = scene.controlled(Placement::SameNode, Placement::SameNode);
    let mut absent = one("s", "far", Placement::OtherNode, Stance::Allowed, &[], None);
    absent.fault = Some("its probe was not made".to_owned());
    scene.add("due", absent);
    assert_eq!(scene.verdict().judgement.verdict, Verdict::Pass);
}

#[test]
fn a_control_case_of_another_protocol_or_port_controls_nothing() {
    let mut scene = Scene::new(Access::Denied, Stance::Denied, &[Outcome::Timeout], Some(0));
    let open = [Outcome::Connected];
    scene.add("source", one("s", "x", Placement::OtherNode, Stance::Allowed, &open, Some(1)));
    let mut udp = one("y", "t", Placement::OtherNode, Stance::Allowed, &open, Some(1));
    udp.connection.protocol = Protocol::Udp;
    scene.add("udp", udp);
    let mut port = one("y", "t", Placement::OtherNode, Stance::Allowed, &open, Some(1));
    port.connection.port = Port::new(9090).unwrap();
    scene.add("port", port);
    let mut service = one("y", "t", Placement::OtherNode, Stance::Allowed, &open, Some(1));
    service.connection.reach = Reach::Service;
    scene.add("service", service);
    assert_eq!(scene.verdict().judgement.verdict, Verdict::Inconclusive);
}

/// A promise that something passes.
#[rstest]
#[case::passes(Stance::Allowed, &[Outcome::Connected], Some(1), Verdict::Pass, None)]
#[case::passes_at_last(Stance::Allowed, &[Outcome::Timeout, Outcome::Connected], Some(1), Verdict::Pass, None)]
#[case::denied_by_policy(Stance::Denied, &[Outcome::Refused], Some(0), Verdict::Fail, Some("policy-too-strict"))]
#[case::blocked_by_the_engine(Stance::Allowed, &[Outcome::Timeout], Some(0), Verdict::Fail, Some("blocked-by-engine"))]
#[case::blocked_by_what_is_not_modelled(Stance::Unknown, &[Outcome::Timeout], Some(0), Verdict::Fail, Some("not-modelled"))]
#[case::one_way(Stance::Allowed, &[Outcome::Timeout], Some(1), Verdict::Inconclusive, Some("unclear"))]
#[case::wrong_peer(Stance::Allowed, &[Outcome::WrongPeer], Some(0), Verdict::Inconclusive, Some("unclear"))]
#[case::no_such_protocol(Stance::Allowed, &[Outcome::Unsupported], Some(0), Verdict::Skipped, None)]
fn an_allowance_is_judged(
    #[case] stance: Stance,
    #[case] outcomes: &[Outcome],
    #[case] arrivals: Option<u32>,
    #[case] verdict: Verdict,
    #[case] kind: Option<&str>,
) {
    let scene = Scene::new(Access::Allowed, stance, outcomes, arrivals);
    let result = scene.controlled(Placement::OtherNode, Placement::OtherNode).verdict();
    assert_eq!(result.judgement.verdict, verdict, "{:#?}", result.judgement);
    assert_eq!(result.judgement.cause.map(|cause| cause.kind).as_deref(), kind, "{}", result.judgement.reason);
}

#[test]
fn a_flow_that_does_not_pass_to_a_dead_target_is_not_proved_to_be_broken() {
    let scene = Scene::new(Access::Allowed, Stance::Allowed, &[Outcome::Refused], Some(0));
    assert_eq!(scene.verdict().judgement.verdict, Verdict::Inconclusive);
}

#[test]
fn what_was_not_made_is_inconclusive_with_its_reason() {
    let mut scene =
        Scene::new(Access::Denied, Stance::Denied, &[], None).controlled(Placement::OtherNode, Placement::OtherNode);
    scene.seen.tries.get_mut("case").unwrap().fault = Some("the quota has no room".to_owned());
    let judgement = scene.verdict().judgement;
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert!(judgement.reason.contains("the quota has no room"), "{}", judgement.reason);
}

#[test]
fn a_target_that_could_not_say_who_arrived_is_told_with_its_reason() {
    let scene = Scene::new(Access::Denied, Stance::Denied, &[Outcome::Timeout], None);
    let mut scene = scene.controlled(Placement::OtherNode, Placement::OtherNode);
    let target = ProbeSeen {
        namespace: "t".into(),
        node: "n".into(),
        labels: std::collections::BTreeMap::new(),
        pod: "tenantproof-t".to_owned(),
        address: "10.0.0.1".to_owned(),
        fault: Some("its node went away".to_owned()),
    };
    scene.seen.probes.insert(ProbeName::new("t"), target);
    let judgement = scene.verdict().judgement;
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert!(judgement.reason.contains("its node went away"), "{}", judgement.reason);
}

#[test]
fn a_leak_is_a_leak_even_where_policies_changed_or_a_probe_failed_later() {
    let scene = Scene::new(Access::Denied, Stance::Denied, &[Outcome::Connected], Some(1));
    let mut scene = scene.controlled(Placement::OtherNode, Placement::OtherNode);
    scene.seen.changed.insert("t".into());
    scene.seen.tries.get_mut("case").unwrap().fault = Some("the probe was not heard any more".to_owned());
    assert_eq!(scene.verdict().judgement.verdict, Verdict::Fail);
}

#[test]
fn a_denial_while_policies_changed_is_not_proved() {
    let scene = Scene::new(Access::Denied, Stance::Denied, &[Outcome::Timeout], Some(0));
    let mut scene = scene.controlled(Placement::OtherNode, Placement::OtherNode);
    scene.seen.changed.insert("t".into());
    assert_eq!(scene.verdict().judgement.cause.unwrap().kind, "policies-changed");
}

#[test]
fn a_denial_whose_policies_were_not_read_again_is_not_proved() {
    let scene = Scene::new(Access::Denied, Stance::Denied, &[Outcome::Timeout], Some(0));
    let mut scene = scene.controlled(Placement::OtherNode, Placement::OtherNode);
    scene.seen.unconfirmed.insert("t".into(), "the API server did not answer".to_owned());
    let judgement = scene.verdict().judgement;
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!(judgement.cause.unwrap().kind, "policies-unconfirmed");
    assert!(judgement.reason.contains("the API server did not answer"), "{}", judgement.reason);
}

#[test]
fn a_case_whose_tries_are_missing_is_never_a_pass() {
    let mut scene = Scene::new(Access::Denied, Stance::Denied, &[Outcome::Timeout], Some(0));
    scene = scene.controlled(Placement::OtherNode, Placement::OtherNode);
    scene.seen.tries.remove("case");
    assert_eq!(scene.verdict().judgement.verdict, Verdict::Inconclusive);
}

#[test]
fn judging_what_was_stored_gives_the_same_verdict() {
    let scene = Scene::new(Access::Denied, Stance::Denied, &[Outcome::Timeout], Some(0));
    let scene = scene.controlled(Placement::OtherNode, Placement::OtherNode);
    let result = scene.verdict();
    let stored = serde_json::to_value(&scene.seen).unwrap();
    let again = crate::families::judge_again(&"network".into(), std::slice::from_ref(&result.case), &stored).unwrap();
    assert_eq!(again, vec![result]);
}
