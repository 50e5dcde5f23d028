//! The rules that a tenancy file's shape doesn't hold: names, and what refers to what.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::file::{self, TenancyFile};
use super::problem::Problem;
use super::read::span;
use super::types::{Internal, PartyKind};
use crate::document::{Document, Located, NameRule, Path, Place};
use crate::model::{Nearest, Quantity};

/// Everything that is wrong with what `file` means; it was read from `document`.
pub(super) fn check(document: &Document, file: &TenancyFile) -> Vec<Located<Problem>> {
    let parties = parties(file);
    let mut check = Check { document, found: Vec::new() };
    check.ids(&parties);
    check.namespaces(&parties);
    for party in &parties {
        check.roles(party);
    }
    for (index, tenant) in file.tenants.iter().enumerate() {
        check.share(tenant, &Path::root().key("tenants").item(index).key("share"));
    }
    for (index, flow) in file.flows.iter().flatten().enumerate() {
        check.flow(&parties, flow, &Path::root().key("flows").item(index));
    }
    for (index, rule) in file.admission.iter().flatten().enumerate() {
        check.admission(file, rule, index);
    }
    if let Some(audit) = &file.audit {
        check.audit(audit, &Path::root().key("audit"));
    }
    check.principals(file);
    check.cloud(file);
    if let [only] = parties.as_slice()
        && only.internal == Internal::Unjudged
    {
        let problem = Problem::OnlyOneParty { party: only.id.to_owned() };
        check.add(&only.path.key("id"), "the only one", problem);
    }
    check.found
}

/// A party as its file has it, and where.
struct Declared<'a> {
    path: Path,
    kind: PartyKind,
    id: &'a str,
    tier: Option<&'a str>,
    names: &'a [String],
    names_path: Path,
    labels: Option<&'a BTreeMap<String, String>>,
    internal: Internal,
    roles: &'a [file::Role],
}

fn parties(file: &TenancyFile) -> Vec<Declared<'_>> {
    let path = |list: &str, index| Path::root().key(list).item(index);
    let tenants = file.tenants.iter().enumerate().map(|(index, tenant)| {
        declared(
            path("tenants", index),
            PartyKind::Tenant,
            &tenant.id,
            tenant.tier.as_deref(),
            &tenant.namespaces,
            tenant.internal,
            tenant.roles.as_deref(),
        )
    });
    let shared = file.shared.iter().flatten().enumerate().map(|(index, shared)| {
        declared(
            path("shared", index),
            PartyKind::Shared,
            &shared.id,
            None,
            &shared.namespaces,
            shared.internal,
            shared.roles.as_deref(),
        )
    });
    tenants.chain(shared).collect()
}

fn declared<'a>(
    path: Path,
    kind: PartyKind,
    id: &'a str,
    tier: Option<&'a str>,
    namespaces: &'a file::Namespaces,
    internal: Option<Internal>,
    roles: Option<&'a [file::Role]>,
) -> Declared<'a> {
    let list = path.key("namespaces");
    let (names, names_path, labels) = match namespaces {
        file::Namespaces::Names(names) => (names.as_slice(), list, None),
        file::Namespaces::Selector(selector) => {
            (selector.names.as_deref().unwrap_or_default(), list.key("names"), selector.match_labels.as_ref())
        }
    };
    let (internal, roles) = (internal.unwrap_or_default(), roles.unwrap_or_default());
    Declared { path, kind, id, tier, names, names_path, labels, internal, roles }
}

pub(super) struct Check<'a> {
    document: &'a Document,
    found: Vec<Located<Problem>>,
}

impl Check<'_> {
    pub(super) fn add(&mut self, path: &Path, label: &str, problem: Problem) {
        self.found.push(self.document.problem(self.document.place(path), label, problem));
    }

    pub(super) fn add_beside(&mut self, path: &Path, label: &str, other: (&Path, &str), problem: Problem) {
        let mut problem = self.document.problem(self.document.place(path), label, problem);
        problem.others.push((self.document.place(other.0), other.1.to_owned()));
        self.found.push(problem);
    }

    pub(super) fn name(&mut self, name: &str, rule: NameRule, path: &Path) {
        if !rule.accepts(name) {
            let problem = Problem::InvalidName { name: name.to_owned(), path: path.clone(), rule };
            self.add(path, "not valid", problem);
        }
    }

    pub(super) fn labels(&mut self, labels: &BTreeMap<String, String>, path: &Path) {
        for (key, value) in labels {
            if !NameRule::LabelKey.accepts(key) {
                let place = self.key_place(path, key);
                let problem = Problem::InvalidName { name: key.clone(), path: path.clone(), rule: NameRule::LabelKey };
                self.found.push(self.document.problem(place, "not valid", problem));
            }
            self.name(value, NameRule::LabelValue, &path.key(key));
        }
    }

    fn key_place(&self, path: &Path, key: &str) -> Place {
        let map = self.document.root().at(path);
        map.get(key).map_or(map.place, |entry| entry.place)
    }

    fn ids(&mut self, parties: &[Declared<'_>]) {
        let mut first: HashMap<&str, &Path> = HashMap::new();
        for party in parties {
            let path = party.path.key("id");
            self.name(party.id, NameRule::Id, &path);
            if let Some(tier) = party.tier {
                self.name(tier, NameRule::Id, &party.path.key("tier"));
            }
            match first.get(party.id) {
                Some(earlier) => {
                    let problem =
                        Problem::Duplicate { name: party.id.to_owned(), what: "id", first: (*earlier).clone() };
                    self.add_beside(&path, "again here", (&earlier.key("id"), "first here"), problem);
                }
                None => {
                    first.insert(party.id, &party.path);
                }
            }
        }
    }

    fn namespaces(&mut self, parties: &[Declared<'_>]) {
        let mut by_name: HashMap<&str, (&str, Path)> = HashMap::new();
        let mut by_labels: HashMap<&BTreeMap<String, String>, (&str, Path)> = HashMap::new();
        for party in parties {
            for (index, name) in party.names.iter().enumerate() {
                let path = party.names_path.item(index);
                self.name(name, NameRule::Namespace, &path);
                self.claim(&mut by_name, name, name, party, path);
            }
            let labels = party.labels.filter(|labels| !labels.is_empty());
            if let Some(labels) = labels {
                let path = party.path.key("namespaces").key("matchLabels");
                self.labels(labels, &path);
                let said: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
                self.claim(&mut by_labels, labels, &said.join(","), party, path);
            }
            // A list of names that is empty has been said by its shape.
            if party.names.is_empty() && labels.is_none() && party.names_path != party.path.key("namespaces") {
                let problem = Problem::NoNamespaces { party: party.id.to_owned() };
                self.add(&party.path.key("namespaces"), "selects nothing", problem);
            }
        }
    }

    fn claim<'a, K: std::hash::Hash + Eq>(
        &mut self,
        claims: &mut HashMap<K, (&'a str, Path)>,
        key: K,
        said: &str,
        party: &Declared<'a>,
        path: Path,
    ) {
        let Some((first, first_path)) = claims.get(&key) else {
            claims.insert(key, (party.id, path));
            return;
        };
        let problem = if first_path.steps().starts_with(party.path.steps()) {
            Problem::ListedTwice { word: said.to_owned(), path: party.names_path.clone() }
        } else {
            Problem::NamespaceClaimedTwice {
                namespace: said.to_owned(),
                first: (*first).to_owned(),
                second: party.id.to_owned(),
            }
        };
        self.add_beside(&path, "again here", (first_path, "first here"), problem);
    }

    fn roles(&mut self, party: &Declared<'_>) {
        let mut first: HashMap<&str, Path> = HashMap::new();
        for (index, role) in party.roles.iter().enumerate() {
            let path = party.path.key("roles").item(index);
            self.name(&role.name, NameRule::Id, &path.key("name"));
            self.labels(&role.labels, &path.key("labels"));
            match first.get(role.name.as_str()) {
                Some(earlier) => {
                    let problem = Problem::Duplicate { name: role.name.clone(), what: "name", first: earlier.clone() };
                    let earlier = earlier.key("name");
                    self.add_beside(&path.key("name"), "again here", (&earlier, "first here"), problem);
                }
                None => {
                    first.insert(&role.name, path);
                }
            }
        }
    }

    fn share(&mut self, tenant: &file::Tenant, path: &Path) {
        let Some(share) = &tenant.share else { return };
        for (key, amounts) in [("quota", &share.quota), ("container", &share.container)] {
            for (resource, amount) in amounts.iter().flatten() {
                if Quantity::parse(amount).is_none_or(|amount| amount.milli() < 0) {
                    let path = path.key(key).key(resource);
                    let problem = Problem::InvalidAmount { amount: amount.clone(), path: path.clone() };
                    self.add(&path, "not an amount", problem);
                }
            }
        }
    }

    fn audit(&mut self, audit: &file::Audit, path: &Path) {
        if let Some(within) = audit.within.as_deref().filter(|within| span(within).is_none()) {
            let path = path.key("within");
            let problem = Problem::InvalidTime { time: within.to_owned(), path: path.clone() };
            self.add(&path, "not a time", problem);
        }
        for (index, name) in audit.sink.iter().flat_map(|sink| &sink.namespaces).enumerate() {
            self.name(name, NameRule::Namespace, &path.key("sink").key("namespaces").item(index));
        }
    }

    fn flow(&mut self, parties: &[Declared<'_>], flow: &file::Flow, path: &Path) {
        let from = self.peer(parties, &flow.from, &path.key("from"));
        let to = self.peer(parties, &flow.to, &path.key("to"));
        if let (Some(from), Some(to)) = (from, to)
            && from.id == to.id
            && from.internal != Internal::Closed
        {
            let internal = match from.internal {
                Internal::Open => "open, so everything passes anyway",
                Internal::Unjudged | Internal::Closed => "unjudged, so nothing is tried",
            };
            let problem = Problem::FlowInside { party: from.id.to_owned(), internal };
            self.add(path, "has no effect", problem);
        }
        for (index, port) in flow.ports.iter().enumerate() {
            if let Some(end) = port.end_port.filter(|end| *end < port.port) {
                let path = path.key("ports").item(index).key("endPort");
                let problem = Problem::PortRange { path: path.clone(), port: port.port.get(), end_port: end.get() };
                self.add(&path, "before the first", problem);
            }
        }
    }

    fn peer<'p, 'a>(
        &mut self,
        parties: &'p [Declared<'a>],
        peer: &file::Peer,
        path: &Path,
    ) -> Option<&'p Declared<'a>> {
        let (kind, id, id_path) = match (&peer.tenant, &peer.shared) {
            (Some(id), None) => (PartyKind::Tenant, id, path.key("tenant")),
            (None, Some(id)) => (PartyKind::Shared, id, path.key("shared")),
            (tenant, _) => {
                let problem = Problem::AmbiguousPeer { path: path.clone(), both: tenant.is_some() };
                self.add(path, "who?", problem);
                return None;
            }
        };
        let Some(party) = parties.iter().find(|party| party.id == id && party.kind == kind) else {
            let problem = if parties.iter().any(|party| party.id == id) {
                Problem::WrongKind { path: id_path.clone(), id: id.clone(), kind }
            } else {
                let expected = |kind| parties.iter().filter(move |party| party.kind == kind).map(|party| party.id);
                // The other kind's ids come second: the id is more often wrong than its kind.
                let nearest = Nearest::of(id, expected(kind).chain(expected(kind.other())));
                let expected = expected(kind).map(str::to_owned).collect();
                Problem::UnknownParty { path: id_path.clone(), id: id.clone(), kind, nearest, expected }
            };
            self.add(&id_path, "not declared", problem);
            return None;
        };
        let mut seen = HashSet::new();
        for (index, role) in peer.roles.iter().flatten().enumerate() {
            let roles = path.key("roles");
            if !seen.insert(role) {
                let problem = Problem::ListedTwice { word: role.clone(), path: roles.clone() };
                self.add(&roles.item(index), "again here", problem);
            } else if !party.roles.iter().any(|known| &known.name == role) {
                let expected: Vec<String> = party.roles.iter().map(|role| role.name.clone()).collect();
                let nearest = Nearest::of(role, expected.iter().map(String::as_str));
                let (role, party) = (role.clone(), party.id.to_owned());
                let path = roles.item(index);
                let problem = Problem::UnknownRole { path: path.clone(), role, party, nearest, expected };
                self.add(&path, "not declared", problem);
            }
        }
        Some(party)
    }
}
