//! For each requirement and way: objects that break the rule in one thing, and their twins, which differ in that thing
//! alone. Pure.

use serde_json::{Value, json};

use super::objects::{ELSEWHERE, Edit, container};
use super::parameters::{Demand, Way};
use crate::model::TenantId;
use crate::semantics::admission::standards::{PUBLIC_ACCESS_BLOCK, breaks};
use crate::tenancy::{AdmissionRule, Mark, Requirement};

/// An object that breaks a rule, and its twin.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Variant {
    /// A word for it, unique for its way.
    pub(super) slug: &'static str,
    /// The same in a few words.
    pub(super) words: String,
    /// The object that breaks the rule.
    pub(super) broken: Value,
    /// The one that meets it.
    pub(super) twin: Value,
}

/// What variants are made for.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) rule: &'a AdmissionRule,
    pub(super) tenant: &'a TenantId,
    /// Another tenant, whose marks must not pass.
    pub(super) other: &'a str,
    /// An object that meets every rule.
    pub(super) whole: &'a Value,
}

const POD: &[&str] = &["spec", "securityContext"];
const OWN: &[&str] = &["spec", "containers", "0", "securityContext"];

fn path<'a>(base: &[&'a str], field: &'a str) -> Vec<&'a str> {
    base.iter().copied().chain([field]).collect()
}

fn set(base: &[&str], field: &str, value: Value) -> Edit {
    Edit::set(&path(base, field), value)
}

fn remove(base: &[&str], field: &str) -> Edit {
    Edit::remove(&path(base, field))
}

fn edited(whole: &Value, edits: &[Edit]) -> Value {
    let mut object = whole.clone();
    for edit in edits {
        edit.apply(&mut object);
    }
    object
}

impl Subject<'_> {
    /// The variants of a way by which whole objects are asked for. One that does not break the rule is left out: say an
    /// image of Docker Hub, where that is allowed.
    pub(super) fn variants(&self, demand: Demand, way: Way) -> Vec<Variant> {
        let mut all = match (demand, way) {
            (Demand::RunAsNonRoot, way) => self.as_root(way),
            (Demand::PodSecurity, way) => self.insecure(way),
            (Demand::Registries, way) => self.of_elsewhere(way),
            (Demand::Labels, way) => self.unlabelled(way),
            (Demand::Bucket, way) => self.buckets(way),
            (Demand::Any, _) => Vec::new(),
        };
        let is_broken = |object: &Value| breaks(self.rule, self.tenant, object).is_some();
        all.retain(|variant| is_broken(&variant.broken) && !is_broken(&variant.twin));
        all
    }

    /// The one that stands for the requirement where it is tried by another way.
    pub(super) fn plainest(&self, demand: Demand) -> Option<Variant> {
        let ways: &[Way] = match demand {
            Demand::PodSecurity => &[Way::Host, Way::Hardening],
            Demand::Bucket => &[Way::Tags, Way::Block],
            _ => &[Way::Pod],
        };
        ways.iter().flat_map(|way| self.variants(demand, *way)).next()
    }

    fn variant(&self, slug: &'static str, words: &str, edits: &[Edit]) -> Variant {
        let twin = self.whole.clone();
        Variant { slug, words: words.to_owned(), broken: edited(&twin, edits), twin }
    }

    fn as_root(&self, way: Way) -> Vec<Variant> {
        let inherits = remove(OWN, "runAsNonRoot");
        let twin_inherits = edited(self.whole, std::slice::from_ref(&inherits));
        match way {
            Way::Pod => {
                let unset = [inherits.clone(), remove(POD, "runAsNonRoot")];
                let says_no = [inherits, set(POD, "runAsNonRoot", json!(false))];
                vec![
                    self.variant("unset", "a pod that sets runAsNonRoot nowhere", &unset),
                    self.variant("false", "a pod that sets runAsNonRoot: false", &says_no),
                ]
            }
            Way::Container => {
                let mut broken = edited(self.whole, &[remove(POD, "runAsNonRoot")]);
                let mut twin = broken.clone();
                let image = self.image();
                let mut second = container("c1", &image);
                push(&mut twin, "containers", second.clone());
                take(&mut second, "runAsNonRoot");
                push(&mut broken, "containers", second);
                let words = "a pod whose second container alone lacks runAsNonRoot".to_owned();
                vec![Variant { slug: "one-of-two", words, broken, twin }]
            }
            Way::Override => {
                let broken = edited(self.whole, &[set(OWN, "runAsNonRoot", json!(false))]);
                let words = "a container that sets runAsNonRoot: false against its pod".to_owned();
                vec![Variant { slug: "container", words, broken, twin: twin_inherits }]
            }
            Way::Init => vec![self.init("init container that sets runAsNonRoot: false", |container| {
                container["securityContext"]["runAsNonRoot"] = json!(false);
            })],
            _ => Vec::new(),
        }
    }

    fn insecure(&self, way: Way) -> Vec<Variant> {
        let spec = |slug, field: &str| {
            self.variant(slug, &format!("a pod with {field}"), &[Edit::set(&["spec", field], json!(true))])
        };
        // The API server takes no privileged container that may not gain privileges.
        let privileged = [set(OWN, "privileged", json!(true)), remove(OWN, "allowPrivilegeEscalation")];
        match way {
            Way::Privileged => vec![self.variant("privileged", "a privileged container", &privileged)],
            Way::Host => {
                let mounts = json!([{"name": "node", "hostPath": {"path": "/"}}]);
                let ports = json!([{"containerPort": 65535, "hostPort": 65535}]);
                vec![
                    spec("pid", "hostPID"),
                    spec("network", "hostNetwork"),
                    spec("ipc", "hostIPC"),
                    self.variant(
                        "path",
                        "a pod that mounts the node's files",
                        &[Edit::set(&["spec", "volumes"], mounts)],
                    ),
                    self.variant(
                        "port",
                        "a container that takes a port of the node",
                        &[Edit::set(&["spec", "containers", "0", "ports"], ports)],
                    ),
                ]
            }
            Way::Capabilities => {
                let add = |names: &str| set(OWN, "capabilities", json!({"drop": ["ALL"], "add": [names]}));
                vec![
                    self.variant("sys-admin", "a container that adds SYS_ADMIN", &[add("SYS_ADMIN")]),
                    self.variant("net-raw", "a container that adds NET_RAW", &[add("NET_RAW")]),
                ]
            }
            Way::Hardening => vec![
                self.variant(
                    "escalation",
                    "a container that may gain privileges",
                    &[set(OWN, "allowPrivilegeEscalation", json!(true))],
                ),
                self.variant("capabilities", "a container that keeps its capabilities", &[remove(OWN, "capabilities")]),
                self.variant(
                    "seccomp",
                    "a pod without a seccomp profile",
                    &[remove(OWN, "seccompProfile"), remove(POD, "seccompProfile")],
                ),
                self.variant(
                    "root",
                    "a pod that may run as root",
                    &[remove(OWN, "runAsNonRoot"), remove(POD, "runAsNonRoot")],
                ),
            ],
            Way::Init => vec![self.init("privileged init container", |container| {
                container["securityContext"]["privileged"] = json!(true);
                take(container, "allowPrivilegeEscalation");
            })],
            _ => Vec::new(),
        }
    }

    fn of_elsewhere(&self, way: Way) -> Vec<Variant> {
        let with = |slug, words: &str, image: &str| {
            self.variant(slug, words, &[Edit::set(&["spec", "containers", "0", "image"], json!(image))])
        };
        match way {
            Way::Pod => vec![
                with("elsewhere", "a container with an image of another registry", ELSEWHERE),
                with("docker-hub", "a container with an image that names no registry", "never-pulled:0"),
            ],
            Way::Lookalike => {
                let image = self.image();
                let (host, rest) = image.split_once('/').unwrap_or(("", &image));
                let longer = format!("{host}.tenantproof.invalid/{rest}");
                let within = format!("tenantproof.invalid/{image}");
                vec![
                    with("longer-host", "a container with an image whose host only begins as an allowed one", &longer),
                    with("within", "a container with an image whose path holds an allowed name", &within),
                ]
            }
            Way::Init => vec![self.init("init container with an image of another registry", |container| {
                container["image"] = json!(ELSEWHERE);
            })],
            _ => Vec::new(),
        }
    }

    fn unlabelled(&self, way: Way) -> Vec<Variant> {
        let Some(mark) = self.first_mark() else { return Vec::new() };
        let labels = ["metadata", "labels"];
        match way {
            Way::Pod => {
                vec![self.variant(
                    "missing",
                    &format!("a pod without label {}", mark.key),
                    &[remove(&labels, &mark.key)],
                )]
            }
            Way::Value => {
                let with = |slug, value: &str| {
                    let words = format!("a pod whose label {} is `{value}`", mark.key);
                    self.variant(slug, &words, &[set(&labels, &mark.key, json!(value))])
                };
                vec![with("another", self.other), with("empty", "")]
            }
            _ => Vec::new(),
        }
    }

    fn buckets(&self, way: Way) -> Vec<Variant> {
        let tag_set = ["spec", "tagging", "tagSet"];
        match way {
            Way::Tags => {
                let others = json!([{"key": "tenantproof", "value": "other"}]);
                vec![
                    self.variant("no-tagging", "a bucket without any tag", &[Edit::remove(&["spec", "tagging"])]),
                    self.variant("other-tags", "a bucket with other tags only", &[Edit::set(&tag_set, others)]),
                ]
            }
            Way::Value => {
                let Some(mark) = self.first_mark() else { return Vec::new() };
                let words = format!("a bucket whose tag {} is `{}`", mark.key, self.other);
                let mut tags = self.whole["spec"]["tagging"]["tagSet"].clone();
                for tag in tags.as_array_mut().into_iter().flatten().filter(|tag| tag["key"] == mark.key.as_str()) {
                    tag["value"] = json!(self.other);
                }
                vec![self.variant("another", &words, &[Edit::set(&tag_set, tags)])]
            }
            Way::Block => {
                let block = ["spec", "publicAccessBlock"];
                let no_block = Edit::remove(&block);
                let slugs = ["acls-taken", "policy-taken", "acls-heard", "buckets-open"];
                let one = slugs.iter().zip(PUBLIC_ACCESS_BLOCK).map(|(slug, field)| {
                    self.variant(slug, &format!("a bucket with {field}: false"), &[set(&block, field, json!(false))])
                });
                let none = self.variant("no-block", "a bucket without publicAccessBlock", &[no_block]);
                std::iter::once(none).chain(one).collect()
            }
            _ => Vec::new(),
        }
    }

    /// A container that is added to a pod that runs already, which breaks the rule, and its twin.
    pub(super) fn added(&self, demand: Demand) -> Option<(String, Value, Value)> {
        let image = self.image();
        let mut twin = container("added", &image);
        if let Some(fields) = twin.as_object_mut() {
            // Ephemeral containers have no resources of their own.
            fields.remove("resources");
        }
        let mut broken = twin.clone();
        let words = match demand {
            Demand::RunAsNonRoot => {
                broken["securityContext"]["runAsNonRoot"] = json!(false);
                "an ephemeral container that sets runAsNonRoot: false"
            }
            Demand::PodSecurity => {
                broken["securityContext"]["privileged"] = json!(true);
                take(&mut broken, "allowPrivilegeEscalation");
                "a privileged ephemeral container"
            }
            Demand::Registries => {
                broken["image"] = json!(ELSEWHERE);
                "an ephemeral container with an image of another registry"
            }
            Demand::Labels | Demand::Bucket | Demand::Any => return None,
        };
        Some((words.to_owned(), broken, twin))
    }

    /// A change that makes an object which meets the rule break it, in words.
    pub(super) fn change(&self, demand: Demand) -> Option<(String, Edit)> {
        let (words, edit) = match demand {
            // What can't be changed of a pod can be of a template.
            Demand::RunAsNonRoot => {
                ("runAsNonRoot: false in its template".to_owned(), set(OWN, "runAsNonRoot", json!(false)).of_template())
            }
            Demand::Registries => (
                "an image of another registry".to_owned(),
                Edit::set(&["spec", "containers", "0", "image"], json!(ELSEWHERE)),
            ),
            Demand::Labels => {
                let key = &self.first_mark()?.key;
                (format!("label {key} taken away"), remove(&["metadata", "labels"], key))
            }
            Demand::Bucket => match &self.rule.require {
                Requirement::Bucket { public_access_block: true, .. } => (
                    "blockPublicPolicy: false".to_owned(),
                    Edit::set(&["spec", "publicAccessBlock", "blockPublicPolicy"], json!(false)),
                ),
                _ => ("its tags taken away".to_owned(), Edit::set(&["spec", "tagging", "tagSet"], json!([]))),
            },
            Demand::PodSecurity | Demand::Any => return None,
        };
        Some((words, edit))
    }

    fn first_mark(&self) -> Option<&Mark> {
        match &self.rule.require {
            Requirement::Labels(marks) | Requirement::Bucket { tags: marks, .. } => marks.first(),
            _ => None,
        }
    }

    fn image(&self) -> String {
        self.whole["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned()
    }

    fn init(&self, words: &str, breaks_it: impl Fn(&mut Value)) -> Variant {
        let good = container("init", &self.image());
        let (mut broken, mut twin) = (self.whole.clone(), self.whole.clone());
        let mut bad = good.clone();
        breaks_it(&mut bad);
        push(&mut broken, "initContainers", bad);
        push(&mut twin, "initContainers", good);
        let article = if words.starts_with('i') { "an" } else { "a" };
        Variant { slug: "init", words: format!("{article} {words}"), broken, twin }
    }
}

fn push(pod: &mut Value, list: &str, container: Value) {
    match &mut pod["spec"][list] {
        Value::Array(all) => all.push(container),
        other => *other = json!([container]),
    }
}

/// Takes a setting of a container's own away.
fn take(container: &mut Value, field: &str) {
    if let Some(context) = container["securityContext"].as_object_mut() {
        context.remove(field);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;
    use serde_json::Value;

    use super::{Subject, Variant};
    use crate::families::admission::objects::{bucket, pod};
    use crate::families::admission::parameters::{Demand, Way};
    use crate::model::TenantId;
    use crate::semantics::admission::standards::breaks;
    use crate::tenancy::{AdmissionRule, Mark, PodSecurityLevel, Requirement};

    fn rule(demand: Demand) -> AdmissionRule {
        let marks = || vec![Mark { key: "tenant".to_owned(), value: None }];
        let require = match demand {
            Demand::RunAsNonRoot | Demand::Any => Requirement::RunAsNonRoot,
            Demand::PodSecurity => Requirement::PodSecurity(PodSecurityLevel::Restricted),
            Demand::Registries => Requirement::Registries(vec!["registry.k8s.io/".to_owned()]),
            Demand::Labels => Requirement::Labels(marks()),
            Demand::Bucket => Requirement::Bucket { tags: marks(), public_access_block: true },
        };
        AdmissionRule { id: "r".into(), tenants: Vec::new(), pods: BTreeMap::new(), require }
    }

    fn with<T>(demand: Demand, use_it: impl Fn(Subject<'_>) -> T) -> T {
        let (rule, tenant) = (rule(demand), TenantId::from("a"));
        let whole = match demand {
            Demand::Bucket => bucket(&[&rule], &tenant),
            _ => pod(&rule, &[&rule], &tenant),
        };
        use_it(Subject { rule: &rule, tenant: &tenant, other: "b", whole: &whole })
    }

    #[rstest]
    #[case(Demand::RunAsNonRoot, Way::Pod, &["unset", "false"])]
    #[case(Demand::RunAsNonRoot, Way::Container, &["one-of-two"])]
    #[case(Demand::RunAsNonRoot, Way::Override, &["container"])]
    #[case(Demand::RunAsNonRoot, Way::Init, &["init"])]
    #[case(Demand::PodSecurity, Way::Privileged, &["privileged"])]
    #[case(Demand::PodSecurity, Way::Host, &["pid", "network", "ipc", "path", "port"])]
    #[case(Demand::PodSecurity, Way::Capabilities, &["sys-admin", "net-raw"])]
    #[case(Demand::PodSecurity, Way::Hardening, &["escalation", "capabilities", "seccomp", "root"])]
    #[case(Demand::PodSecurity, Way::Init, &["init"])]
    #[case(Demand::Registries, Way::Pod, &["elsewhere", "docker-hub"])]
    #[case(Demand::Registries, Way::Lookalike, &["longer-host", "within"])]
    #[case(Demand::Registries, Way::Init, &["init"])]
    #[case(Demand::Labels, Way::Pod, &["missing"])]
    #[case(Demand::Labels, Way::Value, &["another", "empty"])]
    #[case(Demand::Bucket, Way::Tags, &["no-tagging", "other-tags"])]
    #[case(Demand::Bucket, Way::Value, &["another"])]
    #[case(Demand::Bucket, Way::Block, &["no-block", "acls-taken", "policy-taken", "acls-heard", "buckets-open"])]
    fn each_variant_breaks_the_rule_and_its_twin_meets_it(
        #[case] demand: Demand,
        #[case] way: Way,
        #[case] slugs: &[&str],
    ) {
        with(demand, |subject| {
            let variants = subject.variants(demand, way);
            assert_eq!(variants.iter().map(|one| one.slug).collect::<Vec<_>>(), slugs);
            for Variant { slug, broken, twin, .. } in &variants {
                assert!(breaks(subject.rule, subject.tenant, broken).is_some(), "{slug}");
                assert_eq!(breaks(subject.rule, subject.tenant, twin), None, "{slug}");
                let fits = demand == Demand::Bucket
                    || serde_json::from_value::<k8s_openapi::api::core::v1::Pod>(broken.clone()).is_ok();
                assert!(fits, "{slug} must be an object that only a policy refuses: {broken}");
            }
            assert!(subject.plainest(demand).is_some());
        });
    }

    #[rstest]
    #[case(Demand::RunAsNonRoot)]
    #[case(Demand::PodSecurity)]
    #[case(Demand::Registries)]
    fn a_container_that_is_added_breaks_the_rule(#[case] demand: Demand) {
        with(demand, |subject| {
            let (_, broken, twin) = subject.added(demand).unwrap();
            let added = |container: &Value| {
                let mut pod = subject.whole.clone();
                pod["spec"]["ephemeralContainers"] = serde_json::json!([container]);
                breaks(subject.rule, subject.tenant, &pod)
            };
            assert!(added(&broken).is_some());
            assert_eq!(added(&twin), None);
        });
    }

    #[rstest]
    #[case(Demand::Registries)]
    #[case(Demand::Labels)]
    #[case(Demand::Bucket)]
    fn a_change_breaks_the_rule(#[case] demand: Demand) {
        with(demand, |subject| {
            let mut object = subject.whole.clone();
            subject.change(demand).unwrap().1.apply(&mut object);
            assert!(breaks(subject.rule, subject.tenant, &object).is_some());
        });
    }

    #[test]
    fn what_the_rule_allows_is_no_variant() {
        let require = Requirement::Registries(vec!["docker.io/".to_owned()]);
        let rule = AdmissionRule { require, ..rule(Demand::Registries) };
        let tenant = TenantId::from("a");
        let whole = pod(&rule, &[&rule], &tenant);
        let subject = Subject { rule: &rule, tenant: &tenant, other: "b", whole: &whole };
        let slugs: Vec<&str> =
            subject.variants(Demand::Registries, Way::Pod).iter().map(|variant| variant.slug).collect();
        assert_eq!(slugs, ["elsewhere"]);
        let baseline = Requirement::PodSecurity(PodSecurityLevel::Baseline);
        let rule = AdmissionRule { require: baseline, ..rule.clone() };
        let subject = Subject { rule: &rule, ..subject };
        assert!(subject.variants(Demand::PodSecurity, Way::Hardening).is_empty(), "baseline does not ask for it");
    }
}
