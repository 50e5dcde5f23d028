//! Worlds for property tests: a few roles and bindings each, dense in edge cases, as the JSON that an API server would be
//! given, and questions about them.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

/// What a world may hold besides what the API server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Valid objects; the own rules of aggregated ClusterRoles are none where they might survive.
    Plain,
    /// Objects that the API server would refuse, roles that it makes itself, and cycles of aggregation.
    Wild,
}

/// Roles, bindings, and questions.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) roles: Vec<Value>,
    pub(crate) cluster_roles: Vec<Value>,
    pub(crate) role_bindings: Vec<Value>,
    pub(crate) cluster_role_bindings: Vec<Value>,
    pub(crate) questions: Vec<Value>,
}

impl World {
    /// All its objects as one `List`.
    pub(crate) fn list(&self) -> Value {
        let bindings = self.role_bindings.iter().chain(&self.cluster_role_bindings);
        let items: Vec<&Value> = self.roles.iter().chain(&self.cluster_roles).chain(bindings).collect();
        json!({"apiVersion": "v1", "kind": "List", "items": items})
    }
}

const VERBS: [&str; 9] = ["get", "list", "watch", "create", "delete", "deletecollection", "impersonate", "rotate", "*"];
const GROUPS: [&str; 4] = ["", "apps", "example.com", "*"];
const RESOURCES: [&str; 12] = [
    "pods",
    "pods/log",
    "pods/*",
    "*/log",
    "*/scale",
    "*/*",
    "*",
    "deployments",
    "deployments/scale",
    "secrets",
    "users",
    "serviceaccounts/token",
];
const NAMES: [&str; 3] = ["x", "y", "*"];
const URLS: [&str; 8] = ["/healthz", "/healthz/*", "/metrics*", "*", "/api/**", "/", "/a/*/b", ""];
const NAMESPACES: [&str; 3] = ["a", "b", "a:b"];
const USERS: [&str; 7] = [
    "ann",
    "bob",
    "system:serviceaccount:a:app",
    "system:serviceaccount:b:app",
    "system:anonymous",
    "system:serviceaccount:a",
    "dev",
];
const USER_GROUPS: [&str; 8] = [
    "dev",
    "ops",
    "system:authenticated",
    "system:unauthenticated",
    "system:serviceaccounts",
    "system:serviceaccounts:a",
    "system:serviceaccounts:b",
    "ann",
];

fn some(of: &'static [&'static str], least: usize, most: usize) -> BoxedStrategy<Value> {
    subsequence(of.to_vec(), least..=most).prop_map(|list| json!(list)).boxed()
}

fn with(fields: Vec<(&str, Option<Value>)>) -> Value {
    Value::Object(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// A rule. `urls` says whether it may be about paths.
fn rule(kind: Kind, urls: bool) -> BoxedStrategy<Value> {
    let names = prop_oneof![
        5 => Just(None),
        1 => Just(Some(json!([]))),
        1 => Just(Some(Value::Null)),
        3 => some(&NAMES, 1, 2).prop_map(Some),
    ];
    let resources = (some(&VERBS, 1, 4), some(&GROUPS, 1, 2), some(&RESOURCES, 1, 4), names).prop_map(
        |(verbs, groups, resources, names)| {
            with(vec![
                ("verbs", Some(verbs)),
                ("apiGroups", Some(groups)),
                ("resources", Some(resources)),
                ("resourceNames", names),
            ])
        },
    );
    let paths = (some(&VERBS, 1, 4), some(&URLS, 1, 3))
        .prop_map(|(verbs, urls)| json!({"verbs": verbs, "nonResourceURLs": urls}));
    let broken = prop_oneof![
        some(&RESOURCES, 1, 2).prop_map(|r| json!({"verbs": ["*"], "resources": r})),
        some(&RESOURCES, 1, 2).prop_map(|r| json!({"verbs": [], "apiGroups": ["*"], "resources": r})),
        some(&URLS, 1, 2)
            .prop_map(|u| json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "nonResourceURLs": u})),
        Just(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceName": ["x"]})),
        Just(json!({"verbs": ["*"], "nonResourceURLs": ["*"]})),
    ];
    let (urls, broken_weight) = (if urls { 2 } else { 0 }, u32::from(kind == Kind::Wild));
    prop_oneof![12 => resources, urls => paths, broken_weight => broken].boxed()
}

fn rules(kind: Kind, urls: bool) -> BoxedStrategy<Value> {
    prop_oneof![
        1 => Just(Value::Null),
        1 => Just(json!([])),
        10 => proptest::collection::vec(rule(kind, urls), 1..4).prop_map(|rules| json!(rules)),
    ]
    .boxed()
}

fn labels() -> BoxedStrategy<Value> {
    let value = || select(vec!["true", "false"]);
    let some = || proptest::option::weighted(0.4, value());
    (some(), some())
        .prop_map(|(x, y)| {
            let pairs = [("to-x", x), ("to-y", y)].into_iter();
            let labels: Map<String, Value> =
                pairs.filter_map(|(key, value)| Some((key.to_owned(), json!(value?)))).collect();
            Value::Object(labels)
        })
        .boxed()
}

fn selector() -> BoxedStrategy<Value> {
    let key = || select(vec!["to-x", "to-y"]);
    prop_oneof![
        5 => key().prop_map(|key| json!({"matchLabels": {key: "true"}})),
        1 => key().prop_map(|key| json!({"matchExpressions": [{"key": key, "operator": "NotIn", "values": ["false"]}]})),
        1 => key().prop_map(|key| json!({"matchExpressions": [{"key": key, "operator": "Exists"}]})),
        1 => key().prop_map(|key| json!({"matchLabels": {key: "true"}, "matchExpressions": [{"key": "to-y", "operator": "In", "values": ["true", "false"]}]})),
        1 => Just(json!({})),
    ]
    .boxed()
}

fn subject(kind: Kind, of_namespace: bool) -> BoxedStrategy<Value> {
    let group = "rbac.authorization.k8s.io";
    let account = (select(vec!["app", "web"]), select(NAMESPACES[..2].to_vec()))
        .prop_map(|(name, namespace)| json!({"kind": "ServiceAccount", "name": name, "namespace": namespace}));
    let of_here = select(vec!["app", "web"]).prop_map(|name| json!({"kind": "ServiceAccount", "name": name}));
    let here = u32::from(of_namespace) * 2;
    let wild = u32::from(kind == Kind::Wild);
    let broken = prop_oneof![
        Just(json!({"kind": "Robot", "name": "ann"})),
        Just(json!({"kind": "ServiceAccount", "name": "app", "namespace": "a", "apiGroup": "example.com"})),
        Just(json!({"kind": "User", "name": "ann", "apiGroup": "example.com"})),
        Just(json!({"kind": "User", "name": "ann", "uid": "1"})),
        Just(json!({"kind": "ServiceAccount", "name": "web"})),
    ];
    prop_oneof![
        3 => account,
        here => of_here,
        4 => select(USERS.to_vec()).prop_map(move |name| json!({"kind": "User", "name": name, "apiGroup": group})),
        4 => select(USER_GROUPS.to_vec()).prop_map(|name| json!({"kind": "Group", "name": name})),
        wild => broken,
    ]
    .boxed()
}

fn role(kind: Kind) -> BoxedStrategy<Value> {
    rules(kind, false)
        .prop_map(|rules| json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {}, "rules": rules}))
        .boxed()
}

fn cluster_role(kind: Kind) -> BoxedStrategy<Value> {
    let aggregation = prop_oneof![
        3 => Just(None),
        2 => proptest::collection::vec(selector(), 1..3).prop_map(|all| Some(json!({"clusterRoleSelectors": all}))),
    ];
    (labels(), rules(kind, true), aggregation)
        .prop_map(|(labels, rules, aggregation)| {
            with(vec![
                ("apiVersion", Some(json!("rbac.authorization.k8s.io/v1"))),
                ("kind", Some(json!("ClusterRole"))),
                ("metadata", Some(json!({"labels": labels}))),
                ("rules", Some(rules)),
                ("aggregationRule", aggregation),
            ])
        })
        .boxed()
}

fn role_ref(kind: Kind, of_namespace: bool) -> BoxedStrategy<Value> {
    let of_namespace = u32::from(of_namespace) * 5;
    let wild = u32::from(kind == Kind::Wild);
    let default = select(vec!["view", "system:node", "cluster-admin"]);
    prop_oneof![
        of_namespace => (0..3).prop_map(|n| json!({"kind": "Role", "name": format!("role-{n}")})),
        5 => (0..6).prop_map(|n| json!({"kind": "ClusterRole", "name": format!("cluster-role-{n}"), "apiGroup": "rbac.authorization.k8s.io"})),
        wild => default.prop_map(|name| json!({"kind": "ClusterRole", "name": name})),
        wild => Just(json!({"kind": "ClusterRole", "name": "cluster-role-0", "apiGroup": "example.com"})),
        wild => Just(json!({"kind": "Job", "name": "role-0"})),
    ]
    .boxed()
}

fn binding(kind: Kind, of_namespace: bool) -> BoxedStrategy<Value> {
    let name = if of_namespace { "RoleBinding" } else { "ClusterRoleBinding" };
    let subjects = prop_oneof![
        1 => Just(Value::Null),
        12 => proptest::collection::vec(subject(kind, of_namespace), 1..4).prop_map(|all| json!(all)),
    ];
    (role_ref(kind, of_namespace), subjects)
        .prop_map(move |(role, subjects)| {
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": name, "metadata": {},
                "roleRef": role, "subjects": subjects,
            })
        })
        .boxed()
}

fn asker() -> BoxedStrategy<Value> {
    let groups = || subsequence(USER_GROUPS.to_vec(), 0..3);
    prop_oneof![
        4 => (select(vec!["app", "web"]), select(NAMESPACES[..2].to_vec()))
            .prop_map(|(name, namespace)| json!({"kind": "ServiceAccount", "name": name, "namespace": namespace})),
        4 => (select(USERS.to_vec()), groups())
            .prop_map(|(name, groups)| json!({"kind": "User", "name": name, "groups": groups})),
        1 => select(USERS.to_vec()).prop_map(|name| json!({"kind": "User", "name": name})),
        2 => select(USER_GROUPS[..5].to_vec()).prop_map(|name| json!({"kind": "Group", "name": name})),
    ]
    .boxed()
}

fn question() -> BoxedStrategy<Value> {
    let objects = vec![
        ("pods", ""),
        ("pods", "log"),
        ("pods", "*"),
        ("pods/log", ""),
        ("deployments", ""),
        ("deployments", "scale"),
        ("secrets", ""),
        ("secrets", "log"),
        ("users", ""),
        ("*", ""),
        ("serviceaccounts", "token"),
        ("nodes", "proxy"),
    ];
    let resource = (
        asker(),
        select(VERBS.to_vec()),
        select(GROUPS.to_vec()),
        select(objects),
        select(vec!["", "a", "a", "b", "c"]),
        select(vec!["", "", "x", "y", "z", "*"]),
    )
        .prop_map(|(subject, verb, group, (resource, subresource), namespace, name)| {
            json!({
                "subject": subject, "verb": verb, "apiGroup": group, "resource": resource,
                "subresource": subresource, "namespace": namespace, "name": name,
            })
        });
    let paths =
        vec!["/healthz", "/healthz/", "/healthz/ping", "/metrics", "/metrics/x", "/api/v1", "/api", "/", "/a/x/b", "*"];
    let path = (asker(), select(VERBS.to_vec()), select(paths))
        .prop_map(|(subject, verb, path)| json!({"subject": subject, "verb": verb, "nonResourceURL": path}));
    prop_oneof![5 => resource, 1 => path].boxed()
}

/// Worlds of a kind, with so many questions each.
pub(crate) fn world(kind: Kind, questions: usize) -> BoxedStrategy<World> {
    (
        proptest::collection::vec(role(kind), 2..8),
        proptest::collection::vec(cluster_role(kind), 2..7),
        proptest::collection::vec(binding(kind, true), 1..8),
        proptest::collection::vec(binding(kind, false), 0..4),
        proptest::collection::vec((question(), any::<[u8; 4]>(), any::<[u8; 2]>()), questions),
    )
        .prop_map(move |(mut roles, mut cluster_roles, mut role_bindings, mut cluster_role_bindings, questions)| {
            let here = |number: usize| if number.is_multiple_of(2) { "a" } else { "b" };
            for (number, role) in roles.iter_mut().enumerate() {
                role["metadata"] = json!({"namespace": here(number), "name": format!("role-{}", number / 2)});
            }
            for (number, role) in cluster_roles.iter_mut().enumerate() {
                role["metadata"]["name"] = json!(format!("cluster-role-{number}"));
            }
            for (number, binding) in role_bindings.iter_mut().enumerate() {
                binding["metadata"] = json!({"namespace": here(number), "name": format!("binding-{number}")});
            }
            for (number, binding) in cluster_role_bindings.iter_mut().enumerate() {
                binding["metadata"] = json!({"name": format!("binding-{number}")});
            }
            let aggregated = cluster_roles.iter().filter(|role| role["aggregationRule"].is_object()).count();
            if kind == Kind::Plain && aggregated > 1 {
                for role in cluster_roles.iter_mut().filter(|role| role["aggregationRule"].is_object()) {
                    role["rules"] = json!([]);
                }
            }
            let mut world = World { roles, cluster_roles, role_bindings, cluster_role_bindings, questions: Vec::new() };
            world.questions =
                questions.into_iter().map(|(q, picks, [one, other])| world.near(q, picks, one | other)).collect();
            world
        })
        .boxed()
}

/// One of a list, and nothing of an empty one.
fn pick(list: &Value, at: u8) -> Option<&Value> {
    let list = list.as_array().filter(|list| !list.is_empty())?;
    list.get(usize::from(at) % list.len())
}

impl World {
    /// A question that was drawn blindly is seldom about anything that is granted: most of its fields are taken from a
    /// binding and a rule of its role. The bits of `take_bits` say which.
    fn near(&self, mut question: Value, [binding, subject, rule, value]: [u8; 4], take_bits: u8) -> Value {
        let bindings = json!([&self.role_bindings[..], &self.cluster_role_bindings[..]].concat());
        let Some(binding) = pick(&bindings, binding) else { return question };
        let named = |role: &&Value| {
            role["metadata"]["name"] == binding["roleRef"]["name"]
                && (role["kind"] == "ClusterRole" || role["metadata"]["namespace"] == binding["metadata"]["namespace"])
        };
        let bound = self.roles.iter().chain(&self.cluster_roles).find(named);
        let own = bound.map_or(Value::Null, |role| role["rules"].clone());
        // What an aggregated role has is in another.
        let others =
            json!(self.cluster_roles.iter().filter_map(|role| role["rules"].as_array()).flatten().collect::<Vec<_>>());
        let Some(rule) = pick(&own, rule).or_else(|| pick(&others, rule)) else { return question };
        if let Some(subject) = pick(&binding["subjects"], subject).filter(|_| take_bits & 7 != 0) {
            let mut subject = subject.clone();
            match subject["kind"].as_str() {
                Some("ServiceAccount") => {
                    if subject["namespace"].is_null() {
                        subject["namespace"] = binding["metadata"]["namespace"].clone();
                    }
                }
                Some("Group") if take_bits.is_multiple_of(2) => {
                    subject = json!({"kind": "User", "name": "eve", "groups": [subject["name"]]});
                }
                Some("User" | "Group") => {}
                _ => subject = question["subject"].clone(),
            }
            if subject["namespace"] != "a:b" && (subject["kind"] != "ServiceAccount" || !subject["namespace"].is_null())
            {
                question["subject"] = json!({
                    "kind": subject["kind"], "name": subject["name"],
                    "namespace": subject["namespace"].as_str().unwrap_or_default(),
                    "groups": subject["groups"].as_array().cloned().unwrap_or_default(),
                });
            }
        }
        let take = |question: &mut Value, field: &str, list: &str, bit: u8| {
            if let Some(value) = pick(&rule[list], value).filter(|value| *value != "*" && take_bits & bit != 0) {
                question[field] = value.clone();
            }
        };
        take(&mut question, "verb", "verbs", 8);
        if let Some(path) = pick(&rule["nonResourceURLs"], value).and_then(Value::as_str) {
            let path = if path.is_empty() { "/x".to_owned() } else { path.replace('*', "/more") };
            return json!({"subject": question["subject"], "verb": question["verb"], "nonResourceURL": path});
        }
        if question["nonResourceURL"].is_string() {
            return question;
        }
        take(&mut question, "apiGroup", "apiGroups", 16);
        take(&mut question, "name", "resourceNames", 32);
        take(&mut question, "resource", "resources", 64);
        if let Some((resource, subresource)) =
            question["resource"].clone().as_str().and_then(|text| text.split_once('/'))
        {
            let resource = if resource == "*" { "pods" } else { resource };
            (question["resource"], question["subresource"]) = (json!(resource), json!(subresource));
        } else if take_bits & 64 != 0 {
            question["subresource"] = json!("");
        }
        if let Some(namespace) = binding["metadata"]["namespace"].as_str().filter(|_| take_bits & 128 != 0) {
            question["namespace"] = json!(namespace);
        }
        question
    }
}
