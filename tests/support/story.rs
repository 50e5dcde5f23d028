//! Runs that never were, told by their events: what the tests of the reports are written from.
//!
//! The story is one cluster with four parties: tenant-1 and tenant-2 (premium), the basic tier, and
//! a shared backend that tenant-2 and tenant-1's roles `analytics` and `subscriber` may reach.

use serde_json::{Map, Value, json};
use tenantproof::families::{Cause, Column, Judgement, Stance};
use tenantproof::model::{CaseId, CheckId, ControlStrength, Family, NodeName, RunId, TenantId, Verdict};
use tenantproof::plan::Case;
use tenantproof::run::{
    CaseResult, ClusterInfo, Coverage, Event, NodeInfo, PartyInfo, Phase, Program, RunInfo, RunRecord, RunStatus,
    SuiteInfo, TenancyInfo, Warning,
};
use tenantproof::suite::Access;

/// Who takes part: id, shared, tier, and the classes of its pods.
pub(crate) type Cast = Vec<(String, bool, Option<&'static str>, Vec<&'static str>)>;

/// A run that is yet to be told.
pub(crate) struct Story {
    pub(crate) cast: Cast,
    pub(crate) cni: &'static str,
    pub(crate) status: Option<RunStatus>,
    /// How many cases are judged before the run ends or is killed.
    pub(crate) judged: usize,
    pub(crate) coverage: Coverage,
    pub(crate) warnings: Vec<Warning>,
    /// What becomes of a case.
    pub(crate) fate: fn(&Case) -> Option<Judgement>,
}

/// The four parties of the story.
pub(crate) fn four() -> Cast {
    vec![
        ("tenant-1".into(), false, Some("premium"), vec!["analytics", "subscriber", "no-role"]),
        ("tenant-2".into(), false, Some("premium"), vec!["web"]),
        ("basic".into(), false, Some("basic"), vec!["web"]),
        ("backend".into(), true, None, vec!["api"]),
    ]
}

impl Story {
    /// Everything holds.
    pub(crate) fn conforming() -> Self {
        Self {
            cast: four(),
            cni: "kube-router",
            status: Some(RunStatus::Finished),
            judged: usize::MAX,
            coverage: Coverage {
                judged: 14,
                irrelevant: 6,
                not_understood: vec![],
                pods_represented: 41,
                not_tried: vec![],
            },
            warnings: vec![],
            fate: |_| None,
        }
    }

    /// One policy admits too much, one target did not answer, one hole is known and accepted.
    pub(crate) fn leaking() -> Self {
        let coverage = Coverage {
            not_understood: vec!["CiliumNetworkPolicy backend/l7-only (cilium.io/v2)".into()],
            not_tried: vec![
                "SCTP: the kernel of node worker-2 has no SCTP, so no probe there could listen.".into(),
                "tenant-2/batch: its ResourceQuota leaves no room for a probe (pods: 10 of 10 used).".into(),
                "basic/cron: no pod of this role runs, so no class stands for it.".into(),
            ],
            ..Self::conforming().coverage
        };
        let warnings = vec![Warning {
            message: "The mesh of namespace backend was not judged: probes opt out of sidecar injection.".into(),
            help: Some("Judge its own policies beside this run.".into()),
        }];
        Self { coverage, warnings, fate: leak, ..Self::conforming() }
    }

    /// The policies are right, and nobody enforces them.
    pub(crate) fn unenforced() -> Self {
        Self { cni: "kindnet", fate: unenforced, ..Self::conforming() }
    }

    /// Killed while it was judging.
    pub(crate) fn killed() -> Self {
        Self { status: None, judged: 20, ..Self::conforming() }
    }

    /// Interrupted by a person after something broken had been seen.
    pub(crate) fn interrupted() -> Self {
        Self { status: Some(RunStatus::Interrupted), judged: 34, ..Self::leaking() }
    }

    /// A hundred tenants of three tiers, and a leak between two of them.
    pub(crate) fn hundred() -> Self {
        let tier = |n: usize| match n {
            0..=9 => "premium",
            10..=39 => "standard",
            _ => "basic",
        };
        let mut cast: Cast = (0..100).map(|n| (format!("tenant-{n:03}"), false, Some(tier(n)), vec!["web"])).collect();
        cast.push(("backend".into(), true, None, vec!["api"]));
        let fate: fn(&Case) -> Option<Judgement> = |case| match (case.from.as_str(), case.to.as_str()) {
            ("tenant-042", "tenant-007") => leak_of(case),
            ("tenant-003", _) => Some(unanswered(case)),
            _ => None,
        };
        Self { cast, fate, ..Self::conforming() }
    }

    /// Names that try to break every format.
    pub(crate) fn hostile() -> Self {
        let cast = vec![
            ("a\u{1b}[31m\u{0}<script>&\"'".into(), false, Some("t|er`\n# @everyone"), vec!["]]>", "\u{fffe}\u{ffff}"]),
            ("b\u{202e}|`x`|\r\n\n# h @team #1 ![i](http://x)".into(), false, None, vec!["\u{fffd}\u{1fffe}\u{fdd0}"]),
            ("c]]></error><testcase name=\"forged\"/>".into(), true, None, vec!["\u{85}\u{7f}\u{2028}租户"]),
        ];
        let fate: fn(&Case) -> Option<Judgement> = |case| {
            let mut judgement = leak_of(case)?;
            judgement.reason = format!("{} reaches {} ]]> \u{b} <b>@all</b>", case.from, case.to);
            if case.id.as_str().contains("UDP") {
                judgement.verdict = Verdict::Skipped;
            }
            Some(judgement)
        };
        let bad = "n\u{8}o]]>\u{ffff}|<x>@me";
        let coverage = Coverage { not_understood: vec![bad.into()], not_tried: vec![bad.into()], ..Default::default() };
        let warnings = vec![Warning { message: bad.into(), help: Some(bad.into()) }];
        Self { cast, coverage, warnings, fate, ..Self::conforming() }
    }

    /// The events of the run, in their order.
    pub(crate) fn events(&self) -> Vec<Event> {
        let cases = self.cases();
        let mut events = vec![self.started()];
        for (phase, seconds, detail) in [
            (Phase::Snapshot, 0.42, "20 objects, 41 pods".to_owned()),
            (Phase::Plan, 0.01, format!("{} cases, 6 probes", cases.len())),
        ] {
            phase_passes(&mut events, phase, None, seconds, &detail);
        }
        events.push(Event::Planned { cases: cases.clone(), coverage: self.coverage.clone() });
        events.extend(self.warnings.iter().cloned().map(Event::Warned));
        phase_passes(&mut events, Phase::Claim, None, 0.2, "4 namespaces");
        phase_passes(&mut events, Phase::Start, Some(6), 9.3, "6 probes on 2 nodes");
        phase_passes(&mut events, Phase::Observe, Some(cases.len()), 6.1, "all answered");
        let results: Vec<CaseResult> =
            cases.iter().take(self.judged).enumerate().map(|(n, case)| self.judge(n, case)).collect();
        events.push(Event::Observed { family: Family::new("network"), observations: observations(&results) });
        events.extend(results.into_iter().map(|result| Event::Judged(Box::new(result))));
        if let Some(status) = self.status {
            phase_passes(&mut events, Phase::CleanUp, Some(6), 1.4, "nothing left behind");
            events.push(Event::Finished { status, at: "2026-11-24T07:42:28Z".into() });
        }
        events
    }

    /// The record that these events make.
    pub(crate) fn record(&self) -> RunRecord {
        let mut record = RunRecord::new();
        for event in self.events() {
            record.apply(&event);
        }
        record
    }

    /// The record when its plan was just made: what the files of a killed run hold.
    pub(crate) fn planned(&self) -> RunRecord {
        let mut record = RunRecord::new();
        for event in self.events() {
            record.apply(&event);
            if matches!(event, Event::Planned { .. }) {
                break;
            }
        }
        record
    }

    fn started(&self) -> Event {
        let node = |name: &str, probed| NodeInfo { name: NodeName::new(name), kernel: "6.8.0".into(), probed };
        let party = |(id, shared, tier, _): &(String, bool, Option<&str>, Vec<&str>)| PartyInfo {
            id: TenantId::new(id.as_str()),
            shared: *shared,
            tier: tier.map(str::to_owned),
            namespaces: vec![id.clone()],
        };
        Event::Started {
            run: RunInfo {
                id: RunId::new("20261124-074210-5f3a"),
                started: "2026-11-24T07:42:10Z".into(),
                by: "system:serviceaccount:tenantproof:runner".into(),
                mode: tenantproof::plan::Mode::Production,
                selection: tenantproof::run::Selection::default(),
                program: Program {
                    name: "tenantproof".into(),
                    version: "0.1.0".into(),
                    probe_image: "tenantproof-probe:0.1.0".into(),
                },
            },
            cluster: ClusterInfo {
                context: "kind-lab".into(),
                uid: "1f2e3d4c-5b6a-4978-8a7b-6c5d4e3f2a1b".into(),
                version: "v1.34.0".into(),
                cni: self.cni.into(),
                nodes: vec![node("control-plane", false), node("worker", true), node("worker-2", true)],
                eks: None,
            },
            tenancy: TenancyInfo {
                name: "shop".into(),
                path: "tenancy.yaml".into(),
                sha256: "8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92".into(),
                parties: self.cast.iter().map(party).collect(),
            },
            suites: vec![SuiteInfo {
                family: Family::new("network"),
                version: "1.0.0".into(),
                source: "built in".into(),
                sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
            }],
        }
    }

    fn cases(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for (from, _, _, sources) in &self.cast {
            for (to, shared, _, targets) in self.cast.iter().filter(|other| &other.0 != from) {
                for (source, target) in sources.iter().flat_map(|s| targets.iter().map(move |t| (s, t))) {
                    for ask in [("pod-ip", "TCP", 8080), ("pod-ip", "UDP", 5353), ("service", "TCP", 80)] {
                        let allowed = *shared && ask.1 == "TCP" && from != "basic" && *source != "no-role";
                        cases.push(case((from, source), (to, target), ask, allowed));
                    }
                }
            }
        }
        cases
    }

    fn judge(&self, number: usize, case: &Case) -> CaseResult {
        let judgement = (self.fate)(case).unwrap_or_else(|| holds(case));
        let evidence = if judgement.verdict == Verdict::Skipped { vec![] } else { vec![format!("tries/{number}")] };
        CaseResult { case: case.clone(), judgement, evidence }
    }
}

fn phase_passes(events: &mut Vec<Event>, phase: Phase, total: Option<usize>, seconds: f64, detail: &str) {
    events.push(Event::PhaseStarted { phase, family: None, total });
    if let Some(total) = total {
        events.push(Event::PhaseProgress {
            phase,
            family: None,
            done: total / 2,
            detail: Some("waiting for worker-2".into()),
        });
    }
    events.push(Event::PhaseFinished { phase, family: None, seconds, detail: detail.to_owned() });
}

fn case(from: (&str, &str), to: (&str, &str), ask: (&str, &str, u16), allowed: bool) -> Case {
    let (reach, protocol, port) = ask;
    let check = match (reach, allowed) {
        (_, true) => "network.declared-flow",
        ("service", false) => "network.cross-tenant.service",
        _ => "network.cross-tenant.pod",
    };
    let what = if allowed { "reaches" } else { "cannot reach" };
    let by = if reach == "service" { " by its Service" } else { "" };
    Case {
        id: CaseId::new(format!("{check}:{}/{}:{}/{}:{protocol}/{port}", from.0, from.1, to.0, to.1)),
        check: CheckId::new(check),
        family: Family::new("network"),
        title: format!("{} of {} {what} {} of {} on {protocol} {port}{by}.", from.1, from.0, to.1, to.0),
        from: TenantId::new(from.0),
        to: TenantId::new(to.0),
        expect: if allowed { Access::Allowed } else { Access::Denied },
        ask: json!({ "protocol": protocol, "port": port, "by": reach }),
    }
}

fn column(stance: Stance, because: impl Into<String>) -> Column {
    Column { stance, because: because.into() }
}

fn declared(case: &Case) -> Column {
    match case.expect {
        Access::Allowed => column(Stance::Allowed, "flow 1: the roles analytics and subscriber use the backend"),
        Access::Denied => column(Stance::Denied, "no flow allows it"),
    }
}

fn holds(case: &Case) -> Judgement {
    let (stance, observed, reason) = match case.expect {
        Access::Allowed => (Stance::Allowed, "3 of 3 attempts connected", "It is allowed, and it passes."),
        Access::Denied => {
            (Stance::Denied, "3 of 3 attempts timed out, nothing arrived", "It is denied, and nothing arrives.")
        }
    };
    Judgement {
        verdict: Verdict::Pass,
        reason: reason.into(),
        declared: declared(case),
        computed: column(stance, format!("NetworkPolicy {}/default-deny", case.to)),
        observed: column(stance, observed),
        control: Some(ControlStrength::AcrossNodes),
        cause: None,
    }
}

fn leak_of(case: &Case) -> Option<Judgement> {
    let (port, protocol) = (case.ask.get("port")?, case.ask.get("protocol")?.as_str()?);
    Some(Judgement {
        verdict: Verdict::Fail,
        reason: format!("{} can be reached from {} on {protocol} {port}.", case.to, case.from),
        declared: declared(case),
        computed: column(Stance::Allowed, format!("NetworkPolicy {}/allow-web, ingress rule 1", case.to)),
        observed: column(Stance::Allowed, "3 of 3 attempts connected, 3 arrived"),
        control: Some(ControlStrength::AcrossNodes),
        cause: Some(Cause {
            kind: "policy-too-wide".into(),
            sentence: format!(
                "NetworkPolicy {}/allow-web admits every namespace: the namespaceSelector of its ingress rule 1 is empty.",
                case.to
            ),
            remedy: format!(
                "Name the namespaces that may connect in ingress rule 1 of NetworkPolicy {}/allow-web.",
                case.to
            ),
        }),
    })
}

fn unanswered(case: &Case) -> Judgement {
    Judgement {
        verdict: Verdict::Inconclusive,
        reason: format!(
            "{} was not seen to reach anything, so its silence towards {} proves nothing.",
            case.from, case.to
        ),
        observed: column(Stance::Unknown, "3 of 3 attempts timed out; so did its positive control case"),
        control: None,
        cause: Some(Cause {
            kind: "control-failed".into(),
            sentence: format!(
                "No probe of {} reached its control case: its egress is closed, or its node has no network.",
                case.from
            ),
            remedy: format!("Declare a flow that {} may use, or look at the network of its node.", case.from),
        }),
        ..holds(case)
    }
}

fn leak(case: &Case) -> Option<Judgement> {
    match (case.from.as_str(), case.to.as_str(), case.check.as_str()) {
        ("basic", "tenant-2", _) if case.ask["protocol"] == "TCP" => leak_of(case),
        ("tenant-1", "tenant-2", _) if case.id.as_str().contains("no-role") => Some(unanswered(case)),
        ("basic", "backend", "network.cross-tenant.service") => Some(Judgement {
            verdict: Verdict::Waived,
            reason:
                "Accepted until 2027-01-31 by the owner of backend: the basic tier reads prices until the move is done."
                    .into(),
            ..leak_of(case)?
        }),
        ("backend", "basic", _) if case.ask["protocol"] == "UDP" => Some(Judgement {
            verdict: Verdict::Skipped,
            reason: "basic has no pod that listens on UDP, and its quota leaves no room for a probe.".into(),
            observed: column(Stance::Unknown, "not tried"),
            control: None,
            ..holds(case)
        }),
        _ => None,
    }
}

fn unenforced(case: &Case) -> Option<Judgement> {
    (case.expect == Access::Denied).then(|| Judgement {
        verdict: Verdict::Fail,
        reason: format!("{} can be reached from {} although a policy forbids it.", case.to, case.from),
        observed: column(Stance::Allowed, "3 of 3 attempts connected, 3 arrived"),
        cause: Some(Cause {
            kind: "not-enforced".into(),
            sentence: "The cluster's network enforces no NetworkPolicy: none of the denied connections was stopped."
                .into(),
            remedy: "Use a CNI that enforces NetworkPolicy, such as Cilium or Calico, or turn enforcement on.".into(),
        }),
        ..holds(case)
    })
}

fn observations(results: &[CaseResult]) -> Value {
    let mut tries = Map::new();
    for result in results {
        for key in &result.evidence {
            let outcome = match result.judgement.observed.stance {
                Stance::Allowed => ("connected", 812),
                Stance::Denied | Stance::Unknown => ("timeout", 1_000_000),
            };
            let attempts: Vec<Value> =
                (0..3).map(|n| json!({ "outcome": outcome.0, "micros": outcome.1 + n })).collect();
            let place = key.trim_start_matches("tries/").to_owned();
            let value = json!({
                "from": { "probe": format!("tp-{}-0", result.case.from), "node": "worker" },
                "to": { "probe": format!("tp-{}-0", result.case.to), "node": "worker-2", "address": "10.244.2.17" },
                "at": "2026-11-24T07:42:21Z",
                "attempts": attempts,
            });
            tries.insert(place, value);
        }
    }
    json!({ "tries": tries })
}
