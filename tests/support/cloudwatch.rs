//! A stand-in for CloudWatch Logs: `FilterLogEvents` as it is on the wire (`awsJson1_1`, `Logs_20140328.FilterLogEvents`), with
//! its pages that may be empty, its streams, its clocks and its refusals.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::api::{Answer, Api, Asked};

/// The stand-in; it ends with the process.
pub(crate) struct CloudWatch {
    /// Its address, for `AWS_ENDPOINT_URL_CLOUDWATCH_LOGS`.
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    groups: BTreeMap<String, Vec<Stored>>,
    calls: Vec<Value>,
    /// Calls that were answered.
    served: usize,
    habits: Habits,
}

/// How it answers.
#[derive(Clone)]
pub(crate) struct Habits {
    /// So many events are gone through for one page, whether they match or not.
    pub(crate) page: usize,
    /// Whether every page gives again the last event of the page before.
    pub(crate) repeats: bool,
    /// How far its clock is from this machine's, in milliseconds.
    pub(crate) skew: i64,
    /// How long an event needs until it is seen.
    pub(crate) lag: Duration,
    /// What is answered instead: to a call with this number, from 0.
    pub(crate) refusal: fn(usize) -> Option<(u16, &'static str, &'static str)>,
}

impl Default for Habits {
    fn default() -> Self {
        Self { page: 100, repeats: false, skew: 0, lag: Duration::ZERO, refusal: |_| None }
    }
}

struct Stored {
    id: String,
    stream: String,
    timestamp: i64,
    message: String,
    seen_from: Instant,
}

impl CloudWatch {
    /// With these log groups, which are empty.
    pub(crate) fn start(groups: &[&str], habits: Habits) -> Self {
        let groups = groups.iter().map(|group| ((*group).to_owned(), Vec::new())).collect();
        let state = Arc::new(Mutex::new(State { groups, habits, ..State::default() }));
        let shared = Arc::clone(&state);
        let api = Api::serving(move |asked| Some(answer(&mut shared.lock().unwrap(), asked)));
        Self { address: api.address, state }
    }

    /// What puts events into a group by a stream.
    pub(crate) fn writer(&self, group: &str) -> impl Fn(&str, String) + Send + Sync + 'static {
        let (state, group) = (Arc::clone(&self.state), group.to_owned());
        move |stream, message| {
            let mut state = state.lock().unwrap();
            let Habits { skew, lag, .. } = state.habits;
            let events = state.groups.get_mut(&group).unwrap();
            events.push(Stored {
                id: format!("{:056}", events.len()),
                stream: stream.to_owned(),
                timestamp: now() + skew,
                message,
                seen_from: Instant::now() + lag,
            });
        }
    }

    /// The bodies of all calls so far.
    pub(crate) fn calls(&self) -> Vec<Value> {
        self.state.lock().unwrap().calls.clone()
    }
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn refused(status: u16, code: &str, message: &str) -> Answer {
    let body = json!({"__type": code, "message": message}).to_string();
    Answer { status, headers: "x-amzn-requestid: 3f0e1d2c-0000-4000-8000-000000000001\r\n".to_owned(), body }
}

fn header<'a>(asked: &'a Asked<'_>, name: &str) -> &'a str {
    let found = asked.head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    });
    found.unwrap_or_default()
}

fn answer(state: &mut State, asked: &Asked<'_>) -> Answer {
    if (asked.method, header(asked, "x-amz-target")) != ("POST", "Logs_20140328.FilterLogEvents") {
        return refused(400, "UnknownOperationException", "");
    }
    if header(asked, "content-type") != "application/x-amz-json-1.1" {
        return refused(400, "SerializationException", "");
    }
    let signed = header(asked, "authorization");
    if !signed.starts_with("AWS4-HMAC-SHA256 Credential=") || !signed.contains("/logs/aws4_request") {
        return refused(403, "MissingAuthenticationTokenException", "Missing Authentication Token");
    }
    let Ok(call) = serde_json::from_slice::<Value>(asked.body) else {
        return refused(400, "SerializationException", "");
    };
    state.calls.push(call.clone());
    let number = state.served;
    state.served += 1;
    if let Some((status, code, message)) = (state.habits.refusal)(number) {
        return refused(status, code, message);
    }
    filter(state, &call)
}

/// What a pattern asks for: an expression between `%`, of what such an expression may have, without operators.
fn literal(pattern: &str) -> Option<&str> {
    let inner = pattern.strip_prefix('%')?.strip_suffix('%')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":_#=@/;,-".contains(&byte);
    inner.bytes().all(plain).then_some(inner)
}

fn filter(state: &State, call: &Value) -> Answer {
    let text = |key: &str| call[key].as_str().unwrap_or_default();
    let Some(events) = state.groups.get(text("logGroupName")) else {
        return refused(400, "ResourceNotFoundException", "The specified log group does not exist.");
    };
    let Some(wanted) = literal(text("filterPattern")) else {
        return refused(400, "InvalidParameterException", "Invalid filter pattern");
    };
    let limit = usize::try_from(call["limit"].as_u64().unwrap_or(10_000)).unwrap();
    let Habits { page, repeats, .. } = state.habits;
    let since = call["startTime"].as_i64().unwrap_or_default();
    let from: usize = match call["nextToken"].as_str() {
        None => 0,
        Some(token) => match token.strip_prefix("token-").and_then(|place| place.parse().ok()) {
            Some(place) => place,
            None => return refused(400, "InvalidParameterException", "The specified nextToken is invalid."),
        },
    };
    let there: Vec<&Stored> = events
        .iter()
        .filter(|event| event.timestamp >= since && event.stream.starts_with(text("logStreamNamePrefix")))
        .filter(|event| event.seen_from <= Instant::now())
        .collect();
    let until = (from + page).min(there.len());
    let begin = if repeats { from.saturating_sub(1) } else { from };
    let matching = there[begin.min(until)..until].iter().filter(|event| event.message.contains(wanted)).take(limit);
    let given: Vec<Value> = matching
        .map(|event| {
            json!({
                "eventId": event.id, "logStreamName": event.stream, "timestamp": event.timestamp,
                "ingestionTime": event.timestamp + 900, "message": event.message,
            })
        })
        .collect();
    let mut body = json!({"events": given, "searchedLogStreams": []});
    if until < there.len() {
        body["nextToken"] = json!(format!("token-{until}"));
    }
    (200, body.to_string()).into()
}
