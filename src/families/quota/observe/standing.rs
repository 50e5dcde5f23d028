//! What a quota counts, until it stands still: the API server counts what was made at once, and what is gone some time
//! later.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Site, kind_of};
use crate::families::quota::request::used;
use crate::families::quota::seen::ShareSeen;
use crate::families::quota::shape::{Sort, sort};
use crate::semantics::quota::Scopes;

/// How long a quota may take to count that something is gone.
const COUNTED_AFTER: Duration = Duration::from_secs(30);
/// A count that is not what is there, and stays the same for so long, is no count on its way.
const STANDS_AFTER: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(100);

impl Site<'_> {
    /// The quotas and limits, once the quotas count as many objects as there are. What this run took and gave back just
    /// before is else still counted, and a limit would seem nearer than it is.
    pub(super) async fn settled(&self) -> Result<ShareSeen, String> {
        let mut last = self.share().await?;
        let mut since = Instant::now();
        while since.elapsed() < STANDS_AFTER && self.miscounts(&last).await? {
            sleep(PAUSE).await;
            let now = self.share().await?;
            if used(&now) != used(&last) {
                since = Instant::now();
            }
            last = now;
        }
        Ok(last)
    }

    /// Whether a quota that counts everything counts another number of objects than there are.
    async fn miscounts(&self, share: &ShareSeen) -> Result<bool, String> {
        for holding in share.holdings.iter().filter(|holding| holding.scopes == Scopes::default()) {
            for (resource, used) in holding.used.iter() {
                let Sort::Count(object) = sort(resource) else { continue };
                let there = self.trials.count(kind_of(object), self.namespace).await?;
                if used.milli() != i128::from(there) * 1000 {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// That what is used has changed: then nothing that was seen can be told from somebody else's doing.
    pub(super) async fn moved_since(&self, before: &ShareSeen) -> Result<Option<String>, String> {
        let after = self.share().await?;
        Ok((used(before) != used(&after)).then(|| "what is used changed while it was tried".to_owned()))
    }

    /// Waits, for a bounded time, until as much is used as before.
    pub(super) async fn counted_again(&self, before: &ShareSeen) {
        let end = Instant::now() + COUNTED_AFTER;
        while Instant::now() < end {
            match self.share().await {
                Ok(now) if used(&now) == used(before) => return,
                _ => sleep(PAUSE).await,
            }
        }
    }
}
