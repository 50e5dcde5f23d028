//! Doing what must be on record, in the run's name or another's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use jiff::Timestamp;
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use kube::Client;

use crate::cluster::access::{self, Ruling};
use crate::cluster::attempt::{Attempt, Method, Name, attempt};
use crate::families::audit::deed::{Deed, mark};
use crate::families::audit::plan::{Site, SiteName};
use crate::families::audit::seen::{AnswerSeen, DeedSeen, NameSeen};
use crate::model::{Namespace, RunId};
use crate::semantics::audit::Stage;

/// The user in whose name a member of a group acts: the group is what matters.
const MEMBER: &str = "tenantproof-member";

/// Does things in the run's name or another's.
pub(super) struct Doer<'a> {
    pub(super) client: &'a Client,
    pub(super) run: &'a RunId,
    image: String,
    next: AtomicUsize,
}

/// Something that was done, and when its answer came.
pub(super) struct Done {
    key: String,
    pub(super) path: String,
    pub(super) answered: Instant,
    pub(super) seen: DeedSeen,
}

impl Done {
    /// Whether the log has what came of it: an event of an earlier stage may come first.
    pub(super) fn is_told(&self) -> bool {
        self.seen.events.iter().any(|event| matches!(event.stage, Stage::ResponseComplete | Stage::Panic))
    }
}

impl<'a> Doer<'a> {
    pub(super) fn new(client: &'a Client, run: &'a RunId, image: &str) -> Self {
        Self { client, run, image: image.to_owned(), next: AtomicUsize::new(0) }
    }

    /// Does everything in one namespace: in the tenant's name where the runner may take it, and where that is
    /// refused what matters for its own sake in the runner's.
    pub(super) async fn visit(&self, site: &Site) -> Vec<Done> {
        let name = self.name_of(site).await;
        let mut all = Vec::new();
        for deed in &site.deeds {
            let target = if *deed == Deed::Foreign {
                let Some(elsewhere) = &site.elsewhere else { continue };
                elsewhere
            } else {
                &site.namespace
            };
            let mut served = false;
            if let Some(name) = &name {
                let done = self.perform(*deed, &site.namespace, target, Some(name)).await;
                served = !done.seen.answer.unauthorized() || !deed.sends() || !deed.may_be_the_runners();
                all.push(done);
            }
            if !served && deed.may_be_the_runners() {
                all.push(self.perform(*deed, &site.namespace, target, None).await);
            }
        }
        all
    }

    /// The tenant's name, where the runner may take it.
    async fn name_of(&self, site: &Site) -> Option<NameSeen> {
        let namespace = &site.namespace;
        let (who, user, group) = match &site.name {
            SiteName::User(user) => (format!("user {user}"), user.clone(), None),
            SiteName::Group(group) => (format!("a member of group {group}"), MEMBER.to_owned(), Some(group.clone())),
            SiteName::Default => {
                let user = format!("system:serviceaccount:{namespace}:default");
                (format!("service account {namespace}/default"), user, None)
            }
        };
        let ask = |resource: &str, namespace: Option<String>, name: &str| ResourceAttributes {
            verb: Some("impersonate".to_owned()),
            resource: Some(resource.to_owned()),
            namespace,
            name: Some(name.to_owned()),
            ..ResourceAttributes::default()
        };
        let mut rights = match &site.name {
            SiteName::Default => vec![ask("serviceaccounts", Some(namespace.to_string()), "default")],
            _ => vec![ask("users", None, &user)],
        };
        rights.extend(group.as_deref().map(|group| ask("groups", None, group)));
        for right in rights {
            if !matches!(access::may_i(self.client, right).await, Ok(Ruling { allowed: true, .. })) {
                return None;
            }
        }
        Some(NameSeen { who, user, group })
    }

    pub(super) async fn perform(
        &self,
        deed: Deed,
        of: &Namespace,
        target: &Namespace,
        name: Option<&NameSeen>,
    ) -> Done {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mark = mark(self.run, number);
        let request = deed.request(target, &mark, &self.image);
        let at_ms = Timestamp::now().as_millisecond();
        let made = Attempt {
            method: if request.posts { Method::Post } else { Method::Get },
            path: request.path.clone(),
            body: request.body,
            name: name.map(|name| Name { user: name.user.clone(), groups: name.group.iter().cloned().collect() }),
        };
        let answer = match attempt(self.client, &made).await {
            Ok(answer) => AnswerSeen { code: answer.code, message: answer.message, date: answer.date },
            Err(why) => AnswerSeen { code: 0, message: why, date: String::new() },
        };
        let who = name.map_or("the runner", |name| name.who.as_str());
        Done {
            key: format!("{of}/{} by {who}", kebab(deed)),
            path: request.path,
            answered: Instant::now(),
            seen: DeedSeen {
                deed,
                namespace: of.clone(),
                about: request.about,
                name: name.cloned(),
                mark,
                at_ms,
                answer,
                events: Vec::new(),
                found_after_ms: None,
                sought_ms: None,
                computed: None,
            },
        }
    }
}

/// By keys of their own.
pub(super) fn keyed(done: Vec<Done>) -> BTreeMap<String, DeedSeen> {
    let mut taken = BTreeSet::new();
    let mut key = |key: String| {
        let mut unique = key.clone();
        while !taken.insert(unique.clone()) {
            unique.push('\'');
        }
        unique
    };
    done.into_iter().map(|one| (key(one.key), one.seen)).collect()
}

fn kebab(deed: Deed) -> String {
    serde_json::to_value(deed).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
