//! A probe's log, followed: an answer is heard when it is written, and nothing is asked for meanwhile.

use std::pin::Pin;
use std::time::Duration;

use futures::io::{AsyncBufRead, AsyncBufReadExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::probe::frame::Decoder;
use crate::probe::wire::Report;

/// A log that ended, or could not be opened, is not opened again sooner.
const OPEN_AGAIN_AFTER: Duration = Duration::from_millis(250);

/// The log of one probe.
pub(super) struct Followed<'a> {
    pods: &'a Api<Pod>,
    pod: &'a str,
    decoder: Decoder,
    stream: Option<Pin<Box<dyn AsyncBufRead + Send>>>,
}

/// How long to listen.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// To a probe that has not acknowledged its orders, from now on.
    pub(super) unseen: Duration,
    /// To one that has.
    pub(super) seen: Duration,
}

impl<'a> Followed<'a> {
    /// The log of this pod. Nothing is asked for yet.
    pub(super) fn new(pods: &'a Api<Pod>, pod: &'a str) -> Self {
        Self { pods, pod, decoder: Decoder::new(), stream: None }
    }

    /// Listens until the report of a round has come; with it come the complaints that the probe has made by then.
    /// `None` where it has not come in time, or another complaint than the `known` first ones has. What went wrong with the
    /// log itself is not told: after `None` it is to be asked for.
    pub(super) async fn report(&mut self, round: u32, known: usize, patience: Patience) -> Option<(Report, usize)> {
        let begun = Instant::now();
        let until =
            |acknowledged| begun + OPEN_AGAIN_AFTER.max(if acknowledged { patience.seen } else { patience.unseen });
        let mut end = until(self.decoder.decoded().acks.contains_key(&round));
        loop {
            match timeout_at(end, self.read()).await {
                Ok(true) => {}
                Ok(false) => {
                    self.stream = None;
                    sleep_until(end.min(Instant::now() + OPEN_AGAIN_AFTER)).await;
                }
                Err(_) => return None,
            }
            if !self.decoder.ends_a_line() {
                continue;
            }
            let mut heard = self.decoder.decoded();
            let complaints = heard.complaints.len();
            if let Some(report) = heard.reports.remove(&round) {
                return Some((report, complaints));
            }
            let acknowledged = heard.acks.contains_key(&round);
            if !acknowledged && complaints > known {
                return None;
            }
            end = until(acknowledged);
        }
    }

    /// Takes in what has come; false where the log is not to be had now, or is over.
    async fn read(&mut self) -> bool {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            closed => {
                let follow = LogParams { follow: true, ..LogParams::default() };
                match self.pods.log_stream(self.pod, &follow).await {
                    Ok(stream) => closed.insert(Box::pin(stream)),
                    Err(error) => {
                        tracing::debug!(pod = self.pod, %error, "the probe's log can't be followed now");
                        return false;
                    }
                }
            }
        };
        let Ok(piece) = stream.fill_buf().await else { return false };
        let length = piece.len();
        self.decoder.push(piece);
        stream.consume_unpin(length);
        length > 0
    }
}
