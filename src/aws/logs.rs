//! CloudWatch Logs: reading what bears a mark, again and again.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;

use super::config::Aws;
use super::error::{AwsError, Call};
use super::permissions;

/// So far back is looked from the moment on that a group was opened, by this machine's clock: the times of the events are of
/// other clocks. What was there before has no mark, and is not given.
const BACK: Duration = Duration::from_secs(10 * 60);
/// The most pages that one look may have, most of them empty: each is what the service has gone through in a moment.
const PAGES: usize = 500;

/// A log group, and what of it was given already.
#[derive(Debug)]
pub struct LogGroup {
    client: Client,
    call: Call,
    group: String,
    /// What the names of the streams begin with; empty for all of them.
    streams: String,
    pattern: String,
    /// Milliseconds since 1970.
    since: i64,
    given: HashSet<String>,
}

/// An event of a log group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// The stream that it came by.
    pub stream: String,
    /// Its message.
    pub message: String,
}

/// How far a look came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// To the end of what is there.
    Whole,
    /// There was more than one look may take.
    Part,
}

impl LogGroup {
    /// A group from now on: those of its events that have the mark, in streams whose names begin so. The mark is of letters,
    /// digits and hyphens.
    #[must_use]
    pub fn new(aws: &Aws, group: &str, streams: &str, mark: &str) -> Self {
        let since = SystemTime::now().checked_sub(BACK).and_then(|since| since.duration_since(UNIX_EPOCH).ok());
        Self {
            client: Client::new(aws.config()),
            call: aws.call(&permissions::FILTER_LOG_EVENTS, &format!("log group {group}")),
            group: group.to_owned(),
            streams: streams.to_owned(),
            // Between two of these it is an expression that is found anywhere in a message, one that was cut included.
            pattern: format!("%{mark}%"),
            since: since.and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or_default(),
            given: HashSet::new(),
        }
    }

    /// Asks for one event, to see whether the group is there and may be read.
    ///
    /// # Errors
    /// [`AwsError`] where it is not.
    pub async fn check(&self) -> Result<(), AwsError> {
        self.page(Some(1), None).await.map(drop)
    }

    /// Adds every event that was not given before. What came before an error is added.
    ///
    /// # Errors
    /// [`AwsError`] where the group can't be read to its end.
    pub async fn look(&mut self, found: &mut Vec<LogEvent>) -> Result<Extent, AwsError> {
        let mut token = None;
        for _ in 0..PAGES {
            let (events, next) = self.page(None, token.take()).await?;
            for event in events {
                // A page may be given twice, and every look begins at the same moment: what is late has an early time.
                if event.event_id.is_none_or(|id| self.given.insert(id)) {
                    let (stream, message) = (event.log_stream_name, event.message);
                    found.push(LogEvent { stream: stream.unwrap_or_default(), message: message.unwrap_or_default() });
                }
            }
            // A page without an event is not the last one: one without a token is.
            match next {
                Some(next) => token = Some(next),
                None => return Ok(Extent::Whole),
            }
        }
        Ok(Extent::Part)
    }

    async fn page(
        &self,
        limit: Option<i32>,
        token: Option<String>,
    ) -> Result<(Vec<FilteredLogEvent>, Option<String>), AwsError> {
        let request = self
            .client
            .filter_log_events()
            .log_group_name(&self.group)
            .set_log_stream_name_prefix((!self.streams.is_empty()).then(|| self.streams.clone()))
            .filter_pattern(&self.pattern)
            .start_time(self.since)
            .set_limit(limit)
            .set_next_token(token);
        match request.send().await {
            Ok(page) => Ok((page.events.unwrap_or_default(), page.next_token)),
            Err(error) => Err(AwsError::explain(self.call.clone(), &error)),
        }
    }
}
