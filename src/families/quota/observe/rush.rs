//! Many creates at once at the edge of a quota.

use futures::future::join_all;
use serde_json::Value;
use tokio::time::sleep;

use super::{ATTEMPTS, PAUSE, Site, kind_of};
use crate::families::quota::request::{fuller, name_of, smallest};
use crate::families::quota::rules::{Held, held};
use crate::families::quota::seen::{Answer, RushSeen};
use crate::families::quota::shape::{Frame, sort};
use crate::model::Quantity;
use crate::plan::Mode;
use crate::semantics::quota::Scopes;

/// Creates at once, at the edge of a quota.
const AT_ONCE: u32 = 50;
/// No more objects than this are ever made in one namespace at the same time.
const MOST_OBJECTS: u32 = 60;

impl Site<'_> {
    /// Many creates at once, on a cluster that may be thrown away.
    pub(super) async fn rush(&self, resource: &str, promised: Option<Quantity>) -> RushSeen {
        let mut seen = RushSeen::default();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                sleep(PAUSE).await;
            }
            seen = self
                .rush_once(resource, promised)
                .await
                .unwrap_or_else(|why| RushSeen { fault: Some(why), ..RushSeen::default() });
            if seen.fault.is_none() {
                break;
            }
        }
        seen
    }

    async fn rush_once(&self, resource: &str, promised: Option<Quantity>) -> Result<RushSeen, String> {
        let before = self.settled().await?;
        let mut seen = RushSeen::default();
        let not_tried = |seen: RushSeen, why: String| Ok(RushSeen { not_tried: Some(why), ..seen });
        let Held::Within { quota, name, .. } = held(&before, resource, None, promised) else {
            return not_tried(
                seen,
                "no quota holds it to what was promised, so there is no limit to be reached".to_owned(),
            );
        };
        seen.quota = Some(quota.name.clone());
        let counted = quota.enforced.get(name).zip(quota.used.get(name));
        let (held, taken) = counted.ok_or_else(|| format!("{} has not been counted yet", quota.name))?;
        (seen.held, seen.used) = (Some(held), Some(taken));
        let left = u32::try_from((held.milli() - taken.milli()).max(0) / 1000).unwrap_or(u32::MAX);
        seen.room = Some(left);
        let everything = Scopes::default();
        let frame = Frame { image: self.image, limits: &before.limits, scopes: &everything };
        let (object, body) = match smallest(&sort(resource), &frame) {
            Ok(smallest) => smallest,
            Err(why) => return not_tried(seen, why),
        };
        seen.twin = Some(self.dry_run(object, body.clone()).await);
        if left == 0 {
            if seen.held == Some(Quantity::default()) {
                seen.beside = self.beside(&sort(resource), &frame).await;
            }
            seen.fault = self.moved_since(&before).await?;
            return Ok(seen);
        }
        if self.plan.mode == Mode::Production {
            return not_tried(
                seen,
                "this is production, and a dry-run takes nothing that the next one would see".to_owned(),
            );
        }
        if left >= MOST_OBJECTS {
            return not_tried(seen, format!("there is room for {left}, and no more than {MOST_OBJECTS} are made"));
        }
        if let Some((other, what, room)) = fuller(&before, object, &body, left) {
            return not_tried(seen, format!("{other} has room for {room} more by {what}, which is less"));
        }
        seen.asked = AT_ONCE.max(left + 1);
        let bodies: Vec<Value> = (0..seen.asked).map(|_| self.named(body.clone())).collect();
        let answers = join_all(bodies.iter().map(|body| self.try_to(object, body, false))).await;
        let mut names = Vec::new();
        for (body, tried) in bodies.iter().zip(answers) {
            if seen.count(tried.answer) {
                names.push(name_of(body));
            }
        }
        for _ in 0..=left {
            let body = self.named(body.clone());
            let tried = self.try_to(object, &body, false).await;
            let full = seen.accepted + seen.topped_up >= left;
            if !matches!(tried.answer, Answer::Refused { .. }) {
                names.push(name_of(&body));
            }
            if tried.answer == Answer::Accepted && !full {
                seen.topped_up += 1;
                continue;
            }
            seen.past = Some(tried);
            break;
        }
        if quota.scopes == everything {
            seen.there = Some(self.trials.count(kind_of(object), self.namespace).await?);
        }
        let remains = self.trials.remove(kind_of(object), self.namespace, &names).await;
        self.counted_again(&before).await;
        let after = self.share().await?;
        seen.used_after = after.holdings.iter().find(|one| one.name == quota.name).and_then(|one| one.used.get(name));
        seen.fault = if remains.is_empty() {
            self.moved_since(&before).await?
        } else {
            Some(format!("not gone again: {}", remains.join(", ")))
        };
        Ok(seen)
    }
}
