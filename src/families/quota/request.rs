//! Which requests tell of a limit, and how they are told of. Pure.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, Service};
use serde_json::Value;

use super::seen::{Answer, Fault, RefusedSeen, RushSeen, ShareSeen};
use super::shape::{Frame, Object, Sort, balancer, claim, config_map, service};
use crate::model::Quantity;
use crate::semantics::quota::{
    Amounts, Bound, LimitType, Limits, Scopes, counted_name, of_claim, of_pod, of_service, step, usual_name,
};

const ONE: Quantity = Quantity::of_milli(1000);

/// The smallest object that takes of a resource, or why none is asked for.
pub(super) fn smallest(sort: &Sort, frame: &Frame<'_>) -> Result<(Object, Value), String> {
    match sort {
        Sort::Request(name) if frame.base(&[]).get(name).is_none() => {
            Ok((Object::Pod, frame.requesting(name, step(name))?))
        }
        Sort::Limit(name) if frame.base(&[]).get(name).is_none() => {
            Ok((Object::Pod, frame.limited_to(name, step(name))?))
        }
        Sort::Request(_) | Sort::Limit(_) | Sort::Count(Object::Pod) => Ok((Object::Pod, frame.smallest()?)),
        Sort::NodePorts => Ok((Object::Service, service(ONE)?)),
        Sort::Balancer => Ok((Object::Service, balancer())),
        Sort::Count(Object::Service) => Ok((Object::Service, service(Quantity::default())?)),
        Sort::Storage | Sort::Count(Object::Claim) => Ok((Object::Claim, claim(frame.limits, None))),
        Sort::Count(Object::ConfigMap) => Ok((Object::ConfigMap, config_map())),
        Sort::Untried(why) => Err((*why).to_owned()),
    }
}

/// An object that takes nothing of a resource: what is compared where the limit is none at all.
pub(super) fn beside(sort: &Sort, frame: &Frame<'_>) -> Result<(Object, Value), String> {
    match sort {
        Sort::NodePorts | Sort::Balancer | Sort::Count(Object::ConfigMap) => {
            Ok((Object::Service, service(Quantity::default())?))
        }
        Sort::Request(name) | Sort::Limit(name) if frame.base(&[]).get(name).is_none() => {
            Ok((Object::Pod, frame.smallest()?))
        }
        _ => Ok((Object::ConfigMap, config_map())),
    }
}

/// One object that takes exactly so much of a resource, or why there is none.
pub(super) fn sized_at(sort: &Sort, frame: &Frame<'_>, total: Quantity) -> Result<Value, String> {
    match sort {
        Sort::Request(name) => frame.requesting(name, total),
        Sort::Limit(name) => frame.limited_to(name, total),
        Sort::NodePorts => service(total),
        Sort::Storage => {
            let most = frame.limits.tightest(LimitType::PersistentVolumeClaim, Bound::Max, "storage");
            match most {
                Some((most, range)) if total > most => {
                    Err(format!("one claim may be no larger than {most} by LimitRange {range}"))
                }
                _ => Ok(claim(frame.limits, Some(total))),
            }
        }
        Sort::Count(_) => Err("one request asks for one object".to_owned()),
        Sort::Balancer => {
            Err("one request asks for one load balancer, and none is made, since it costs money".to_owned())
        }
        Sort::Untried(why) => Err((*why).to_owned()),
    }
}

/// A request just beyond a bound, and its twin just within.
pub(super) fn around(
    share: &ShareSeen,
    image: &str,
    of: LimitType,
    bound: Bound,
    resource: &str,
    allowed: Quantity,
) -> Result<(Object, Value, Value), String> {
    let everything = Scopes::default();
    let frame = Frame { image, limits: &share.limits, scopes: &everything };
    let unit = step(resource).milli();
    let by = |steps: i128| Quantity::of_milli((allowed.milli() + steps * unit).max(0));
    let least = frame.least(resource);
    // Where a quota has less room than the bound, the twin takes what there is.
    let within = room_of(share, resource).map_or(allowed, |room| room.min(allowed)).max(least.min(allowed));
    // So many times the least, rounded down, and some steps more.
    let times = |more: i128| {
        let whole = (least.milli() * allowed.milli() / 1000).div_euclid(unit) * unit;
        Quantity::of_milli(whole + more * unit)
    };
    match (of, bound) {
        (LimitType::PersistentVolumeClaim, bound) => {
            let past = by(if bound == Bound::Min { -1 } else { 1 });
            Ok((Object::Claim, claim(&share.limits, Some(past)), claim(&share.limits, Some(allowed))))
        }
        (LimitType::Container, Bound::Max) => {
            let past = frame.container_of(resource, by(1), by(1))?;
            Ok((Object::Pod, past, frame.container_of(resource, within, within)?))
        }
        (LimitType::Pod, Bound::Max) => {
            // As many containers as it takes, none of which is too large: only their sum is too much.
            let each = share.limits.0.iter().filter(|item| item.kind != LimitType::Pod).cloned().collect();
            let each = Limits(each);
            let frame = Frame { image, limits: &each, scopes: &everything };
            Ok((Object::Pod, frame.requesting(resource, by(1))?, frame.requesting(resource, within)?))
        }
        (_, Bound::Min) => {
            let past = frame.container_of(resource, by(-1), by(-1))?;
            Ok((Object::Pod, past, frame.container_of(resource, allowed, allowed)?))
        }
        (_, Bound::Ratio) => {
            let past = frame.container_of(resource, least, times(1))?;
            Ok((Object::Pod, past, frame.container_of(resource, least, times(0))?))
        }
    }
}

/// What the quotas leave of a resource of containers, by request and by limit, whichever is less.
fn room_of(share: &ShareSeen, resource: &str) -> Option<Quantity> {
    let names = [format!("requests.{resource}"), format!("limits.{resource}")];
    let rooms = share.holdings.iter().filter(|holding| holding.scopes.is_empty()).flat_map(|holding| {
        let held = holding.enforced.iter().filter(|(name, _)| names.contains(&usual_name(name)));
        held.filter_map(|(name, _)| holding.room(name)).collect::<Vec<_>>()
    });
    rooms.min()
}

/// What an object takes of the quotas of its namespace once it has its defaults.
fn usage(share: &ShareSeen, object: Object, body: &Value) -> Amounts {
    let read = body.clone();
    match object {
        Object::Pod => serde_json::from_value::<Pod>(read).map(|pod| of_pod(&share.limits.defaulted(&pod))),
        Object::Service => serde_json::from_value::<Service>(read).map(|service| of_service(&service)),
        Object::Claim => serde_json::from_value::<PersistentVolumeClaim>(read).map(|claim| of_claim(&claim)),
        Object::ConfigMap => {
            Ok([(counted_name("configmaps", ""), ONE), ("configmaps".to_owned(), ONE)].into_iter().collect())
        }
    }
    .unwrap_or_default()
}

/// The quota that has room for fewer than so many of these objects, if one has: its name, the resource, and how many.
pub(super) fn fuller(share: &ShareSeen, object: Object, body: &Value, count: u32) -> Option<(String, String, i128)> {
    let usage = usage(share, object, body);
    let pod: Option<Pod> = (object == Object::Pod).then(|| serde_json::from_value(body.clone()).ok()).flatten();
    let pod = pod.map(|pod| share.limits.defaulted(&pod));
    let counting = share.holdings.iter().filter(|holding| match &pod {
        Some(pod) => holding.scopes.count(pod),
        None => holding.scopes.is_empty(),
    });
    let rooms = counting.flat_map(|holding| {
        let each = usage.iter().filter(|(_, each)| each.milli() > 0).filter_map(|(name, each)| {
            let room = holding.room(name)?.milli().max(0) / each.milli();
            Some((holding.name.clone(), name.to_owned(), room))
        });
        each.collect::<Vec<_>>()
    });
    rooms.min_by_key(|(_, _, room)| *room).filter(|(_, _, room)| *room < i128::from(count))
}

/// What is used of each quota.
pub(super) fn used(share: &ShareSeen) -> Vec<(&str, &Amounts)> {
    share.holdings.iter().map(|holding| (holding.name.as_str(), &holding.used)).collect()
}

/// What somebody changed of the quotas and limits between two looks; what is used does not matter.
pub(super) fn changed(before: &ShareSeen, after: &ShareSeen) -> Option<Fault> {
    let quotas = |share: &ShareSeen| -> Vec<_> {
        share.holdings.iter().map(|one| (one.name.clone(), one.hard.clone(), one.scopes.clone())).collect()
    };
    if quotas(before) != quotas(after) {
        return Some(Fault::Changed("its ResourceQuotas".to_owned()));
    }
    (before.limits != after.limits).then(|| Fault::Changed("its LimitRanges".to_owned()))
}

/// The name of an object.
pub(super) fn name_of(body: &Value) -> String {
    body.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What an object asks for, in a few words.
pub(super) fn asked(body: &Value) -> String {
    let kind = body.get("kind").and_then(Value::as_str).unwrap_or_default();
    let amounts = |value: Option<&Value>| -> Amounts {
        value.and_then(|value| serde_json::from_value(value.clone()).ok()).unwrap_or_default()
    };
    let in_words = |amounts: &Amounts| -> String {
        amounts.iter().map(|(name, amount)| format!("{amount} {name}")).collect::<Vec<_>>().join(", ")
    };
    match kind {
        "Pod" => {
            let containers = body.pointer("/spec/containers").and_then(Value::as_array);
            let (mut requests, mut limits, mut count) = (Amounts::default(), Amounts::default(), 0);
            for container in containers.into_iter().flatten() {
                requests.add(&amounts(container.pointer("/resources/requests")));
                limits.add(&amounts(container.pointer("/resources/limits")));
                count += 1;
            }
            let plural = if count == 1 { "container" } else { "containers" };
            if limits.is_empty() && requests.is_empty() {
                return format!("a pod of {count} {plural} that asks for nothing");
            }
            format!(
                "a pod of {count} {plural} that requests {} and is limited to {}",
                in_words(&requests),
                in_words(&limits)
            )
        }
        "Service" => {
            let ports = body.pointer("/spec/ports").and_then(Value::as_array).map_or(0, Vec::len);
            match body.pointer("/spec/type").and_then(Value::as_str) {
                Some("LoadBalancer") => "a Service with a load balancer".to_owned(),
                Some(_) => format!("a Service with {ports} node ports"),
                None => "a Service".to_owned(),
            }
        }
        "PersistentVolumeClaim" => {
            let size = body.pointer("/spec/resources/requests/storage").and_then(Value::as_str);
            format!("a claim of {}", size.unwrap_or_default())
        }
        other => format!("a {other}"),
    }
}

impl RushSeen {
    /// Counts what became of one of the creates; whether an object may have come of it.
    pub(super) fn count(&mut self, answer: Answer) -> bool {
        match answer {
            Answer::Accepted => self.accepted += 1,
            Answer::Silent { .. } => self.silent += 1,
            Answer::Refused { code, message } => {
                let message =
                    message.split_once(" is forbidden: ").map_or(message.as_str(), |(_, said)| said).to_owned();
                match self.refused.iter_mut().find(|one| one.code == code && one.message == message) {
                    Some(one) => one.times += 1,
                    None => self.refused.push(RefusedSeen { code, message, times: 1 }),
                }
                return false;
            }
        }
        true
    }
}
