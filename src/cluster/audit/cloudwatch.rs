//! CloudWatch Logs as a source: EKS sends the audit logs of its API servers there, and gives them in no other way.

use std::time::{Duration, Instant};

use super::log::{Marked, Reading};
use super::source::{AuditLogError, AuditSource};
use crate::aws::{Aws, AwsError, Extent, LogGroup};

/// The streams of the API servers' audit logs, in a group of EKS that has other logs as well.
const STREAMS: &str = "kube-apiserver-audit";
/// Between the beginnings of two looks. Events come within minutes, and a look is a call or more of an account that others
/// use as well.
const PAUSE: Duration = Duration::from_secs(5);
/// The longest pause, after looks that came to nothing.
const LONG_PAUSE: Duration = Duration::from_secs(30);

/// A log group that is looked at every few seconds.
#[derive(Debug)]
pub(super) struct CloudWatch {
    name: String,
    group: LogGroup,
    /// When the last look began, and the last one that was whole.
    began: Option<Instant>,
    looked: Option<Instant>,
    pause: Duration,
    /// Why the last look came to nothing.
    missed: Option<String>,
}

impl CloudWatch {
    pub(super) async fn open(name: &str, mark: &str) -> Result<Self, AuditLogError> {
        let streams = if AuditSource::is_group_of_eks(name) { STREAMS } else { "" };
        let group = LogGroup::new(&Aws::load().await?, name, streams, mark);
        group.check().await?;
        Ok(Self { name: name.to_owned(), group, began: None, looked: None, pause: PAUSE, missed: None })
    }

    /// When the last look began that was whole.
    pub(super) const fn looked(&self) -> Option<Instant> {
        self.looked
    }

    /// Looks, where it is time to.
    pub(super) async fn look(&mut self, reading: &mut Reading, found: &mut Vec<Marked>) {
        let began = Instant::now();
        if self.began.is_none_or(|before| began - before >= self.pause) {
            self.began = Some(began);
            let mut events = Vec::new();
            let looked = self.group.look(&mut events).await;
            reading.lines += events.len() as u64;
            found.extend(events.into_iter().map(|event| Marked { line: event.message, lane: Some(event.stream) }));
            self.came_to(began, looked, reading);
        }
        if self.missed.is_some() {
            reading.missed.clone_from(&self.missed);
        }
    }

    fn came_to(&mut self, began: Instant, looked: Result<Extent, AwsError>, reading: &mut Reading) {
        self.missed = match looked {
            Ok(Extent::Whole) => {
                (self.looked, self.pause) = (Some(began), PAUSE);
                None
            }
            Ok(Extent::Part) => Some(format!("log group {}: it has more than one look may go through", self.name)),
            Err(error) if error.is_passing() => Some(error.to_string()),
            Err(error) => {
                reading.trouble = Some(error.to_string());
                None
            }
        };
        if self.missed.is_some() {
            self.pause = (self.pause * 2).min(LONG_PAUSE);
        }
    }
}
