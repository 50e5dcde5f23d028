//! A probe is a guest: beside what could adopt it, publish it, count it or scale by it, a run changes
//! nothing of the tenant's. Where that can't be had, the probe isn't made and its cases say why.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::support::{Ended, Lab, Story, bare_pod, eventually, fence, labs, watched, workload};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::scheduling::v1::PriorityClass;
use kube::ResourceExt;
use tenantproof::model::Verdict;

const RUN_LABEL: &str = "tenantproof.dev/run";

/// Tenant a's workloads would adopt a probe if they could; what is in b would publish, count or scale
/// by one, each for a role of its own.
struct Household<'a> {
    lab: &'a Lab,
    story: Story<'a>,
}

impl<'a> Household<'a> {
    fn new(lab: &'a Lab) -> Self {
        let story = Story::new(lab, "guest");
        let (a, b) = (&story.a, &story.b);
        // The policies read `role`, so the probes wear it.
        for namespace in [a, b] {
            let roles = "{matchExpressions: [{key: role, operator: Exists}]}";
            lab.apply(&fence(namespace, "roles", roles, "[{podSelector: {}}]", ""));
        }
        lab.apply(&format!(
            "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{namespace: {b}, name: scaler}}\n\
             spec:\n  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: scaled}}\n  minReplicas: 1\n  \
             maxReplicas: 3\n  metrics:\n  - type: Resource\n    resource: {{name: cpu, target: {{type: Utilization, \
             averageUtilization: 80}}}}\n"
        ));
        lab.apply(&workload("Deployment", b, "scaled", "{role: scaled}", 1, ""));
        // A ReplicaSet of its own: that of a Deployment also asks for a hash, which no probe wears.
        lab.apply(&workload("ReplicaSet", a, "client", "{role: client}", 2, ""));
        lab.apply(&workload("StatefulSet", a, "store", "{role: client}", 1, ""));
        lab.apply(&workload("ReplicaSet", b, "budgeted", "{role: budgeted}", 1, ""));
        lab.apply(&format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{namespace: {a}, name: front}}\n\
             spec: {{selector: {{role: client}}, ports: [{{port: 8080}}]}}\n---\n\
             apiVersion: v1\nkind: Service\nmetadata: {{namespace: {b}, name: publisher}}\n\
             spec: {{publishNotReadyAddresses: true, selector: {{role: published}}, ports: [{{port: 8080}}]}}\n---\n\
             apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{namespace: {b}, name: budget}}\n\
             spec: {{minAvailable: 1, selector: {{matchLabels: {{role: budgeted}}}}}}\n"
        ));
        let household = Self { lab, story };
        eventually("a settled household", Duration::from_secs(120), || household.settled());
        household
    }

    fn tenancy(&self) -> String {
        let Story { a, b, shared, .. } = &self.story;
        let roles = |names: &[&str]| -> String {
            names.iter().map(|name| format!("  - {{name: {name}, labels: {{role: {name}}}}}\n")).collect()
        };
        format!(
            "apiVersion: tenantproof.dev/v1\nkind: Tenancy\nname: household\ntenants:\n\
             - id: a\n  namespaces: [{a}]\n  roles:\n{}\
             - id: b\n  namespaces: [{b}]\n  roles:\n{}\
             shared:\n- id: shared\n  namespaces: [{shared}]\n\
             flows:\n- from: {{tenant: a, roles: [client]}}\n  to: {{shared: shared}}\n  \
             ports: [{{protocol: TCP, port: 8080}}]\n",
            roles(&["client"]),
            roles(&["published", "budgeted", "scaled"]),
        )
    }

    /// Whether every pod is ready, and every controller has written down what it saw.
    fn settled(&self) -> bool {
        let Story { a, b, .. } = &self.story;
        let ready = |namespace: &str, wanted: usize| {
            let pods = self.lab.list::<Pod>(namespace);
            pods.len() == wanted && pods.iter().all(is_ready)
        };
        let front: usize = self.addresses(a, "front").values().filter(|ready| **ready).count();
        let budgets = self.lab.list::<PodDisruptionBudget>(b);
        let scalers = self.lab.list::<HorizontalPodAutoscaler>(b);
        let sets = self.lab.list::<StatefulSet>(a);
        let replicas = [a, b].into_iter().flat_map(|namespace| self.lab.list::<ReplicaSet>(namespace));
        ready(a, 3)
            && ready(b, 2)
            && front == 3
            && budgets.iter().all(|one| one.status.as_ref().is_some_and(|status| status.current_healthy == 1))
            && sets.iter().all(|one| one.status.as_ref().is_some_and(|status| status.ready_replicas == Some(1)))
            && replicas
                .into_iter()
                .all(|one| one.status.is_some_and(|status| status.ready_replicas == one.spec.unwrap().replicas))
            && scalers.iter().all(|one| {
                let status = one.status.as_ref();
                status.is_some_and(|s| {
                    s.current_replicas == Some(1) && s.conditions.as_ref().is_some_and(|c| !c.is_empty())
                })
            })
    }

    /// The addresses that a Service sends traffic to or may do once they are ready, and whether they are.
    fn addresses(&self, namespace: &str, service: &str) -> BTreeMap<String, bool> {
        let slices = self.lab.list::<EndpointSlice>(namespace);
        slices
            .into_iter()
            .filter(|slice| slice.labels().get("kubernetes.io/service-name").is_some_and(|name| name == service))
            .flat_map(|slice| slice.endpoints)
            .flat_map(|endpoint| {
                let conditions = endpoint.conditions.unwrap_or_default();
                let used = conditions.ready != Some(false) || conditions.serving != Some(false);
                endpoint.addresses.into_iter().map(move |address| (address, used))
            })
            .collect()
    }

    /// All that is the tenants' own, as it is at this moment: each object with its uid and its version,
    /// which any write would change.
    fn belongings(&self) -> BTreeMap<String, String> {
        let Story { a, b, .. } = &self.story;
        let mut all = BTreeMap::new();
        for namespace in [a, b] {
            let pods = self.lab.list::<Pod>(namespace).into_iter().filter(|pod| !is_probe(pod));
            all.extend(pods.map(|pod| versioned("Pod", &pod)));
            let services = self.lab.list::<Service>(namespace).into_iter();
            all.extend(
                services.filter(|one| !one.labels().contains_key(RUN_LABEL)).map(|one| versioned("Service", &one)),
            );
            all.extend(self.lab.list::<ReplicaSet>(namespace).iter().map(|one| versioned("ReplicaSet", one)));
            all.extend(self.lab.list::<StatefulSet>(namespace).iter().map(|one| versioned("StatefulSet", one)));
            all.extend(self.lab.list::<Deployment>(namespace).iter().map(|one| versioned("Deployment", one)));
            all.extend(self.lab.list::<PodDisruptionBudget>(namespace).iter().map(|one| versioned("PDB", one)));
            // Without a metrics server its conditions come and go: what a probe could change is compared.
            all.extend(self.lab.list::<HorizontalPodAutoscaler>(namespace).iter().map(|one| {
                let status = one.status.clone().unwrap_or_default();
                let state = format!(
                    "{:?} {:?} of {:?}, {:?}, last scaled {:?}",
                    one.uid(),
                    status.current_replicas,
                    status.desired_replicas,
                    one.spec,
                    status.last_scale_time
                );
                (format!("HPA {namespace}/{}", one.name_any()), state)
            }));
        }
        for (namespace, service) in [(a, "front"), (b, "publisher")] {
            let used = self.addresses(namespace, service).into_iter().filter(|(_, used)| *used);
            let used: Vec<String> = used.map(|(address, _)| address).collect();
            all.insert(format!("addresses of {namespace}/{service}"), used.join(" "));
        }
        all
    }

    /// The probes, and what is theirs to be looked at while they live.
    fn probes(&self) -> Vec<Pod> {
        let Story { a, b, shared, .. } = &self.story;
        let pods = [a, b, shared].into_iter().flat_map(|namespace| self.lab.list::<Pod>(namespace));
        pods.filter(is_probe).collect()
    }
}

/// One look at the cluster while the program runs.
struct Look {
    belongings: BTreeMap<String, String>,
    probes: Vec<Pod>,
    classes: Vec<PriorityClass>,
}

fn is_probe(pod: &Pod) -> bool {
    pod.labels().contains_key(RUN_LABEL)
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn versioned<K: kube::Resource>(kind: &str, object: &K) -> (String, String) {
    let meta = object.meta();
    let name = format!("{kind} {}/{}", meta.namespace.as_deref().unwrap_or_default(), object.name_any());
    (name, format!("{:?} at {:?}, deleted: {:?}", meta.uid, meta.resource_version, meta.deletion_timestamp))
}

#[test]
fn beside_what_would_adopt_publish_count_or_scale_by_a_probe_nothing_of_the_tenants_changes() {
    for lab in labs() {
        let household = Household::new(&lab);
        let before = household.belongings();
        let (ended, looks) = watched(lab.run(&household.tenancy()), || Look {
            belongings: household.belongings(),
            probes: household.probes(),
            classes: lab.list_all(),
        });
        for look in &looks {
            assert_same(&before, &look.belongings, "while the probes were there");
        }
        assert_same(&before, &household.belongings(), "after the run");
        let ended = ended.expect_code(3);
        assert_good_guests(&household, &looks);
        assert_verdicts(&household.story, &ended);
        assert_nothing_left(&lab, &household.story, ended.record().run.id.as_str());
        assert_strays_are_adopted(&lab, &household.story);
    }
}

fn assert_same(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>, when: &str) {
    let names: BTreeSet<_> = before.keys().chain(now.keys()).collect();
    let changed: Vec<_> = names
        .into_iter()
        .filter(|name| before.get(*name) != now.get(*name))
        .map(|name| format!("{name}: {:?} became {:?}", before.get(name), now.get(name)))
        .collect();
    assert!(changed.is_empty(), "nothing of the tenants' should change {when}: {changed:#?}");
}

/// What every probe was like, all the time.
fn assert_good_guests(household: &Household<'_>, looks: &[Look]) {
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let (mut running_clients, mut classes_seen) = (BTreeSet::new(), 0);
    for (probe, look) in looks.iter().flat_map(|look| look.probes.iter().map(move |probe| (probe, look))) {
        let name = probe.name_any();
        let spec = probe.spec.as_ref().unwrap();
        assert!(!is_ready(probe), "{name} should never become Ready");
        let owners = probe.owner_references();
        assert_eq!(owners.len(), 1, "{name} should have one owner: {owners:?}");
        assert_eq!((owners[0].kind.as_str(), owners[0].controller), ("Lease", Some(true)), "the owner of {name}");
        assert_eq!(spec.automount_service_account_token, Some(false), "{name} should be given no token");
        let volumes = spec.volumes.as_deref().unwrap_or_default();
        assert!(volumes.iter().all(|one| one.projected.is_none() && one.secret.is_none()), "{name}: {volumes:?}");
        assert_eq!(spec.preemption_policy.as_deref(), Some("Never"), "{name} should preempt nobody");
        let class = spec.priority_class_name.as_deref().unwrap();
        if let Some(class) = look.classes.iter().find(|one| one.name_any() == class) {
            assert_eq!(class.preemption_policy.as_deref(), Some("Never"), "the class of {name} should not preempt");
            assert!(class.value < 0, "the class of {name} should be below every workload's: {}", class.value);
            classes_seen += 1;
        }
        let role = probe.labels().get("role").map(String::as_str);
        assert!(matches!(role, None | Some("client")), "{name} should not exist: b's {role:?} would be disturbed");
        if role == Some("client") && probe.status.as_ref().is_some_and(|s| s.phase.as_deref() == Some("Running")) {
            running_clients.insert(name.clone());
        }
        let front = name.rsplit_once('-').unwrap().0.to_owned();
        names.entry(front).or_default().insert(format!("{}/{name}", probe.namespace().unwrap()));
    }
    assert!(classes_seen > 0, "the run's PriorityClass should have been seen");
    assert_eq!(names.len(), 8, "four classes on two nodes should have had a probe each: {names:#?}");
    assert!(names.values().all(|same| same.len() == 1), "names should differ before their last dash: {names:#?}");
    assert_eq!(
        running_clients.len(),
        2,
        "probes should have run with the very label that {} and its StatefulSet select by",
        household.story.a
    );
}

/// b's roles are not proved, and the reason names the object; everybody else is judged.
fn assert_verdicts(story: &Story<'_>, ended: &Ended) {
    let b = &story.b;
    let reasons = [
        ("published", format!("Service {b}/publisher publishes unready addresses")),
        ("budgeted", format!("PodDisruptionBudget {b}/budget would count it")),
        ("scaled", format!("HorizontalPodAutoscaler {b}/scaler would count it")),
    ];
    let mut not_proved = BTreeMap::new();
    let mut proved = BTreeSet::new();
    for result in &ended.record().results {
        let (id, judgement) = (result.case.id.as_str(), &result.judgement);
        match reasons.iter().find(|(role, _)| id.contains(&format!("{b}/{role}"))) {
            Some((role, reason)) => {
                assert_eq!(judgement.verdict, Verdict::Inconclusive, "{id} can't be proved: {}", judgement.reason);
                assert!(judgement.reason.contains(reason), "{id} should say {reason:?}: {}", judgement.reason);
                *not_proved.entry(*role).or_insert(0) += 1;
            }
            None if judgement.verdict == Verdict::Skipped => {}
            None => {
                assert_eq!(judgement.verdict, Verdict::Pass, "{id} should be proved: {}", judgement.reason);
                proved.insert((result.case.from.as_str(), result.case.to.as_str()));
            }
        }
    }
    assert_eq!(not_proved.len(), 3, "each of b's roles should have had cases: {not_proved:?}");
    let pairs = [("a", "b"), ("a", "shared"), ("b", "a"), ("b", "shared"), ("shared", "a"), ("shared", "b")];
    assert_eq!(proved, BTreeSet::from(pairs), "all others should be judged");
}

fn assert_nothing_left(lab: &Lab, story: &Story<'_>, run: &str) {
    let of_run = format!("{RUN_LABEL}={run}");
    let names = |left: Vec<String>| assert!(left.is_empty(), "nothing of the run should be left: {left:?}");
    names(lab.names_of::<Pod>(&of_run));
    names(lab.names_of::<Service>(&of_run));
    names(lab.names_of::<EndpointSlice>(&of_run));
    names(lab.names_of::<Lease>(&of_run));
    names(lab.names_of::<PriorityClass>(&of_run));
    for namespace in [&story.a, &story.b, &story.shared] {
        names(lab.list::<Lease>(namespace).iter().map(ResourceExt::name_any).collect());
    }
}

/// The control case: a pod with the same label that nobody owns does disturb them, so the run would
/// have been noticed.
fn assert_strays_are_adopted(lab: &Lab, story: &Story<'_>) {
    lab.apply(&bare_pod(&story.a, "stray", "{role: client}", ""));
    eventually("the adoption of a stray pod by the ReplicaSet", Duration::from_secs(30), || {
        let pods = lab.list::<Pod>(&story.a);
        let stray = pods.iter().find(|pod| pod.name_any() == "stray");
        stray.is_none_or(|pod| pod.metadata.deletion_timestamp.is_some() || !pod.owner_references().is_empty())
    });
}
