//! A second evaluator, written from the documentation's text and in the plainest way: it reads the JSON each time it is
//! asked, and knows no unknowns. Where something is not known, it answers twice: once as if it granted nothing, once as
//! if it granted all that it could. RBAC only ever adds, so both ends are all there is.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::worlds::World;

/// Which end of what is possible.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Least,
    Most,
}

/// All answers that are possible.
pub(crate) fn possible(world: &World, question: &Value) -> BTreeSet<bool> {
    [End::Least, End::Most].into_iter().map(|end| allows(world, question, end)).collect()
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn has(list: &Value, wanted: &str) -> bool {
    each(list).any(|item| item == wanted)
}

/// The user's name and groups, by the words of the documentation on authentication.
fn identity(subject: &Value) -> (String, BTreeSet<String>) {
    let mut groups: BTreeSet<String> = each(&subject["groups"]).map(|group| text(group).to_owned()).collect();
    let user = match text(&subject["kind"]) {
        "ServiceAccount" => {
            format!("system:serviceaccount:{}:{}", text(&subject["namespace"]), text(&subject["name"]))
        }
        "User" => text(&subject["name"]).to_owned(),
        _ => {
            groups.insert(text(&subject["name"]).to_owned());
            String::new()
        }
    };
    let parts: Vec<&str> = user.split(':').collect();
    if let ["system", "serviceaccount", namespace, _] = parts[..] {
        groups.insert("system:serviceaccounts".to_owned());
        groups.insert(format!("system:serviceaccounts:{namespace}"));
    }
    if user == "system:anonymous" {
        groups.insert("system:unauthenticated".to_owned());
    }
    if !groups.contains("system:unauthenticated") {
        groups.insert("system:authenticated".to_owned());
    }
    (user, groups)
}

fn allows(world: &World, question: &Value, end: End) -> bool {
    let (user, groups) = identity(&question["subject"]);
    let namespace = text(&question["namespace"]);
    let here = |binding: &&Value| !namespace.is_empty() && binding["metadata"]["namespace"] == namespace;
    let of_namespace = world.role_bindings.iter().filter(here).map(|binding| (binding, namespace));
    let of_cluster = world.cluster_role_bindings.iter().map(|binding| (binding, ""));
    of_cluster.chain(of_namespace).any(|(binding, namespace)| {
        (end == End::Most || is_valid_binding(binding))
            && each(&binding["subjects"]).any(|subject| is(subject, &user, &groups, namespace))
            && role_allows(world, &binding["roleRef"], namespace, question, end)
    })
}

fn is(subject: &Value, user: &str, groups: &BTreeSet<String>, namespace: &str) -> bool {
    let name = text(&subject["name"]);
    match text(&subject["kind"]) {
        "User" => user == name,
        "Group" => groups.contains(name),
        "ServiceAccount" => {
            let namespace =
                if text(&subject["namespace"]).is_empty() { namespace } else { text(&subject["namespace"]) };
            !namespace.is_empty() && user == format!("system:serviceaccount:{namespace}:{name}")
        }
        _ => false,
    }
}

fn role_allows(world: &World, role: &Value, namespace: &str, question: &Value, end: End) -> bool {
    let name = text(&role["name"]);
    match text(&role["kind"]) {
        "Role" => {
            let own = |role: &&Value| role["metadata"]["namespace"] == namespace && role["metadata"]["name"] == name;
            world.roles.iter().filter(own).any(|role| {
                (end == End::Most || is_valid_role(role, true))
                    && each(&role["rules"]).any(|rule| rule_allows(rule, question))
            })
        }
        "ClusterRole" => match world.cluster_roles.iter().find(|role| role["metadata"]["name"] == name) {
            Some(role) => {
                (end == End::Most || is_valid_role(role, false))
                    && rules(world, role, end).iter().any(|rule| rule_allows(rule, question))
            }
            None if name == "cluster-admin" => true,
            None => (matches!(name, "view") || name.starts_with("system:")) && end == End::Most,
        },
        _ => false,
    }
}

/// The rules of a ClusterRole once aggregation is done: those of all roles that it can reach by selectors and that are not
/// aggregated themselves. Its own count if it is not aggregated, or if it reaches itself and nobody knows who was first.
fn rules(world: &World, role: &Value, end: End) -> Vec<Value> {
    if !role["aggregationRule"].is_object() {
        return each(&role["rules"]).cloned().collect();
    }
    let mut reached: Vec<&Value> = Vec::new();
    let mut open = vec![role];
    while let Some(from) = open.pop() {
        for to in selected(world, from) {
            let valid = end == End::Most || is_valid_role(to, false);
            if valid && !reached.contains(&to) {
                reached.push(to);
                open.push(to);
            }
        }
    }
    let counts =
        |role: &&&Value| !role["aggregationRule"].is_object() || (end == End::Most && reaches_itself(world, role));
    reached.iter().filter(counts).flat_map(|role| each(&role["rules"]).cloned()).collect()
}

fn reaches_itself(world: &World, role: &Value) -> bool {
    let mut seen: Vec<&Value> = selected(world, role);
    let mut at = 0;
    while let Some(next) = seen.get(at).copied() {
        at += 1;
        for to in selected(world, next) {
            if !seen.contains(&to) {
                seen.push(to);
            }
        }
    }
    seen.contains(&role)
}

fn selected<'w>(world: &'w World, role: &Value) -> Vec<&'w Value> {
    let selectors: Vec<&Value> = each(&role["aggregationRule"]["clusterRoleSelectors"]).collect();
    let matches = |candidate: &&Value| {
        candidate["metadata"]["name"] != role["metadata"]["name"]
            && selectors.iter().any(|selector| selects(selector, &candidate["metadata"]["labels"]))
    };
    world.cluster_roles.iter().filter(matches).collect()
}

fn selects(selector: &Value, labels: &Value) -> bool {
    let equal = selector["matchLabels"].as_object().into_iter().flatten().all(|(key, value)| labels[key] == *value);
    equal
        && each(&selector["matchExpressions"]).all(|expression| {
            let value = &labels[text(&expression["key"])];
            match text(&expression["operator"]) {
                "In" => has(&expression["values"], text(value)) && value.is_string(),
                "NotIn" => !(value.is_string() && has(&expression["values"], text(value))),
                _ => value.is_string(),
            }
        })
}

fn rule_allows(rule: &Value, question: &Value) -> bool {
    if !has(&rule["verbs"], "*") && !has(&rule["verbs"], text(&question["verb"])) {
        return false;
    }
    if let Some(path) = question["nonResourceURL"].as_str() {
        return each(&rule["nonResourceURLs"]).map(text).any(|url| match url.find('*') {
            Some(star) if url[star..].chars().all(|c| c == '*') => path.starts_with(&url[..star]),
            _ => url == path,
        });
    }
    let (resource, subresource) = (text(&question["resource"]), text(&question["subresource"]));
    let slashed = format!("{resource}/{subresource}");
    let asked = if subresource.is_empty() { resource } else { &slashed };
    let by_subresource = format!("*/{subresource}");
    let names = &rule["resourceNames"];
    (has(&rule["apiGroups"], "*") || has(&rule["apiGroups"], text(&question["apiGroup"])))
        && (has(&rule["resources"], "*")
            || has(&rule["resources"], asked)
            || (!subresource.is_empty() && has(&rule["resources"], &by_subresource)))
        && (each(names).next().is_none() || has(names, text(&question["name"])))
}

/// Whether the API server takes a role.
fn is_valid_role(role: &Value, of_namespace: bool) -> bool {
    let none = |list: &Value| each(list).next().is_none();
    each(&role["rules"]).all(|rule| {
        let about_resources = !none(&rule["apiGroups"]) && !none(&rule["resources"]);
        let about_paths = none(&rule["apiGroups"]) && none(&rule["resources"]) && none(&rule["resourceNames"]);
        rule["resourceName"].is_null()
            && !none(&rule["verbs"])
            && if none(&rule["nonResourceURLs"]) { about_resources } else { about_paths && !of_namespace }
    })
}

/// Whether the API server takes a binding.
fn is_valid_binding(binding: &Value) -> bool {
    let group = json!("rbac.authorization.k8s.io");
    let of_namespace = binding["kind"] == "RoleBinding";
    let role = &binding["roleRef"];
    let kind = role["kind"] == "ClusterRole" || (role["kind"] == "Role" && of_namespace);
    let is_group = |value: &Value| value.is_null() || *value == group;
    kind && is_group(&role["apiGroup"])
        && each(&binding["subjects"]).all(|subject| {
            subject["uid"].is_null()
                && match text(&subject["kind"]) {
                    "User" | "Group" => is_group(&subject["apiGroup"]),
                    "ServiceAccount" => {
                        subject["apiGroup"].is_null() && (of_namespace || subject["namespace"].is_string())
                    }
                    _ => false,
                }
        })
}
