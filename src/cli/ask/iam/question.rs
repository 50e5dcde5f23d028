//! A question: one line of JSON, with the request and its policies.

use std::fmt;

use serde_json::Value;

use super::network_question::near;
use crate::semantics::iam::{
    AccountId, Action, Context, Decision, Document, Fault, Policies, PolicyKind, Principal, Request, Resource, Tree,
};

/// A request and the policies that have a say in it.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) id: Option<Value>,
    principal: Principal,
    action: Action,
    resource: Resource,
    context: Context,
    identity: Vec<Document>,
    boundary: Option<Document>,
    session: Option<Document>,
    scps: Vec<Vec<Document>>,
    rcps: Vec<Vec<Document>>,
    policy: Option<Document>,
}

impl Question {
    /// Reads a line, or says what is wrong with it and where.
    pub(super) fn read(tree: &Tree) -> Result<Self, String> {
        let line = Fields::read(tree, "the line", &["id", "request", "policies"])?;
        let request = line.object("request", &["principal", "action", "resource", "resourceAccount", "context"])?;
        let principal = principal(&request)?;
        let action = Action::parse(request.text("action")?).map_err(|why| request.at("action", &why))?;
        let account = request.account("resourceAccount")?;
        let resource =
            Resource::parse(request.text("resource")?, account).map_err(|why| request.at("resource", &why))?;
        let context = request.get("context").map_or_else(|| Ok(Context::new()), context)?;
        let names = ["identity", "boundary", "session", "scps", "rcps", "resource"];
        let policies = line.object("policies", &names)?;
        let one = |name: &str, kind| policies.get(name).map(|tree| Document::read(name, tree, kind));
        Ok(Self {
            id: line.get("id").map(Tree::to_value),
            identity: policies.list("identity", PolicyKind::Identity)?,
            boundary: one("boundary", PolicyKind::Boundary),
            session: one("session", PolicyKind::Session),
            scps: policies.levels("scps", PolicyKind::ServiceControl)?,
            rcps: policies.levels("rcps", PolicyKind::ResourceControl)?,
            policy: one("resource", PolicyKind::of(&resource)),
            principal,
            action,
            resource,
            context,
        })
    }

    pub(super) fn decide(&self) -> Decision {
        let policies = Policies {
            identity: &self.identity,
            boundary: self.boundary.as_ref(),
            session: self.session.as_ref(),
            scps: &self.scps,
            rcps: &self.rcps,
            resource: self.policy.as_ref(),
        };
        let Self { principal, action, resource, context, .. } = self;
        policies.decide(&Request { principal, action, resource, context })
    }

    /// What IAM would refuse, with the document's name.
    pub(super) fn faults(&self) -> impl Iterator<Item = (&str, &Fault)> {
        let levels = self.scps.iter().chain(&self.rcps).flatten();
        let ones = [&self.boundary, &self.session, &self.policy].into_iter().flatten();
        let documents = self.identity.iter().chain(levels).chain(ones);
        documents.flat_map(|document| document.faults().iter().map(|fault| (document.name(), fault)))
    }
}

fn principal(request: &Fields<'_>) -> Result<Principal, String> {
    let fields = request.object("principal", &["type", "arn", "role", "account", "service"])?;
    let kind = fields.text("type")?;
    let principal = match kind {
        "AssumedRole" => Principal::session(fields.text("arn")?, fields.given("role")?),
        "User" => Principal::user(fields.text("arn")?),
        "Service" => Principal::service(match fields.given("service")? {
            Some(service) => service,
            None => fields.text("arn")?,
        }),
        _ => return Err(fields.at("type", &format!("{kind:?} is none of AssumedRole, User and Service"))),
    };
    let principal = principal.map_err(|why| format!("{}: {why}", fields.place))?;
    match (principal.account(), fields.account("account")?) {
        (Some(own), Some(account)) if own != account => {
            Err(fields.at("account", &format!("{principal} is not of the account {account}")))
        }
        _ => Ok(principal),
    }
}

fn context(tree: &Tree) -> Result<Context, String> {
    let Tree::Map(entries) = tree else {
        return Err(format!("request.context is {}; it must be an object", tree.kind()));
    };
    let mut context = Context::new();
    for (index, (key, values)) in entries.iter().enumerate() {
        if entries.iter().take(index).any(|(other, _)| other == key) {
            return Err(format!("request.context: the key {key:?} is here twice"));
        }
        let wanted = "it must be a text, a number, a truth value or a list of them";
        match values.scalars() {
            Some(values) => context.set(key, values),
            // No value is a key that is not there.
            None if *values == Tree::Null => {}
            None => return Err(format!("request.context, {key}: this is {}; {wanted}", values.kind())),
        }
    }
    Ok(context)
}

/// The fields of an object, and where it is.
struct Fields<'t> {
    place: String,
    entries: &'t [(Box<str>, Tree)],
}

impl<'t> Fields<'t> {
    fn read(tree: &'t Tree, place: &str, names: &[&'static str]) -> Result<Self, String> {
        let Tree::Map(entries) = tree else {
            return Err(format!("{place} is {}; it must be an object", tree.kind()));
        };
        for (index, (name, _)) in entries.iter().enumerate() {
            if names.contains(&&**name) {
                if entries.iter().take(index).any(|(other, _)| other == name) {
                    return Err(format!("{place}: the field {name:?} is here twice"));
                }
            } else if let Some(near) = near(name, names) {
                return Err(format!("{place}: unknown field {name:?}; did you mean {near:?}?"));
            }
            // Other fields are somebody's own.
        }
        Ok(Self { place: place.to_owned(), entries })
    }

    fn at(&self, field: &str, why: &impl fmt::Display) -> String {
        format!("{}.{field}: {why}", self.place)
    }

    /// A field that is there and not null.
    fn get(&self, name: &str) -> Option<&'t Tree> {
        let found = self.entries.iter().find(|(own, _)| &**own == name);
        found.map(|(_, tree)| tree).filter(|tree| **tree != Tree::Null)
    }

    fn given(&self, name: &str) -> Result<Option<&'t str>, String> {
        let Some(tree) = self.get(name) else { return Ok(None) };
        match tree.text() {
            Some(text) => Ok(Some(text).filter(|text| !text.is_empty())),
            None => Err(self.at(name, &format!("this is {}; it must be a text", tree.kind()))),
        }
    }

    fn text(&self, name: &str) -> Result<&'t str, String> {
        self.given(name)?.ok_or_else(|| format!("{}: the field {name:?} is missing or empty", self.place))
    }

    fn account(&self, name: &str) -> Result<Option<AccountId>, String> {
        let account = self.given(name)?.map(|text| {
            AccountId::parse(text).ok_or_else(|| self.at(name, &format!("{text:?} is no account of twelve digits")))
        });
        account.transpose()
    }

    fn object(&self, name: &str, names: &[&'static str]) -> Result<Fields<'t>, String> {
        let place = if self.place == "the line" { name.to_owned() } else { format!("{}.{name}", self.place) };
        let Some(tree) = self.get(name) else { return Err(format!("the field {place:?} is missing")) };
        Fields::read(tree, &place, names)
    }

    fn items(&self, name: &str) -> Result<&'t [Tree], String> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Tree::List(items)) => Ok(items),
            Some(tree) => Err(self.at(name, &format!("this is {}; it must be a list", tree.kind()))),
        }
    }

    fn list(&self, name: &str, kind: PolicyKind) -> Result<Vec<Document>, String> {
        named(self.items(name)?, &format!("{}.{name}", self.place), kind)
    }

    fn levels(&self, name: &str, kind: PolicyKind) -> Result<Vec<Vec<Document>>, String> {
        let levels = (1..).zip(self.items(name)?).map(|(level, tree)| {
            let place = format!("{}.{name}, level {level}", self.place);
            match tree {
                Tree::List(items) => named(items, &place, kind),
                other => Err(format!("{place}: this is {}; it must be a list", other.kind())),
            }
        });
        levels.collect()
    }
}

/// Documents with their names.
fn named(items: &[Tree], place: &str, kind: PolicyKind) -> Result<Vec<Document>, String> {
    let documents = (1..).zip(items).map(|(number, tree)| {
        let place = format!("{place}, policy {number}");
        let fields = Fields::read(tree, &place, &["name", "document"])?;
        let name = fields.given("name")?.map_or_else(|| number.to_string(), str::to_owned);
        let document = fields.get("document").ok_or_else(|| format!("{place}: the field \"document\" is missing"))?;
        Ok(Document::read(&name, document, kind))
    });
    documents.collect()
}
