//! Statements of a policy document.

use std::sync::Arc;

use super::condition::Condition;
use super::document::{PolicyKind, Reading};
use super::doubt::Held;
use super::fault::Wrong;
use super::principals::{Named, Principals};
use super::request::Request;
use super::scope::{Actions, Completion, ResourcePattern, Resources};
use super::tree::Tree;
use super::variables::Version;

/// What a statement does where it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// Its number, from 1, and its `Sid`.
    pub(super) label: Arc<str>,
    /// `None` where the statement can't be read, so that it may say anything.
    pub(super) effect: Option<Effect>,
    /// Whom it is about; everybody where the kind of policy names nobody.
    pub(super) principals: Option<Principals>,
    actions: Actions,
    resources: Resources,
    conditions: Vec<Condition>,
}

const ELEMENTS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// The elements of a statement as they were found.
#[derive(Default)]
struct Found<'t> {
    effect: Option<&'t Tree>,
    principal: Option<&'t Tree>,
    not_principal: Option<&'t Tree>,
    action: Option<&'t Tree>,
    not_action: Option<&'t Tree>,
    resource: Option<&'t Tree>,
    not_resource: Option<&'t Tree>,
    condition: Option<&'t Tree>,
}

impl Statement {
    /// A statement that can't be read.
    pub(super) fn torn(number: usize) -> Self {
        Self {
            label: format!("statement {number}").into(),
            effect: None,
            principals: None,
            actions: Actions::compile(&[], false, true),
            resources: Resources::Own,
            conditions: Vec::new(),
        }
    }

    /// Whether it is about the action, the resource and the context.
    pub(super) fn is_about(&self, request: &Request<'_>) -> Held<'_> {
        let context = request.context;
        self.actions
            .hold(request.action)
            .and(|| self.resources.hold(request.action, request.resource, context))
            .and(|| Held::all(self.conditions.iter().map(|condition| condition.holds(context))))
    }

    /// The keys of the request that it reads, in small letters, variables among them.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.resources.keys().chain(self.conditions.iter().flat_map(Condition::keys))
    }

    pub(super) fn read(reading: &mut Reading, number: usize, tree: &Tree, version: Version) -> Self {
        let label = label(number, tree);
        reading.place.clone_from(&label);
        let read = read(reading, tree, version, &label);
        reading.place.clear();
        read.unwrap_or_else(|| Self { label: label.into(), ..Self::torn(number) })
    }
}

fn label(number: usize, tree: &Tree) -> String {
    let sid = match tree {
        Tree::Map(entries) => entries.iter().find(|(name, _)| &**name == "Sid").and_then(|(_, sid)| sid.text()),
        _ => None,
    };
    sid.map_or_else(|| format!("statement {number}"), |sid| format!("statement {number} ({sid:?})"))
}

fn read(reading: &mut Reading, tree: &Tree, version: Version, label: &str) -> Option<Statement> {
    let mut found = Found::default();
    for (name, value) in reading.entries("it", tree)? {
        let place = match &**name {
            "Sid" => {
                if value.text().is_none() {
                    reading.not_a_text("Sid", value);
                }
                continue;
            }
            "Effect" => &mut found.effect,
            "Principal" => &mut found.principal,
            "NotPrincipal" => &mut found.not_principal,
            "Action" => &mut found.action,
            "NotAction" => &mut found.not_action,
            "Resource" => &mut found.resource,
            "NotResource" => &mut found.not_resource,
            "Condition" => &mut found.condition,
            other => {
                reading.unknown(other, &ELEMENTS);
                continue;
            }
        };
        *place = Some(value);
    }
    // Each is read, whatever became of the one before, so that all faults are told.
    let effect = effect(reading, found.effect);
    let principals = principals(reading, found.principal, found.not_principal);
    let actions = actions(reading, found.action, found.not_action);
    let resources = resources(reading, found.resource, found.not_resource, version);
    let conditions = conditions(reading, found.condition, version);
    let (effect, actions, resources) = (effect?, actions?, resources?);
    let statement = Statement {
        label: label.into(),
        effect: Some(effect),
        principals: principals?,
        actions,
        resources,
        conditions: conditions?,
    };
    if reading.kind == PolicyKind::ResourceControl {
        let every_action = found.action.and_then(Tree::texts).is_some_and(|texts| texts.contains(&"*"));
        let full = every_action && statement.resources.is_everything() && statement.conditions.is_empty();
        match effect {
            Effect::Allow if !full => reading.fault(Wrong::AllowingRcp),
            Effect::Deny if every_action => reading.fault(Wrong::EveryAction),
            Effect::Allow | Effect::Deny => {}
        }
    }
    Some(statement)
}

fn effect(reading: &mut Reading, tree: Option<&Tree>) -> Option<Effect> {
    let Some(tree) = tree else {
        reading.fault(Wrong::Missing("Effect"));
        return None;
    };
    match tree.text() {
        Some("Allow") => return Some(Effect::Allow),
        Some("Deny") => return Some(Effect::Deny),
        Some(other) => reading.fault(Wrong::Effect(other.to_owned())),
        None => reading.not_a_text("Effect", tree),
    }
    None
}

/// One of two elements; the flag tells that it is the second.
fn one_of<'t>(
    reading: &mut Reading,
    names: (&'static str, &'static str),
    found: (Option<&'t Tree>, Option<&'t Tree>),
) -> Option<(&'t Tree, bool)> {
    match found {
        (Some(tree), None) => Some((tree, false)),
        (None, Some(tree)) => Some((tree, true)),
        (None, None) => {
            reading.fault(Wrong::Missing(names.0));
            None
        }
        (Some(_), Some(_)) => {
            reading.fault(Wrong::Both(names.0, names.1));
            None
        }
    }
}

fn texts<'t>(reading: &mut Reading, element: &str, tree: &'t Tree) -> Option<Vec<&'t str>> {
    let texts = tree.texts();
    if texts.is_none() {
        let wanted = "a text or a list of texts";
        reading.fault(Wrong::Type { element: element.to_owned(), found: tree.kind(), wanted });
    }
    texts
}

fn actions(reading: &mut Reading, action: Option<&Tree>, but: Option<&Tree>) -> Option<Actions> {
    if but.is_some() && reading.kind == PolicyKind::ResourceControl {
        reading.fault(Wrong::Misplaced("NotAction", reading.kind));
    }
    let (tree, but) = one_of(reading, ("Action", "NotAction"), (action, but))?;
    let texts = texts(reading, if but { "NotAction" } else { "Action" }, tree)?;
    let mut hazy = false;
    for text in &texts {
        let named = text.split_once(':').is_some_and(|(service, name)| {
            !service.is_empty() && !name.is_empty() && !name.contains(':') && !text.contains(char::is_whitespace)
        });
        if !named && *text != "*" {
            reading.fault(Wrong::Action((*text).to_owned()));
            hazy = true;
        }
    }
    Some(Actions::compile(&texts, but, hazy))
}

fn resources(
    reading: &mut Reading,
    resource: Option<&Tree>,
    but: Option<&Tree>,
    version: Version,
) -> Option<Resources> {
    match (reading.kind, resource, but) {
        (PolicyKind::Trust | PolicyKind::Resource, None, None) => return Some(Resources::Own),
        (PolicyKind::Trust, resource, _) => {
            let element = if resource.is_some() { "Resource" } else { "NotResource" };
            reading.fault(Wrong::Misplaced(element, reading.kind));
        }
        _ => {}
    }
    let (tree, but) = one_of(reading, ("Resource", "NotResource"), (resource, but))?;
    let texts = texts(reading, if but { "NotResource" } else { "Resource" }, tree)?;
    let completion = match reading.kind {
        PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session => Completion::Documented,
        _ => Completion::Open,
    };
    let mut patterns = Vec::with_capacity(texts.len());
    for text in texts {
        let pattern = ResourcePattern::compile(text, version, completion);
        if pattern.is_hazy() {
            reading.fault(Wrong::Resource(text.to_owned()));
        } else if text != "*" && reading.kind == PolicyKind::Session && text.matches(':').count() < 5 {
            reading.fault(Wrong::IncompleteResource(text.to_owned()));
        }
        patterns.push(pattern);
    }
    Some(if but { Resources::AllBut(patterns) } else { Resources::These(patterns) })
}

fn conditions(reading: &mut Reading, tree: Option<&Tree>, version: Version) -> Option<Vec<Condition>> {
    let Some(tree) = tree else { return Some(Vec::new()) };
    let mut conditions = Vec::new();
    for (operator, keys) in reading.entries("Condition", tree)? {
        for (key, values) in reading.entries(operator, keys)? {
            let Some(values) = values.scalars() else {
                let wanted = "a text, a number, a truth value or a list of them";
                reading.fault(Wrong::Type { element: format!("{operator} of {key}"), found: values.kind(), wanted });
                return None;
            };
            conditions.push(Condition::compile(operator, key, &values, version));
        }
    }
    Some(conditions)
}

/// Whom it is about; nothing within where the kind of policy names nobody.
#[allow(clippy::option_option, reason = "without: a fault; without within: a kind of policy that names nobody")]
fn principals(reading: &mut Reading, these: Option<&Tree>, but: Option<&Tree>) -> Option<Option<Principals>> {
    if !reading.kind.names_principals() {
        for (name, found) in [("Principal", these), ("NotPrincipal", but)] {
            if found.is_some() {
                reading.fault(Wrong::Misplaced(name, reading.kind));
            }
        }
        return Some(None);
    }
    if but.is_some() && reading.kind != PolicyKind::Resource {
        reading.fault(Wrong::Misplaced("NotPrincipal", reading.kind));
    }
    let (tree, but) = one_of(reading, ("Principal", "NotPrincipal"), (these, but))?;
    if reading.kind == PolicyKind::ResourceControl && tree.text() != Some("*") {
        reading.fault(Wrong::SomePrincipal);
    }
    let named = named(reading, if but { "NotPrincipal" } else { "Principal" }, tree)?;
    Some(Some(if but { Principals::AllBut(named) } else { Principals::These(named) }))
}

fn named(reading: &mut Reading, element: &str, tree: &Tree) -> Option<Vec<Named>> {
    const KINDS: [&str; 4] = ["AWS", "Service", "Federated", "CanonicalUser"];
    if let Some(text) = tree.text() {
        if text == "*" {
            return Some(vec![Named::Everyone]);
        }
        reading.fault(Wrong::Principal(text.to_owned()));
        return None;
    }
    let mut named = Vec::new();
    for (kind, names) in reading.entries(element, tree)? {
        if !KINDS.contains(&&**kind) {
            reading.unknown(kind, &KINDS);
            return None;
        }
        for name in texts(reading, kind, names)? {
            let one = match &**kind {
                "AWS" => Named::aws(name),
                // "The service principal in an IAM policy can't be "Service": "*"."
                "Service" => (!name.contains(['*', '?'])).then(|| Named::Service(name.into())),
                "Federated" => Some(Named::Federated),
                _ => Some(Named::CanonicalUser(name.into())),
            };
            let Some(one) = one else {
                reading.fault(Wrong::Principal(name.to_owned()));
                return None;
            };
            named.push(one);
        }
    }
    Some(named)
}
