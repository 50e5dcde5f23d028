//! How fast the evaluator of RBAC is: what 10,000 subjects may do everywhere, and questions a second.
//!
//! `cargo bench --bench rbac` makes a cluster of 100 tenants, each with a namespace, 100 Roles, 100 RoleBindings and 100
//! service accounts, beside 50 ClusterRoles (10 of them aggregated) and 20 ClusterRoleBindings, and takes the times of:
//! 1. compiling the rules, aggregation included,
//! 2. what each of the 10,000 service accounts may do: every verb × resource in every namespace and the whole cluster,
//! 3. the same for the catalogue of dangerous grants,
//! 4. single decisions with their chain, the subject looked up each time,
//! 5. `ask rbac` from end to end: 1,000,000 lines of JSON in, as many out, manifests read from a folder.
//!
//! It fails if 1 and 2 take 2 s or more, or 5 answers fewer than 100,000 questions a second.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a bench prints, and stops where it cannot go on")]

use std::io::BufReader;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tenantproof::cli::ask;
use tenantproof::semantics::manifests::{Manifests, SourceFile};
use tenantproof::semantics::rbac::escalation::Catalogue;
use tenantproof::semantics::rbac::{Action, Answer, Reached, Request, Rules, Scope, Subject, Survey};

const TENANTS: usize = 100;
const ROLES: usize = 100;
const QUESTIONS: usize = 1_000_000;

const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
const RESOURCES: [(&str, &str, &str); 40] = [
    ("", "pods", ""),
    ("", "pods", "log"),
    ("", "pods", "exec"),
    ("", "pods", "attach"),
    ("", "pods", "portforward"),
    ("", "pods", "ephemeralcontainers"),
    ("", "services", ""),
    ("", "endpoints", ""),
    ("", "configmaps", ""),
    ("", "secrets", ""),
    ("", "serviceaccounts", ""),
    ("", "serviceaccounts", "token"),
    ("", "persistentvolumeclaims", ""),
    ("", "persistentvolumes", ""),
    ("", "events", ""),
    ("", "resourcequotas", ""),
    ("", "limitranges", ""),
    ("", "namespaces", ""),
    ("", "nodes", ""),
    ("", "nodes", "proxy"),
    ("apps", "deployments", ""),
    ("apps", "deployments", "scale"),
    ("apps", "statefulsets", ""),
    ("apps", "daemonsets", ""),
    ("apps", "replicasets", ""),
    ("batch", "jobs", ""),
    ("batch", "cronjobs", ""),
    ("autoscaling", "horizontalpodautoscalers", ""),
    ("policy", "poddisruptionbudgets", ""),
    ("networking.k8s.io", "networkpolicies", ""),
    ("networking.k8s.io", "ingresses", ""),
    ("rbac.authorization.k8s.io", "roles", ""),
    ("rbac.authorization.k8s.io", "rolebindings", ""),
    ("rbac.authorization.k8s.io", "clusterroles", ""),
    ("rbac.authorization.k8s.io", "clusterrolebindings", ""),
    ("apiextensions.k8s.io", "customresourcedefinitions", ""),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations", ""),
    ("certificates.k8s.io", "certificatesigningrequests", "approval"),
    ("example.com", "widgets", ""),
    ("example.com", "widgets", "status"),
];

fn main() {
    let world = world();
    let bytes = json!({"apiVersion": "v1", "kind": "List", "items": world}).to_string();
    let file = || SourceFile { name: "cluster.json".to_owned(), bytes: bytes.clone().into_bytes() };
    let (manifests, read) = timed(|| Manifests::read([file()]).expect("manifests that can be read"));
    let (rules, compile) = timed(|| Rules::compile(&manifests.rbac));
    assert!(rules.accounting().not_understood.is_empty(), "{:?}", rules.accounting());
    let actions = VERBS.iter().flat_map(|verb| {
        RESOURCES.iter().map(move |(group, resource, subresource)| Action {
            verb: (*verb).to_owned(),
            api_group: (*group).to_owned(),
            resource: (*resource).to_owned(),
            subresource: (*subresource).to_owned(),
        })
    });
    let actions: Vec<Action> = actions.collect();
    let namespaces: Vec<String> = (0..TENANTS).map(namespace).collect();
    let accounts: Vec<(usize, usize)> = (0..TENANTS).flat_map(|t| (0..ROLES).map(move |n| (t, n))).collect();
    let subject = |(tenant, number): (usize, usize)| Subject::service_account(&namespace(tenant), &account(number));

    let ((survey, reaches), everything) = timed(|| {
        let survey = Survey::new(&rules, actions.clone());
        let reaches: Vec<_> = accounts.iter().map(|who| survey.of(subject(*who))).collect();
        (survey, reaches)
    });
    let (granted, counted) = timed(|| {
        let scopes = || std::iter::once(Scope::Cluster).chain(namespaces.iter().map(|name| Scope::Namespace(name)));
        let cells = |reach: &_, scope: Scope<'_>| count(reach, actions.len(), scope);
        reaches.iter().map(|reach| scopes().map(|scope| cells(reach, scope)).sum::<usize>()).sum::<usize>()
    });
    let all = accounts.len() * actions.len() * (TENANTS + 1);
    println!("{TENANTS} tenants × {ROLES} roles, {} subjects, {} actions", accounts.len(), survey.actions().len());
    println!(
        "  manifests, {} kB {read:.1?}, compile {compile:.1?}, everything for all {everything:.1?}",
        bytes.len() / 1000
    );
    println!("  all {all} verb × resource × scope × subject, one by one: {counted:.1?}, {granted} granted");
    let (found, dangers) = timed(|| {
        let catalogue = Catalogue::new(&rules);
        let found = accounts.iter().map(|who| {
            let home = namespace(who.0);
            catalogue.of(&rules.standing(subject(*who)), &[&home]).len()
        });
        found.sum::<usize>()
    });
    println!("  dangerous grants of all {dangers:.1?}, {found} found");

    let (allowed, decide) = timed(|| {
        let ask = |n: usize| {
            let who = accounts[n * 7919 % accounts.len()];
            let place = &namespaces[n * 104_729 % TENANTS];
            let request = Request::Resource(actions[n * 31 % actions.len()].request(Scope::Namespace(place)));
            rules.decide(&subject(who), &request).answer == Answer::Allowed
        };
        (0..QUESTIONS).filter(|n| ask(*n)).count()
    });
    println!("  {QUESTIONS} single decisions {decide:.2?} ({allowed} allowed), {:.0} a second", rate(decide));

    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("cluster.json"), &bytes).expect("a file");
    let questions = questions();
    let mut answers = Vec::with_capacity(QUESTIONS * 256);
    let (summary, asked) = timed(|| ask::rbac(folder.path(), BufReader::new(questions.as_bytes()), &mut answers));
    let summary = summary.expect("answers");
    assert_eq!((summary.asked, summary.errors, summary.unknown), (QUESTIONS, 0, 0));
    println!("  ask rbac: {QUESTIONS} questions from end to end {asked:.2?}, {:.0} a second", rate(asked));
    println!("  {} allowed, {} denied", summary.allowed, summary.denied);
    let total = compile + everything;
    assert!(total < Duration::from_secs(2), "{TENANTS} × {ROLES} took {total:?}");
    assert!(rate(asked) > 100_000.0, "fewer than 100,000 questions a second");
}

fn count(reach: &tenantproof::semantics::rbac::Reach<'_>, actions: usize, scope: Scope<'_>) -> usize {
    (0..actions).filter(|action| reach.reached(*action, scope) > Reached::Unknown).count()
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate(time: Duration) -> f64 {
    QUESTIONS as f64 / time.as_secs_f64()
}

fn namespace(tenant: usize) -> String {
    format!("tenant-{tenant}")
}

fn account(number: usize) -> String {
    format!("app-{number}")
}

fn questions() -> String {
    let mut lines = String::new();
    for n in 0..QUESTIONS {
        let (tenant, number) = (n * 7919 % TENANTS, n * 31 % ROLES);
        // Two of three ask about another's namespace.
        let place = if n.is_multiple_of(3) { tenant } else { n * 104_729 % TENANTS };
        let (group, resource, subresource) = RESOURCES[n * 13 % RESOURCES.len()];
        let line = format!(
            "{{\"id\": \"{n}\", \"subject\": {{\"kind\": \"ServiceAccount\", \"namespace\": \"tenant-{tenant}\", \"name\": \
             \"app-{number}\"}}, \"verb\": \"{}\", \"apiGroup\": \"{group}\", \"resource\": \"{resource}\", \"subresource\": \
             \"{subresource}\", \"namespace\": \"tenant-{place}\", \"name\": \"\"}}\n",
            VERBS[n % VERBS.len()]
        );
        lines.push_str(&line);
    }
    lines
}

fn object(kind: &str, namespace: Option<&str>, name: &str) -> Value {
    let mut metadata = json!({"name": name});
    if let Some(namespace) = namespace {
        metadata["namespace"] = json!(namespace);
    }
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata})
}

/// A rule that differs from number to number.
fn rule(number: usize) -> Value {
    let (group, resource, subresource) = RESOURCES[number * 7 % RESOURCES.len()];
    let resource = if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") };
    let verbs: Vec<&str> = VERBS.iter().copied().skip(number % 3).step_by(1 + number % 2).collect();
    match number % 11 {
        0 => json!({"verbs": verbs, "apiGroups": [group], "resources": [resource], "resourceNames": ["db", "web"]}),
        1 => json!({"verbs": verbs, "apiGroups": ["", "apps"], "resources": ["*"]}),
        2 => json!({"verbs": ["*"], "apiGroups": [group], "resources": [resource, "*/status"]}),
        _ => json!({"verbs": verbs, "apiGroups": [group, "apps"], "resources": [resource, "services", "configmaps"]}),
    }
}

fn world() -> Vec<Value> {
    let mut world = Vec::new();
    for tenant in 0..TENANTS {
        let here = namespace(tenant);
        for number in 0..ROLES {
            let mut role = object("Role", Some(&here), &format!("role-{number}"));
            role["rules"] = (0..3).map(|n| rule(number * 3 + n + tenant)).collect();
            world.push(role);
            let mut binding = object("RoleBinding", Some(&here), &format!("binding-{number}"));
            binding["roleRef"] = json!({"kind": "Role", "name": format!("role-{number}")});
            let mut subjects = vec![
                json!({"kind": "ServiceAccount", "name": account(number)}),
                json!({"kind": "ServiceAccount", "name": account(number * 7 % ROLES)}),
            ];
            if number.is_multiple_of(10) {
                subjects.push(json!({"kind": "Group", "name": format!("system:serviceaccounts:{here}")}));
            }
            if number == 5 {
                let neighbour = namespace((tenant + 1) % TENANTS);
                subjects.push(json!({"kind": "ServiceAccount", "name": account(0), "namespace": neighbour}));
            }
            binding["subjects"] = json!(subjects);
            world.push(binding);
        }
    }
    for number in 0..50 {
        let mut role = object("ClusterRole", None, &format!("cluster-role-{number}"));
        role["metadata"]["labels"] = json!({ format!("to-{}", number % 10): "true" });
        if number < 10 {
            role["metadata"]["labels"] = json!({});
            let to = format!("to-{number}");
            role["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": {to: "true"}}]});
        } else {
            role["rules"] = (0..3).map(|n| rule(number * 5 + n)).collect();
        }
        world.push(role);
    }
    for number in 0..20 {
        let mut binding = object("ClusterRoleBinding", None, &format!("binding-{number}"));
        binding["roleRef"] = json!({"kind": "ClusterRole", "name": format!("cluster-role-{}", number * 2)});
        binding["subjects"] =
            json!([{"kind": "ServiceAccount", "name": account(number), "namespace": namespace(number)}]);
        world.push(binding);
    }
    world
}
