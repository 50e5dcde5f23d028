//! A stand-in for the EKS API: a cluster and its access entries as they are on the wire (restJson1), with its pages and its
//! refusals.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::api::{Answer, Api, Asked};

/// The stand-in; it ends with the process.
pub(crate) struct Eks {
    /// Its address, for `AWS_ENDPOINT_URL_EKS`.
    pub(crate) address: String,
    calls: Arc<Mutex<Vec<String>>>,
}

/// What is there, and how it answers.
pub(crate) struct There {
    /// The cluster's API server, by its address.
    pub(crate) endpoint: String,
    /// The authority of the cluster: PEM in Base64.
    pub(crate) authority: String,
    pub(crate) mode: &'static str,
    pub(crate) entries: Vec<Entry>,
    /// So many items are on one page, whatever is asked for.
    pub(crate) page: usize,
    /// What is answered instead, to a path: a status, a code and a message.
    pub(crate) refusal: fn(&str) -> Option<(u16, &'static str, &'static str)>,
}

/// An access entry.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) principal: String,
    pub(crate) kind: &'static str,
    pub(crate) username: String,
    pub(crate) groups: Vec<String>,
    /// Each a policy's name and the namespaces where it holds; `None` for the whole cluster.
    pub(crate) policies: Vec<(&'static str, Option<Vec<String>>)>,
}

pub(crate) const NAME: &str = "shared";
const ARN: &str = "arn:aws:eks:eu-central-1:111122223333:cluster/shared";

impl There {
    /// A cluster at this address, with these entries.
    pub(crate) fn at(endpoint: &str, entries: Vec<Entry>) -> Self {
        let (endpoint, authority) = (endpoint.to_owned(), String::new());
        Self { endpoint, authority, mode: "API", entries, page: 2, refusal: |_| None }
    }
}

impl Entry {
    /// A role's, with the name that EKS gives it.
    pub(crate) fn role(name: &str) -> Self {
        let last = name.rsplit('/').next().unwrap();
        Self {
            principal: arn(name),
            kind: "STANDARD",
            username: format!("arn:aws:sts::111122223333:assumed-role/{last}/{{{{SessionName}}}}"),
            groups: Vec::new(),
            policies: Vec::new(),
        }
    }

    pub(crate) fn in_groups(mut self, groups: &[&str]) -> Self {
        self.groups = groups.iter().map(|group| (*group).to_owned()).collect();
        self
    }

    /// With a policy for these namespaces; none for the whole cluster.
    pub(crate) fn with(mut self, policy: &'static str, namespaces: &[&str]) -> Self {
        let names: Vec<String> = namespaces.iter().map(|name| (*name).to_owned()).collect();
        self.policies.push((policy, (!names.is_empty()).then_some(names)));
        self
    }
}

/// The ARN of a role.
pub(crate) fn arn(name: &str) -> String {
    format!("arn:aws:iam::111122223333:role/{name}")
}

impl Eks {
    pub(crate) fn start(there: There) -> Self {
        let calls: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&calls);
        let api = Api::serving(move |asked| {
            noted.lock().unwrap().push(format!("{} {}", asked.method, asked.target));
            Some(answer(&there, asked))
        });
        Self { address: api.address, calls }
    }

    /// Method, path and query of all calls so far.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

fn refused(status: u16, code: &str, message: &str) -> Answer {
    let headers = format!("x-amzn-requestid: 3f0e1d2c-0000-4000-8000-000000000002\r\nx-amzn-errortype: {code}\r\n");
    Answer { status, headers, body: json!({"message": message}).to_string() }
}

fn answer(there: &There, asked: &Asked<'_>) -> Answer {
    let signed = asked.head.lines().any(|line| {
        let line = line.to_ascii_lowercase();
        line.starts_with("authorization: aws4-hmac-sha256 credential=") && line.contains("/eks/aws4_request")
    });
    if !signed {
        return refused(403, "MissingAuthenticationTokenException", "Missing Authentication Token");
    }
    let parts: Vec<String> = asked.path.trim_start_matches('/').split('/').map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    if let Some((status, code, message)) = (there.refusal)(&parts.join(" ")) {
        return refused(status, code, message);
    }
    let entry = |principal: &str| there.entries.iter().find(|entry| entry.principal == principal);
    let gone = || refused(404, "ResourceNotFoundException", "The specified principalArn could not be found.");
    match (asked.method, parts.as_slice()) {
        ("GET", ["clusters", name, ..]) if *name != NAME => {
            refused(404, "ResourceNotFoundException", &format!("No cluster found for name: {name}."))
        }
        ("GET", ["clusters", _]) => (200, cluster(there)).into(),
        ("GET", ["clusters", _, "access-entries"]) if there.mode == "CONFIG_MAP" => refused(
            400,
            "InvalidRequestException",
            "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.",
        ),
        ("GET", ["clusters", _, "access-entries"]) => {
            let all: Vec<Value> = there.entries.iter().map(|entry| json!(entry.principal)).collect();
            page(asked, "accessEntries", &all, there.page)
        }
        ("GET", ["clusters", _, "access-entries", principal]) => match entry(principal) {
            Some(entry) => {
                let described = json!({
                    "clusterName": NAME, "principalArn": entry.principal, "kubernetesGroups": entry.groups,
                    "accessEntryArn": format!("arn:aws:eks:eu-central-1:111122223333:access-entry/{NAME}/x"),
                    "createdAt": 1_764_000_000.5, "modifiedAt": 1_764_000_000.5, "tags": {}, "username": entry.username,
                    "type": entry.kind,
                });
                (200, json!({"accessEntry": described}).to_string()).into()
            }
            None => gone(),
        },
        ("GET", ["clusters", _, "access-entries", principal, "access-policies"]) => match entry(principal) {
            Some(entry) => {
                let all: Vec<Value> = entry.policies.iter().map(policy).collect();
                page(asked, "associatedAccessPolicies", &all, there.page)
            }
            None => gone(),
        },
        _ => refused(404, "UnknownOperationException", ""),
    }
}

fn cluster(there: &There) -> String {
    let cluster = json!({
        "name": NAME, "arn": ARN, "createdAt": 1_764_000_000.5, "version": "1.34", "endpoint": there.endpoint,
        "certificateAuthority": {"data": there.authority}, "status": "ACTIVE", "platformVersion": "eks.9",
        "accessConfig": {"authenticationMode": there.mode},
    });
    json!({"cluster": cluster}).to_string()
}

fn policy((name, namespaces): &(&'static str, Option<Vec<String>>)) -> Value {
    let scope = match namespaces {
        None => json!({"type": "cluster", "namespaces": []}),
        Some(names) => json!({"type": "namespace", "namespaces": names}),
    };
    let arn = format!("arn:aws:eks::aws:cluster-access-policy/{name}");
    json!({"policyArn": arn, "accessScope": scope, "associatedAt": 1_764_000_000.5, "modifiedAt": 1_764_000_000.5})
}

fn page(asked: &Asked<'_>, key: &str, all: &[Value], size: usize) -> Answer {
    let query = asked.target.split_once('?').map_or("", |(_, query)| query);
    let token = query.split('&').find_map(|pair| pair.strip_prefix("nextToken="));
    let from: usize = match token.map(|token| token.strip_prefix("token-").and_then(|place| place.parse().ok())) {
        None => 0,
        Some(Some(place)) => place,
        Some(None) => return refused(400, "InvalidParameterException", "The specified nextToken is invalid."),
    };
    let until = (from + size).min(all.len());
    let mut body = json!({key: all[from.min(until)..until]});
    if until < all.len() {
        body["nextToken"] = json!(format!("token-{until}"));
    }
    (200, body.to_string()).into()
}

/// A part of a path without its percent signs.
fn decoded(part: &str) -> String {
    let mut text = String::new();
    let mut rest = part;
    while let Some((before, after)) = rest.split_once('%') {
        let byte = u8::from_str_radix(&after[..2], 16).unwrap();
        let _ = write!(text, "{before}{}", char::from(byte));
        rest = &after[2..];
    }
    text + rest
}
