//! What a tenant can take: a conforming story, each fence broken on purpose, somebody who changes a quota
//! meanwhile, and a run in production that takes nothing.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, LimitRange, PersistentVolumeClaim, Pod, ResourceQuota};
use kube::{Api, ResourceExt as _};
use tenantproof::cluster::RUN_LABEL;
use tenantproof::families::quota::fences::{How, Sabotage, sabotages};
use tenantproof::model::Verdict;
use tenantproof::plan::Mode;

use super::support::{Ended, Lab, Story, expect_nothing_left, first_lab, watched, workload};

/// The story with a share for tenant a: its quota and limits, and a workload that uses some of it.
struct Shared<'a> {
    lab: &'a Lab,
    story: Story<'a>,
}

impl<'a> Shared<'a> {
    fn new(lab: &'a Lab, name: &str) -> Self {
        let story = Story::new(lab, name);
        lab.apply(&format!(
            "apiVersion: v1\nkind: ResourceQuota\nmetadata: {{namespace: {a}, name: fair-share}}\n\
             spec: {{hard: {{requests.cpu: '8', limits.cpu: '8', requests.memory: 16Gi, limits.memory: 16Gi, pods: '20', \
             services: '6', services.nodeports: '2', services.loadbalancers: '0', persistentvolumeclaims: '2', \
             requests.storage: 10Gi, count/configmaps: '5', requests.example.com/gpu: '2', \
             requests.ephemeral-storage: 4Gi}}}}\n---\n\
             apiVersion: v1\nkind: LimitRange\nmetadata: {{namespace: {a}, name: container-size}}\n\
             spec: {{limits: [{{type: Container, max: {{cpu: '2'}}, min: {{cpu: 1m}}, defaultRequest: {{cpu: 10m, memory: 16Mi}}, \
             default: {{cpu: 100m, memory: 64Mi}}}}, {{type: PersistentVolumeClaim, max: {{storage: 10Gi}}}}]}}\n---\n{}",
            workload("Deployment", &story.a, "app", "{app: app}", 1, ""),
            a = story.a
        ));
        let shared = Self { lab, story };
        super::support::eventually("the workload's pod, counted", Duration::from_secs(60), || {
            let used = shared.used();
            used.iter().any(|one| one == "pods=1")
        });
        shared
    }

    fn tenancy(&self) -> String {
        self.story.tenancy().replacen(
            "  roles:\n",
            "  subjects: {groups: [a-developers]}\n  share:\n    quota: {requests.cpu: '8', limits.cpu: '8', requests.memory: 16Gi, \
             limits.memory: 16Gi, pods: '20'}\n    container: {cpu: '2'}\n  roles:\n",
            1,
        )
    }

    fn quota(&self) -> ResourceQuota {
        self.lab.list::<ResourceQuota>(&self.story.a).remove(0)
    }

    /// What is used of the quota, each as `name=amount`.
    fn used(&self) -> Vec<String> {
        let used = self.quota().status.and_then(|status| status.used).unwrap_or_default();
        used.into_iter().map(|(name, amount)| format!("{name}={}", amount.0)).collect()
    }

    fn sabotage(&self, how: How, words: &str) -> Sabotage {
        let quotas = self.lab.list::<ResourceQuota>(&self.story.a);
        let ranges = self.lab.list::<LimitRange>(&self.story.a);
        let mut ways = sabotages(&quotas, &ranges);
        ways.retain(|way| way.how == how && way.description.contains(words));
        assert_eq!(ways.len(), 1, "exactly one way should be {how:?} with {words:?}: {ways:#?}");
        ways.remove(0)
    }

    /// Breaks the fence, runs, and puts it back: only tenant a is accused, for a cause of this kind with these words.
    fn broken(&self, sabotage: &Sabotage, kind: &str, words: &str) {
        eprintln!("{}: {}", self.lab.context, sabotage.description);
        let (object, name) =
            (sabotage.whole["kind"].as_str().unwrap(), sabotage.whole["metadata"]["name"].as_str().unwrap());
        match &sabotage.broken {
            Some(broken) => self.lab.apply(&serde_json::to_string(broken).unwrap()),
            None => self.lab.delete("v1", object, &self.story.a, name),
        }
        let ended = self.lab.run(&self.tenancy()).families(&["quota"]).end();
        self.lab.apply(&serde_json::to_string(&sabotage.whole).unwrap());
        self.settled();
        accused(&ended.expect_code(1), kind, words);
    }

    /// Waits until the quota controller has counted the quota that was put back.
    fn settled(&self) {
        super::support::eventually("the quota, counted", Duration::from_secs(60), || {
            let quota = self.quota();
            let status = quota.status.clone().unwrap_or_default();
            status.hard == quota.spec.clone().unwrap_or_default().hard && self.used().iter().any(|one| one == "pods=1")
        });
    }

    fn namespaces(&self) -> [&str; 3] {
        [&self.story.a, &self.story.b, &self.story.shared]
    }
}

/// Asserts that tenant a alone is accused, for one cause.
fn accused(ended: &Ended, kind: &str, words: &str) {
    let record = ended.record();
    let broken: Vec<_> = record.findings.iter().filter(|finding| finding.verdict == Verdict::Fail).collect();
    let who: BTreeSet<_> = broken.iter().map(|one| (one.from.as_str(), one.to.as_str())).collect();
    assert_eq!(who, BTreeSet::from([("a", "a")]), "tenant a alone should be accused:\n{}", ended.text);
    for finding in &broken {
        assert_eq!(finding.kind, kind, "the kind of cause should be the right one: {finding:#?}");
        assert!(finding.cause.contains(words), "the cause should say {words:?}: {}", finding.cause);
    }
}

/// Asserts that nothing of a run is left, of the kinds too that only this family makes.
fn nothing_left(lab: &Lab, shared: &Shared<'_>, ended: &Ended) {
    expect_nothing_left(lab, &shared.namespaces(), &[ended]);
    let marked = |labels: &std::collections::BTreeMap<String, String>| labels.contains_key(RUN_LABEL);
    let claims = lab.list::<PersistentVolumeClaim>(&shared.story.a);
    let maps = lab.list::<ConfigMap>(&shared.story.a);
    assert!(!claims.iter().any(|one| marked(one.labels())), "no claim should be left: {claims:#?}");
    assert!(!maps.iter().any(|one| marked(one.labels())), "no ConfigMap should be left: {maps:#?}");
}

#[test]
fn a_conforming_story_is_filled_to_its_limits_and_left_as_it_was() {
    if let Some(lab) = first_lab() {
        let shared = Shared::new(&lab, "filled");
        let before = shared.used();
        let ended = lab.run(&shared.tenancy()).families(&["quota"]).end().expect_code(0);
        let record = ended.record();
        assert_eq!(record.run.mode, Mode::Throwaway, "the lab says that it may be thrown away");
        let of = |check: &str| {
            record.results.iter().find(|one| one.case.id.as_str() == format!("{check}:{}/pods", shared.story.a))
        };
        let at_once = &of("quota.limit.at-once").expect("the pods are tried at once").judgement;
        assert!(at_once.reason.starts_with("of 50 creates at once"), "{}", at_once.reason);
        let filled = &of("quota.limit.one-past").expect("the pods are filled").judgement;
        assert!(filled.reason.contains("was filled to its limit"), "{}", filled.reason);
        for check in ["promised", "one-past", "at-once", "max", "defaults", "bounds", "locked"] {
            let proved = record.results.iter().filter(|one| {
                one.case.check.as_str().ends_with(&format!(".{check}")) && one.judgement.verdict == Verdict::Pass
            });
            assert!(proved.count() > 0, "{check} should be proved:\n{}", ended.text);
        }
        nothing_left(&lab, &shared, &ended);
        super::support::eventually("as much used as before", Duration::from_secs(30), || shared.used() == before);
    }
}

#[test]
fn each_broken_fence_is_found_with_its_tenant_and_its_cause_and_none_once_all_are_back() {
    if let Some(lab) = first_lab() {
        let shared = Shared::new(&lab, "share");
        let a = shared.story.a.clone();
        let deleted = shared.sabotage(How::QuotaDeleted, "");
        shared.broken(&deleted, "quota-missing", &format!("namespace {a} has no ResourceQuota"));
        let raised = shared.sabotage(How::QuotaRaised, "limits.cpu raised to 16");
        shared.broken(
            &raised,
            "quota-too-high",
            &format!("ResourceQuota {a}/fair-share holds limits.cpu to 16, and 8 was promised"),
        );
        let deleted = shared.sabotage(How::LimitsDeleted, "");
        shared.broken(&deleted, "limit-missing", &format!("namespace {a} has no LimitRange"));
        let raised = shared.sabotage(How::LimitRaised, "cpu of one Container raised to 4");
        shared.broken(
            &raised,
            "limit-too-high",
            &format!("LimitRange {a}/container-size lets a container have 4 of cpu"),
        );

        lab.apply(&format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{namespace: {a}, name: generous}}\n\
             rules: [{{apiGroups: [''], resources: [resourcequotas], verbs: [get, patch]}}]\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{namespace: {a}, name: generous}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: generous}}\n\
             subjects: [{{kind: Group, name: a-developers, apiGroup: rbac.authorization.k8s.io}}]\n"
        ));
        let ended = lab.run(&shared.tenancy()).families(&["quota"]).end().expect_code(1);
        accused(&ended, "tenant-may-edit", "let group a-developers patch resourcequotas");
        lab.delete("rbac.authorization.k8s.io/v1", "RoleBinding", &a, "generous");

        let whole = lab.run(&shared.tenancy()).families(&["quota"]).end().expect_code(0);
        assert!(whole.record().findings.is_empty(), "with every fence back nobody should be accused");
        nothing_left(&lab, &shared, &whole);
    }
}

#[test]
fn a_quota_that_somebody_changes_meanwhile_proves_nothing() {
    if let Some(lab) = first_lab() {
        let shared = Shared::new(&lab, "shifting");
        let over = AtomicBool::new(false);
        let ended = std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut amount = 21;
                while !over.load(Ordering::Relaxed) {
                    lab.apply(&format!(
                        "apiVersion: v1\nkind: ResourceQuota\nmetadata: {{namespace: {}, name: fair-share}}\n\
                         spec: {{hard: {{count/configmaps: '{amount}'}}}}\n",
                        shared.story.a
                    ));
                    amount += 1;
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
            let ended = lab.run(&shared.tenancy()).families(&["quota"]).end();
            over.store(true, Ordering::Relaxed);
            ended
        })
        .expect_code(3);
        let of_family = ended.record().results.iter().filter(|one| one.case.family.as_str() == "quota");
        for one in of_family.filter(|one| !one.case.check.as_str().ends_with(".locked")) {
            assert_eq!(one.judgement.verdict, Verdict::Inconclusive, "{}: {}", one.case.id, one.judgement.reason);
            let kind = one.judgement.cause.as_ref().map(|cause| cause.kind.as_str());
            assert_eq!(kind, Some("quota-changed"), "{}", one.judgement.reason);
        }
        nothing_left(&lab, &shared, &ended);
    }
}

#[test]
fn a_run_in_production_takes_nothing_at_any_moment() {
    if let Some(lab) = first_lab() {
        let shared = Shared::new(&lab, "earning");
        let pods: Api<Pod> = Api::namespaced(lab.client.clone(), &shared.story.a);
        let before = shared.used();
        let run = lab.run(&shared.tenancy()).families(&["quota"]).with(&["--prod"]);
        let (ended, samples) = watched(run, || {
            let made = lab.wait(pods.list(&kube::api::ListParams::default().labels(RUN_LABEL))).unwrap();
            let gated = made.iter().filter(|pod| {
                pod.spec.as_ref().is_some_and(|spec| spec.scheduling_gates.iter().flatten().next().is_some())
            });
            (gated.count(), shared.used())
        });
        let ended = ended.expect_code(0);
        assert!(samples.iter().all(|(gated, _)| *gated == 0), "no pod should be made to fill a quota");
        for (_, used) in &samples {
            assert_eq!(used, &before, "nothing of the quota should be taken at any moment");
        }
        let at_once = ended.record().results.iter().filter(|one| one.case.check.as_str() == "quota.limit.at-once");
        for one in at_once {
            assert_eq!(one.judgement.verdict, Verdict::Skipped, "{}", one.case.id);
            assert!(one.judgement.reason.contains("this is production"), "{}", one.judgement.reason);
        }
        let past = ended.record().results.iter().find(|one| one.case.id.as_str().ends_with("/limits.cpu"));
        assert!(past.is_some(), "limits.cpu should be a case");
        nothing_left(&lab, &shared, &ended);
    }
}
