//! A story whose tenant a has rules, with the policies that keep them, and what its tests assert of a run.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use kube::ResourceExt;
use serde_json::{Value, json};
use tenantproof::cluster::RUN_LABEL;
use tenantproof::model::Verdict;

use crate::support::policies::{Policies, builtin, calls_gatekeeper, gatekeeper, serves, webhook};
use crate::support::{Ended, Lab, Story, expect_nothing_left};

/// The story with rules for tenant a, and policies that keep them: images and labels inside the API server, what holds
/// PHI by Gatekeeper where the lab has it, the Pod Security level by a label.
pub(super) struct Policed<'a> {
    pub(super) lab: &'a Lab,
    pub(super) story: Story<'a>,
    pub(super) policies: Policies<'a>,
    pub(super) images: (Value, Value),
    pub(super) labels: (Value, Value),
    /// Constraint and webhook.
    pub(super) phi: Option<(Value, Value)>,
}

fn pods(resources: &[&str]) -> Value {
    json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": resources})
}

impl<'a> Policed<'a> {
    pub(super) fn new(lab: &'a Lab, name: &str) -> Self {
        let story = Story::new(lab, name);
        let a = story.a.clone();
        let mut policies = Policies::new(lab);
        level(lab, &a, Some("baseline"));
        let containers = "(object.spec.containers + (has(object.spec.initContainers) ? object.spec.initContainers : [])).all(c, \
                          c.image.startsWith('registry.k8s.io/') || c.image.startsWith('tenantproof/')) && \
                          (!has(object.spec.ephemeralContainers) || object.spec.ephemeralContainers.all(c, \
                          c.image.startsWith('registry.k8s.io/') || c.image.startsWith('tenantproof/')))";
        let images = builtin(&format!("{a}-images"), &a, &pods(&["pods", "pods/ephemeralcontainers"]), containers);
        let labelled = "!has(object.metadata.labels) || !('classification' in object.metadata.labels) || \
                        ('tenant' in object.metadata.labels && object.metadata.labels['tenant'] == 'a')";
        let labels = builtin(&format!("{a}-labels"), &a, &pods(&["pods"]), labelled);
        for object in [&images.0, &images.1, &labels.0, &labels.1] {
            policies.put(object);
        }
        let phi = serves(lab, "constrainttemplates.templates.gatekeeper.sh").then(|| {
            let kind = format!("TpPhi{}", a.replace('-', ""));
            let (template, constraint) = gatekeeper(&kind, &a);
            let closed = webhook(&format!("{a}-closed"), &a, &calls_gatekeeper(lab), "Fail");
            for object in [&template, &closed, &constraint] {
                policies.put(object);
            }
            (constraint, closed)
        });
        Self { lab, story, policies, images, labels, phi }
    }

    pub(super) fn tenancy(&self) -> String {
        let phi = if self.phi.is_some() {
            "- {id: phi, tenants: [a], pods: {classification: PHI}, require: {runAsNonRoot: true}}\n"
        } else {
            ""
        };
        let text = self.story.tenancy().replacen("  roles:\n", "  subjects: {groups: [a-developers]}\n  roles:\n", 1);
        format!(
            "{text}admission:\n{phi}\
             - {{id: level, tenants: [a], require: {{podSecurity: baseline}}}}\n\
             - {{id: images, tenants: [a], require: {{registries: [registry.k8s.io/, tenantproof/]}}}}\n\
             - {{id: labels, tenants: [a], pods: {{classification: PHI}}, require: {{labels: [{{key: tenant}}]}}}}\n"
        )
    }

    pub(super) fn run(&self, checks: &[&str]) -> Ended {
        let mut run = self.lab.run(&self.tenancy()).families(&["admission"]);
        for check in checks {
            run = run.with(&["--check", check]);
        }
        run.end()
    }

    /// Puts a broken object in the place of a whole one (nothing where it is deleted), runs what concerns it, and puts
    /// the whole one back: tenant a alone is accused, for a cause of this kind with these words.
    pub(super) fn broken(&mut self, whole: &Value, broken: Option<&Value>, check: &str, kind: &str, words: &str) {
        eprintln!("{}: {}", self.lab.context, words);
        match broken {
            Some(broken) => self.policies.put(broken),
            None => self.policies.delete(whole),
        }
        let ended = self.run(&[check]);
        self.policies.put(whole);
        accused(&ended.expect_code(1), kind, words);
    }

    pub(super) fn namespaces(&self) -> [&str; 3] {
        self.story.namespaces()
    }
}

/// Sets the Pod Security level of a namespace, or takes it away.
pub(super) fn level(lab: &Lab, namespace: &str, level: Option<&str>) {
    let level = level.map_or_else(String::new, |level| format!("\n    pod-security.kubernetes.io/enforce: {level}"));
    lab.apply(&format!(
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {namespace}\n  labels:\n    tenant: a{level}\n"
    ));
}

/// An object with one field set.
pub(super) fn with(object: &Value, pointer: &str, value: Value) -> Value {
    let mut object = object.clone();
    let (path, field) = pointer.rsplit_once('/').unwrap();
    object.pointer_mut(path).unwrap()[field] = value;
    object
}

/// Asserts that tenant a alone is accused, and for this cause among others.
pub(super) fn accused(ended: &Ended, kind: &str, words: &str) {
    let record = ended.record();
    let broken: Vec<_> = record.findings.iter().filter(|finding| finding.verdict == Verdict::Fail).collect();
    let who: BTreeSet<_> = broken.iter().map(|one| (one.from.as_str(), one.to.as_str())).collect();
    assert_eq!(who, BTreeSet::from([("a", "a")]), "tenant a alone should be accused:\n{}", ended.text);
    let told: Vec<String> = broken.iter().map(|one| format!("{}: {}", one.kind, one.cause)).collect();
    assert!(
        broken.iter().any(|one| one.kind == kind && one.cause.contains(words)),
        "there should be a {kind} with {words:?}: {told:#?}"
    );
}

/// Asserts that nothing of a run is left, of the kinds too that only this family makes.
pub(super) fn nothing_left(lab: &Lab, policed: &Policed<'_>, ended: &Ended) {
    expect_nothing_left(lab, &policed.namespaces(), &[ended]);
    let a = &policed.story.a;
    let marked = |labels: &std::collections::BTreeMap<String, String>| labels.contains_key(RUN_LABEL);
    let left: Vec<String> = [
        lab.list::<Deployment>(a)
            .iter()
            .filter(|one| marked(one.labels()))
            .map(ResourceExt::name_any)
            .collect::<Vec<_>>(),
        lab.list::<StatefulSet>(a).iter().filter(|one| marked(one.labels())).map(ResourceExt::name_any).collect(),
        lab.list::<Job>(a).iter().filter(|one| marked(one.labels())).map(ResourceExt::name_any).collect(),
        lab.list::<CronJob>(a).iter().filter(|one| marked(one.labels())).map(ResourceExt::name_any).collect(),
    ]
    .concat();
    assert!(left.is_empty(), "no workload should be left: {left:#?}");
}

pub(super) fn authors(ended: &Ended) -> String {
    let passed = ended.record().results.iter().filter(|one| one.judgement.verdict == Verdict::Pass);
    passed.map(|one| format!("{}: {}\n", one.case.id, one.judgement.reason)).collect()
}
