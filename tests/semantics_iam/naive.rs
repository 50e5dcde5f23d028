//! A second evaluator, written from the documentation's text and in the plainest way: it reads the JSON each time it is
//! asked, compares letter by letter, and knows no reasons. A statement that it cannot decide is taken twice, once as if
//! it applied and once as if it did not; policies only add up, so both ends are all there is. Where it is told to, it reads
//! the documentation as the simulator does ([`Reading`]).

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use super::readings::Reading;

/// All verdicts that are possible.
pub(crate) fn possible(case: &Value) -> BTreeSet<&'static str> {
    let mut verdicts = BTreeSet::new();
    for doubtful_denies in [false, true] {
        for doubtful_allows in [false, true] {
            verdicts.insert(Asked { case, readings: &[], doubtful_denies, doubtful_allows }.verdict());
        }
    }
    verdicts
}

/// The verdict on a case that the documentation decides, under other readings of it.
pub(crate) fn verdict(case: &Value, readings: &[Reading]) -> &'static str {
    Asked { case, readings, doubtful_denies: false, doubtful_allows: false }.verdict()
}

struct Asked<'c> {
    case: &'c Value,
    readings: &'c [Reading],
    /// Whether statements that cannot be decided apply.
    doubtful_denies: bool,
    doubtful_allows: bool,
}

fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Asked<'_> {
    fn request(&self, field: &str) -> String {
        text(&self.case["request"][field])
    }

    fn principal(&self, field: &str) -> String {
        text(&self.case["request"]["principal"][field])
    }

    fn reads(&self, reading: Reading) -> bool {
        self.readings.contains(&reading)
    }

    fn verdict(&self) -> &'static str {
        if self.denied() {
            "explicitDeny"
        } else if self.allowed() {
            "allowed"
        } else {
            "implicitDeny"
        }
    }

    fn is_service(&self) -> bool {
        self.principal("type") == "Service"
    }

    /// The documents of identity and organization, as `{"name", "document"}`.
    fn documents(list: &Value) -> Vec<&Value> {
        each(list).into_iter().map(|item| &item["document"]).collect()
    }

    fn denied(&self) -> bool {
        let policies = &self.case["policies"];
        let mut own = Self::documents(&policies["identity"]);
        own.extend([&policies["boundary"], &policies["session"]]);
        if self.is_service() {
            own.clear();
        }
        if self.under_scps() {
            own.extend(each(&policies["scps"]).into_iter().flat_map(Self::documents));
        }
        let own = own.into_iter().any(|document| self.says(document, "Deny", &["any"]));
        let rcps = each(&policies["rcps"]).into_iter().flat_map(Self::documents);
        let ways = ["itself", "role", "account"];
        own || std::iter::once(&policies["resource"]).chain(rcps).any(|document| self.says(document, "Deny", &ways))
    }

    fn allowed(&self) -> bool {
        let policies = &self.case["policies"];
        let resource = |ways: &[&str]| self.says(&policies["resource"], "Allow", ways);
        let levels = !self.under_scps()
            || each(&policies["scps"])
                .into_iter()
                .all(|level| Self::documents(level).into_iter().any(|document| self.says(document, "Allow", &["any"])));
        if self.is_service() {
            return resource(&["itself"]) && levels;
        }
        let under = |document: &Value| document.is_null() || self.limits(document);
        let session = under(&policies["session"]);
        let limits = under(&policies["boundary"]) && session;
        let identity =
            Self::documents(&policies["identity"]).into_iter().any(|document| self.says(document, "Allow", &["any"]));
        let itself = resource(&["itself"]) && (session || !self.reads(Reading::SessionLimitsItself));
        let granted = if self.request("resourceAccount") == "111122223333" {
            let of_its_own = match self.request("action").as_str() {
                "kms:Decrypt" => true,
                "sts:AssumeRole" => !policies["resource"].is_null() || !self.reads(Reading::RoleWithoutTrust),
                _ => false,
            };
            let by_identity = identity && (!of_its_own || resource(&["account"]));
            itself || limits && (resource(&["role"]) || by_identity)
        } else {
            identity && limits && resource(&["itself", "role", "account"])
        };
        granted && levels
    }

    fn under_scps(&self) -> bool {
        !self.is_service() || self.reads(Reading::OrganizationOverServices)
    }

    /// A boundary or a session policy that IAM would not take may be no limit at all.
    fn limits(&self, document: &Value) -> bool {
        if is_odd(document) { self.doubtful_allows } else { self.says(document, "Allow", &["any"]) }
    }

    /// Whether a document has a statement of this effect that is about the request and names the principal in a way.
    fn says(&self, document: &Value, effect: &str, ways: &[&str]) -> bool {
        let odd = is_odd(document);
        let variables = (document["Version"] == "2012-10-17" || self.reads(Reading::VariablesInEveryVersion))
            && !self.reads(Reading::VariablesInNone);
        each(&document["Statement"]).into_iter().filter(|statement| statement["Effect"] == effect).any(|statement| {
            let parts = [self.names(statement, ways), self.about(statement, variables), (!odd).then_some(true)];
            let doubtful = if effect == "Deny" { self.doubtful_denies } else { self.doubtful_allows };
            !parts.contains(&Some(false)) && (parts.iter().all(Option::is_some) || doubtful)
        })
    }

    /// Whether the statement names the principal; nothing where that is not known.
    fn names(&self, statement: &Value, ways: &[&str]) -> Option<bool> {
        if statement["Principal"].is_null() {
            return Some(true);
        }
        if statement["Principal"] == "*" {
            let way = if self.reads(Reading::EverybodyIsLimited) { "role" } else { "itself" };
            return Some(ways.contains(&way));
        }
        let (service, kind) = (self.is_service(), self.principal("type"));
        let mut unknown = false;
        for (under, names) in statement["Principal"].as_object().unwrap() {
            for name in each(names).into_iter().map(text) {
                let account = name.trim_start_matches("arn:aws:iam::").trim_end_matches(":root") == "111122223333";
                let way = match under.as_str() {
                    "Service" if service && name == self.principal("service") => "itself",
                    "AWS" if service => continue,
                    "AWS" if account => "account",
                    "AWS" if kind == "AssumedRole" && name == self.principal("role") => "role",
                    "AWS" if name == self.principal("arn") => "itself",
                    "CanonicalUser" if !service && ways.contains(&"itself") => {
                        unknown = true;
                        continue;
                    }
                    _ => continue,
                };
                if ways.contains(&way) {
                    return Some(true);
                }
            }
        }
        if unknown { None } else { Some(false) }
    }

    fn about(&self, statement: &Value, variables: bool) -> Option<bool> {
        let (action, resource) = (self.request("action").to_lowercase(), self.request("resource"));
        let acts = |names: &Value| {
            each(names)
                .into_iter()
                .any(|name| like(&chars(&text(name).to_lowercase()), &action.chars().collect::<Vec<_>>()))
        };
        let covers = |names: &Value| each(names).into_iter().any(|name| self.covers(&text(name), &resource, variables));
        let torn = |names: &Value| {
            self.reads(Reading::ValuelessUnderNotResource)
                && each(names).into_iter().map(text).any(|name| {
                    self.filled(&name, variables).is_none() && !self.is_cut_apart(&name) && same_parts(&name, &resource)
                })
        };
        let action =
            if statement["Action"].is_null() { !acts(&statement["NotAction"]) } else { acts(&statement["Action"]) };
        let resource = match (&statement["Resource"], &statement["NotResource"]) {
            (Value::Null, Value::Null) => true,
            (Value::Null, but) => !covers(but) && !torn(but),
            (these, _) => covers(these),
        };
        let mut all = vec![Some(action && resource)];
        for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
            for (key, values) in keys.as_object().unwrap() {
                all.push(self.meets(operator, key, &each(values).into_iter().map(text).collect::<Vec<_>>(), variables));
            }
        }
        if all.contains(&Some(false)) { Some(false) } else { all.into_iter().collect::<Option<Vec<_>>>().map(|_| true) }
    }

    /// Whether a resource's pattern covers the resource.
    fn covers(&self, name: &str, resource: &str, variables: bool) -> bool {
        let Some(pattern) = self.filled(name, variables).filter(|_| !self.is_cut_apart(name)) else { return false };
        let within = !self.reads(Reading::StarWithinItsPart) || name == "*" || by_parts(&pattern, resource);
        within && is_of(&pattern, resource)
    }

    fn is_cut_apart(&self, name: &str) -> bool {
        let last = name.splitn(6, ':').last().unwrap_or_default();
        let first = last.find(['/', ':']).map_or("", |end| &last[..end]);
        self.reads(Reading::VariableCutApart) && !name.contains(":s3:::") && first.contains("${")
    }

    /// The values of a key; nothing where it is not there.
    fn values(&self, key: &str) -> Option<Vec<String>> {
        let context = self.case["request"]["context"].as_object().unwrap();
        let (_, values) = context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
        let values: Vec<String> = each(values).into_iter().map(text).collect();
        (!values.is_empty() || self.reads(Reading::EmptyListIsThere)).then_some(values)
    }

    /// The pattern that a text is once its variables have values: letters, and whether each may be a wildcard.
    fn filled(&self, text: &str, variables: bool) -> Option<Vec<(char, bool)>> {
        let mut rest = text.to_owned();
        let mut pattern = Vec::new();
        while let Some(at) = rest.find("${").filter(|_| variables) {
            pattern.extend(chars(&rest[..at]));
            let end = at + rest[at..].find('}').unwrap();
            let inside = rest[at + 2..end].to_owned();
            rest = rest[end + 1..].to_owned();
            let (key, default) =
                inside.split_once(", ").map_or((inside.as_str(), None), |(k, d)| (k, Some(d.trim_matches('\''))));
            let value = match key {
                "*" => "*".to_owned(),
                key => self.values(key).and_then(|values| values.first().cloned()).or(default.map(str::to_owned))?,
            };
            pattern.extend(value.chars().map(|char| (char, false)));
        }
        pattern.extend(chars(&rest));
        Some(pattern)
    }

    fn meets(&self, operator: &str, key: &str, wanted: &[String], variables: bool) -> Option<bool> {
        let found = self.values(key);
        if operator == "Null" {
            return Some(wanted.iter().any(|wanted| (wanted == "true") == found.is_none()));
        }
        let (set, name) = operator.split_once(':').map_or((None, operator), |(set, name)| (Some(set), name));
        let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
        let negated = name.contains("Not");
        let name = name.replacen("Not", "", 1);
        if !KNOWN.contains(&name.as_str()) {
            return None;
        }
        let Some(found) = found else {
            let if_exists = if_exists && (set != Some("ForAnyValue") || !self.reads(Reading::ForAnyValueIfExists));
            return Some(if_exists || set == Some("ForAllValues") || set.is_none() && negated);
        };
        // Whether one value of the request meets it; values of the policy that say nothing don't hide one that does.
        let one = |found: &String| {
            if negated && wanted.iter().any(|wanted| self.fails(&name, found, wanted, variables)) {
                return Some(false);
            }
            let each: Vec<Option<bool>> =
                wanted.iter().map(|wanted| self.compares(&name, found, wanted, variables)).collect();
            let any = if each.contains(&Some(true)) {
                Some(true)
            } else if each.contains(&None) {
                None
            } else {
                Some(false)
            };
            any.map(|any| any != negated)
        };
        let all: Vec<Option<bool>> = found.iter().map(one).collect();
        match set {
            Some("ForAllValues") => Some(all.iter().all(|met| met.unwrap())),
            Some(_) => Some(all.iter().any(|met| met.unwrap())),
            None if found.len() == 1 => all[0],
            None if negated && all.iter().all(|met| *met == Some(true)) => Some(true),
            None if !negated && all.iter().all(|met| *met == Some(false)) => Some(false),
            None => None,
        }
    }

    /// Whether a value makes its negated operator fail, under another reading.
    fn fails(&self, name: &str, found: &str, wanted: &str, variables: bool) -> bool {
        if name == "IpAddress" {
            let other_family = found.contains(':') != wanted.contains(':');
            return other_family && !wanted.contains('/') && self.reads(Reading::AddressOfOtherFamily);
        }
        let reached = !name.starts_with("Arn") || same_parts(wanted, found);
        self.reads(Reading::ValuelessUnderNegation) && reached && self.filled(wanted, variables).is_none()
    }

    fn compares(&self, name: &str, found: &str, wanted: &str, variables: bool) -> Option<bool> {
        let equal =
            |fold: fn(&str) -> String| {
                // Nothing that is generated has a sign in it.
                let written = self.reads(Reading::SignUnderEquals) && wanted.contains("${*}");
                let wanted = self.filled(wanted, variables).filter(|_| !written);
                Some(wanted.is_some_and(|wanted| {
                    fold(&wanted.iter().map(|(char, _)| *char).collect::<String>()) == fold(found)
                }))
            };
        match name {
            "StringEquals" => equal(str::to_owned),
            "StringEqualsIgnoreCase" => equal(str::to_lowercase),
            "StringLike" => {
                let wanted = self.filled(wanted, variables);
                Some(wanted.is_some_and(|wanted| like(&wanted, &found.chars().collect::<Vec<_>>())))
            }
            "ArnEquals" | "ArnLike" if self.reads(Reading::ArnAsOneText) => {
                self.compares("StringLike", found, wanted, variables)
            }
            "ArnEquals" | "ArnLike" => {
                let found: Vec<&str> = found.splitn(6, ':').collect();
                let wanted = self.filled(wanted, variables);
                Some(wanted.is_some_and(|wanted| {
                    let parts: Vec<Vec<(char, bool)>> =
                        wanted.splitn(6, |(char, _)| *char == ':').map(<[(char, bool)]>::to_vec).collect();
                    parts.len() == found.len()
                        && parts.iter().zip(found).all(|(part, found)| like(part, &found.chars().collect::<Vec<_>>()))
                }))
            }
            "Bool" => (["true", "false"].contains(&wanted)).then_some(found == wanted),
            "IpAddress" if wanted.ends_with("/0") && self.reads(Reading::SlashZero) => {
                Some(is_in(found, &wanted.replace("/0", "/32")))
            }
            "IpAddress" => Some(is_in(found, wanted)),
            numbers if numbers.starts_with("Numeric") => {
                let (found, wanted): (f64, f64) = (found.parse().ok()?, wanted.parse().ok()?);
                Some(stands(&numbers["Numeric".len()..], found, wanted))
            }
            dates => Some(stands(&dates["Date".len()..], seconds(found), seconds(wanted))),
        }
    }
}

/// What is left of operators without `Not`.
const KNOWN: [&str; 17] = [
    "StringEquals",
    "StringEqualsIgnoreCase",
    "StringLike",
    "ArnEquals",
    "ArnLike",
    "Bool",
    "IpAddress",
    "NumericEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
];

/// Whether a statement has an element that the grammar has not.
fn is_odd(document: &Value) -> bool {
    each(&document["Statement"]).into_iter().any(|statement| !statement["Foo"].is_null())
}

fn chars(text: &str) -> Vec<(char, bool)> {
    text.chars().map(|char| (char, true)).collect()
}

fn like(pattern: &[(char, bool)], text: &[char]) -> bool {
    match (pattern, text) {
        ([], _) => text.is_empty(),
        ([('*', true), rest @ ..], _) => (0..=text.len()).any(|taken| like(rest, &text[taken..])),
        ([('?', true), rest @ ..], [_, more @ ..]) => like(rest, more),
        ([(char, _), rest @ ..], [found, more @ ..]) => char == found && like(rest, more),
        (_, []) => false,
    }
}

/// Whether an ARN's first five parts, which have no variables, are like those of another.
fn same_parts(pattern: &str, arn: &str) -> bool {
    let parts = |text: &str| text.splitn(6, ':').take(5).map(chars).collect::<Vec<_>>();
    let plain = |part: &[(char, bool)]| part.iter().map(|(char, _)| *char).collect::<Vec<_>>();
    parts(pattern).iter().zip(parts(arn)).all(|(pattern, part)| like(pattern, &plain(&part)))
}

/// Whether a pattern of six parts matches part by part.
fn by_parts(pattern: &[(char, bool)], arn: &str) -> bool {
    let pattern = pattern.splitn(6, |(char, _)| *char == ':');
    let parts = arn.splitn(6, ':').map(|part| part.chars().collect::<Vec<_>>());
    pattern.zip(parts).all(|(pattern, part)| like(pattern, &part))
}

/// Whether a resource's pattern matches: part by part, but that a `*` which ends its part may take colons, too. Among the
/// generated ones none within a part would match by doing so.
fn is_of(pattern: &[(char, bool)], resource: &str) -> bool {
    like(pattern, &resource.chars().collect::<Vec<_>>())
}

fn stands(order: &str, found: f64, wanted: f64) -> bool {
    match order {
        "LessThan" => found < wanted,
        "LessThanEquals" => found <= wanted,
        "GreaterThan" => found > wanted,
        "GreaterThanEquals" => found >= wanted,
        _ => (found - wanted).abs() < 1e-9,
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds of this century are exact")]
fn seconds(date: &str) -> f64 {
    date.parse::<jiff::Timestamp>().unwrap().as_second() as f64
}

fn is_in(found: &str, block: &str) -> bool {
    let (network, length) = block.split_once('/').map_or((block, None), |(network, length)| (network, Some(length)));
    let bits = |address: &str| match address.parse::<IpAddr>().unwrap() {
        IpAddr::V4(address) => address.octets().iter().map(|byte| format!("{byte:08b}")).collect::<String>(),
        IpAddr::V6(address) => address.octets().iter().map(|byte| format!("{byte:08b}")).collect::<String>(),
    };
    let (found, network) = (bits(found), bits(network));
    let length = length.map_or(network.len(), |length| length.parse().unwrap());
    found.len() == network.len() && found[..length] == network[..length]
}
