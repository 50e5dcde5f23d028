//! A tenancy as a file that teaches: what `tenantproof init` writes.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::types::{
    AdmissionRule, Audit, Flow, FlowPeer, FlowPort, Internal, Mark, NamespaceSelector, Operators, Party, PartyKind,
    Requirement, Role, Share, Subjects, Tenancy,
};
use crate::model::Principal;

/// How wide comments are written, in characters.
const WIDTH: usize = 100;

/// Writes a tenancy file. What it writes is read back equal by [`super::read`], wherever
/// `tenancy` is valid.
///
/// `proposed` are flows that somebody has yet to confirm: they are written as comments, so that
/// nothing is allowed unread. `notes` are sentences that are written at the head.
#[must_use]
pub fn render(tenancy: &Tenancy, proposed: &[Flow], notes: &[String]) -> String {
    let mut out = String::new();
    head(&mut out, notes);
    let _ = writeln!(out, "apiVersion: tenantproof.dev/v1\nkind: Tenancy\nname: {}\n", scalar(&tenancy.name));
    parties(&mut out, tenancy, PartyKind::Tenant);
    parties(&mut out, tenancy, PartyKind::Shared);
    admission(&mut out, &tenancy.admission);
    if let Some(promised) = &tenancy.audit {
        audit(&mut out, promised);
    }
    if let Some(Operators { principals }) = &tenancy.operators {
        let _ = writeln!(out, "operators:\n  principals: {}\n", arns(principals));
    }
    super::cloud::render_promise(&mut out, &tenancy.cloud);
    // Last: what is proposed is a comment, and goes on to the end.
    flows(&mut out, tenancy, proposed);
    out
}

fn audit(out: &mut String, audit: &Audit) {
    let Audit { within, pods, changes, reads, secrets, sink } = audit;
    out.push_str("audit:\n");
    if let Some(within) = within {
        let _ = writeln!(out, "  within: {}s", within.as_secs());
    }
    let _ = write!(out, "  pods: {pods}\n  changes: {changes}\n  secrets: {secrets}\n");
    if let Some(reads) = reads {
        let _ = writeln!(out, "  reads: {reads}");
    }
    if !sink.is_empty() {
        let names: Vec<String> = sink.iter().map(|name| scalar(name.as_str())).collect();
        let _ = writeln!(out, "  sink: {{namespaces: [{}]}}", names.join(", "));
    }
    out.push('\n');
}

fn head(out: &mut String, notes: &[String]) {
    comment(
        out,
        "",
        "Who shares the cluster, and which flows were promised. Everything that is not allowed under `flows` is forbidden, and is tried.",
    );
    comment(out, "", "`tenantproof schema` prints what may be written here.");
    if !notes.is_empty() {
        out.push_str("#\n# How it was drawn up; correct what is wrong:\n");
        for note in notes {
            comment(out, "- ", note);
        }
    }
}

/// One paragraph of a comment, wrapped; `bullet` stands before its first line.
fn comment(out: &mut String, bullet: &str, text: &str) {
    let mut line = format!("# {bullet}");
    let mut empty = true;
    for word in text.split(|letter| letter == ' ' || !is_printable(letter)).filter(|word| !word.is_empty()) {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(out, "{line}");
            line = format!("# {}", " ".repeat(bullet.len()));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    let _ = writeln!(out, "{line}");
}

fn parties(out: &mut String, tenancy: &Tenancy, kind: PartyKind) {
    let mut parties = tenancy.parties.iter().filter(|party| party.kind == kind).peekable();
    match kind {
        PartyKind::Tenant if parties.peek().is_none() => {
            out.push_str("tenants: []\n\n");
            return;
        }
        PartyKind::Tenant => {
            comment(
                out,
                "",
                "`internal` says what a tenant's own pods may do among themselves: `open` (every pod may reach every other) and `closed` (only flows pass) are judged, `unjudged` (the default) is not.",
            );
            out.push_str("tenants:\n");
        }
        PartyKind::Shared if parties.peek().is_none() => return,
        PartyKind::Shared => {
            comment(out, "", "What several tenants use. It is fenced as a tenant is: reached only by a flow.");
            out.push_str("shared:\n");
        }
    }
    for party in parties {
        self::party(out, party);
    }
}

fn party(out: &mut String, party: &Party) {
    let _ = writeln!(out, "- id: {}", scalar(party.id.as_str()));
    if let Some(tier) = &party.tier {
        let _ = writeln!(out, "  tier: {}", scalar(tier));
    }
    namespaces(out, &party.namespaces);
    match party.internal {
        Internal::Unjudged => {}
        Internal::Open => out.push_str("  internal: open\n"),
        Internal::Closed => out.push_str("  internal: closed\n"),
    }
    if !party.roles.is_empty() {
        out.push_str("  roles:\n");
        for Role { name, labels } in &party.roles {
            let _ = writeln!(out, "  - name: {}\n    labels: {}", scalar(name.as_str()), map(labels));
        }
    }
    subjects(out, &party.subjects);
    share(out, &party.share);
    super::cloud::render_tenant(out, &party.cloud);
    out.push('\n');
}

fn arns(principals: &[Principal]) -> String {
    let arns: Vec<String> = principals.iter().map(ToString::to_string).collect();
    list(arns.iter().map(String::as_str))
}

fn subjects(out: &mut String, Subjects { groups, users, principals }: &Subjects) {
    if groups.is_empty() && users.is_empty() && principals.is_empty() {
        return;
    }
    out.push_str("  subjects:\n");
    for (key, names) in [("groups", groups), ("users", users)] {
        if !names.is_empty() {
            let _ = writeln!(out, "    {key}: {}", list(names.iter().map(String::as_str)));
        }
    }
    if !principals.is_empty() {
        let _ = writeln!(out, "    principals: {}", arns(principals));
    }
}

fn share(out: &mut String, Share { quota, container }: &Share) {
    if quota.is_empty() && container.is_empty() {
        return;
    }
    out.push_str("  share:\n");
    for (key, amounts) in [("quota", quota), ("container", container)] {
        if !amounts.is_empty() {
            let amounts = amounts.iter().map(|(resource, amount)| (resource.clone(), amount.to_string())).collect();
            let _ = writeln!(out, "    {key}: {}", map(&amounts));
        }
    }
}

fn namespaces(out: &mut String, NamespaceSelector { names, match_labels }: &NamespaceSelector) {
    let list = list(names.iter().map(crate::model::Namespace::as_str));
    if match_labels.is_empty() {
        let _ = writeln!(out, "  namespaces: {list}");
        return;
    }
    out.push_str("  namespaces:\n");
    if !names.is_empty() {
        let _ = writeln!(out, "    names: {list}");
    }
    let _ = writeln!(out, "    matchLabels: {}", map(match_labels));
}

fn flows(out: &mut String, tenancy: &Tenancy, proposed: &[Flow]) {
    if proposed.is_empty() && tenancy.flows.is_empty() {
        comment(out, "", "No flow is allowed: nobody may reach anybody. A flow is written like this:");
        out.push_str("# - from: {tenant: ID, roles: [ROLE]}\n#   to: {shared: ID}\n#   ports:\n#   - {protocol: TCP, port: 8080}\n#   why: who asked for it\n");
        out.push_str("flows: []\n");
        return;
    }
    out.push_str("flows:\n");
    for flow in &tenancy.flows {
        out.push_str(&self::flow(tenancy, flow));
    }
    if !proposed.is_empty() {
        comment(
            out,
            "",
            "The cluster's policies open what follows; whether it was promised, they don't say. It stays forbidden until somebody who knows takes away the `# ` before it.",
        );
    }
    for flow in proposed {
        for line in self::flow(tenancy, flow).lines() {
            let _ = writeln!(out, "# {line}");
        }
    }
}

fn admission(out: &mut String, rules: &[AdmissionRule]) {
    if rules.is_empty() {
        return;
    }
    comment(
        out,
        "",
        "What policies refuse in tenants' namespaces. Each rule is tried, beside a request that meets it.",
    );
    out.push_str("admission:\n");
    for AdmissionRule { id, tenants, pods, require } in rules {
        let _ = writeln!(out, "- id: {}", scalar(id.as_str()));
        if !tenants.is_empty() {
            let _ = writeln!(out, "  tenants: {}", list(tenants.iter().map(crate::model::TenantId::as_str)));
        }
        if !pods.is_empty() {
            let _ = writeln!(out, "  pods: {}", map(pods));
        }
        let require = match require {
            Requirement::RunAsNonRoot => "{runAsNonRoot: true}".to_owned(),
            Requirement::PodSecurity(level) => format!("{{podSecurity: {}}}", level.as_str()),
            Requirement::Registries(prefixes) => {
                format!("{{registries: {}}}", list(prefixes.iter().map(String::as_str)))
            }
            Requirement::Labels(labels) => format!("{{labels: {}}}", marks(labels)),
            Requirement::Bucket { tags, public_access_block } => {
                let tags = (!tags.is_empty()).then(|| format!("tags: {}", marks(tags)));
                let block = public_access_block.then(|| "publicAccessBlock: true".to_owned());
                let parts: Vec<String> = tags.into_iter().chain(block).collect();
                format!("{{bucket: {{{}}}}}", parts.join(", "))
            }
        };
        let _ = writeln!(out, "  require: {require}");
    }
    out.push('\n');
}

fn marks(marks: &[Mark]) -> String {
    let mark = |Mark { key, value }: &Mark| match value {
        Some(value) => format!("{{key: {}, value: {}}}", scalar(key), scalar(value)),
        None => format!("{{key: {}}}", scalar(key)),
    };
    format!("[{}]", marks.iter().map(mark).collect::<Vec<_>>().join(", "))
}

fn flow(tenancy: &Tenancy, flow: &Flow) -> String {
    let (from, to) = (peer(tenancy, &flow.from), peer(tenancy, &flow.to));
    let mut out = format!("- from: {from}\n  to: {to}\n  ports:\n");
    for FlowPort { protocol, port, end_port } in &flow.ports {
        let end = end_port.map(|end| format!(", endPort: {end}")).unwrap_or_default();
        let _ = writeln!(out, "  - {{protocol: {protocol}, port: {port}{end}}}");
    }
    if let Some(why) = &flow.why {
        let _ = writeln!(out, "  why: {}", scalar(why));
    }
    out
}

fn peer(tenancy: &Tenancy, FlowPeer { party, roles }: &FlowPeer) -> String {
    let key = match tenancy.party(party).map(|party| party.kind) {
        Some(PartyKind::Shared) => "shared",
        Some(PartyKind::Tenant) | None => "tenant",
    };
    let id = scalar(party.as_str());
    if roles.is_empty() {
        format!("{{{key}: {id}}}")
    } else {
        format!("{{{key}: {id}, roles: {}}}", list(roles.iter().map(crate::model::RoleName::as_str)))
    }
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", words.map(scalar).collect::<Vec<_>>().join(", "))
}

fn map(labels: &BTreeMap<String, String>) -> String {
    let labels: Vec<_> = labels.iter().map(|(key, value)| format!("{}: {}", scalar(key), scalar(value))).collect();
    format!("{{{}}}", labels.join(", "))
}

/// A text as a YAML scalar: plain where no reader of YAML 1.1 or 1.2 could take it for anything
/// else, otherwise in double quotes.
pub(super) fn scalar(text: &str) -> String {
    const NOT_TEXT: [&str; 12] =
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"];
    let plain = text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '/'))
        && !NOT_TEXT.contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            _ if !is_printable(letter) => {
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            }
            _ => out.push(letter),
        }
    }
    out.push('"');
    out
}

/// Whether YAML takes a letter as it stands, on one line: no control, no line break of any kind, no
/// byte order mark, nothing that Unicode says is no character.
fn is_printable(letter: char) -> bool {
    !letter.is_control() && !matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}
