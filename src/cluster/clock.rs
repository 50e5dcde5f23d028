//! The time of an exchange with a probe: how long to wait for it, and when it is given up.

use std::time::Duration;

use tokio::time::Instant;

use super::probes::ProbeFault;
use super::retry::PATIENCE;

/// A probe whose log can't be read for so long, by an API server that answers, is given up.
const UNHEARD_PATIENCE: Duration = Duration::from_secs(20);

/// The time of one exchange. It stands still while there is no API server.
pub(super) struct Clock {
    patience: Duration,
    end: Instant,
    heard: Instant,
    /// When it was last known whether there is an API server.
    known: Instant,
    stood_still: Duration,
}

impl Clock {
    /// Starts it.
    pub(super) fn start(patience: Duration, now: Instant) -> Self {
        Self { patience, end: now + patience, heard: now, known: now, stood_still: Duration::ZERO }
    }

    /// The probe's log was read.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.known = now;
    }

    /// The API server answered, though not with the probe's log.
    pub(super) fn answered(&mut self, now: Instant) {
        self.known = now;
    }

    /// There is no API server now. What went by since it was last known to be there was nobody's time: it is not only the
    /// request that failed, which fails at once where a proxy before the server lives on, but the wait before it, too.
    /// Bounded, so that no run lasts for ever.
    pub(super) fn stand_still(&mut self, now: Instant) {
        let time = now.saturating_duration_since(self.known).min(PATIENCE.saturating_sub(self.stood_still));
        self.known = now;
        self.stood_still += time;
        self.end += time;
        self.heard += time;
    }

    /// Whether there is time left, and the probe was heard lately.
    pub(super) fn check(&self, trouble: &str, now: Instant) -> Result<(), ProbeFault> {
        if now > self.end {
            let seconds = self.patience.as_secs();
            return Err(ProbeFault(format!("the probe did not answer within {seconds} s: {trouble}")));
        }
        let unheard = now.saturating_duration_since(self.heard);
        if unheard > UNHEARD_PATIENCE {
            let seconds = unheard.as_secs();
            return Err(ProbeFault(format!("the probe could not be heard for {seconds} s: {trouble}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::Clock;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_probe_that_is_heard_has_its_whole_patience() {
        let begun = Instant::now();
        let mut clock = Clock::start(60 * SECOND, begun);
        for second in 1..=60 {
            clock.heard(begun + second * SECOND);
            clock.check("no answer yet", begun + second * SECOND).unwrap();
        }
        let fault = clock.check("no answer yet", begun + 61 * SECOND).unwrap_err();
        assert_eq!(fault.0, "the probe did not answer within 60 s: no answer yet");
    }

    #[test]
    fn one_that_is_not_heard_is_given_up_sooner() {
        let begun = Instant::now();
        let clock = Clock::start(60 * SECOND, begun);
        clock.check("no log", begun + 20 * SECOND).unwrap();
        let fault = clock.check("no log", begun + 21 * SECOND).unwrap_err();
        assert_eq!(fault.0, "the probe could not be heard for 21 s: no log");
    }

    #[test]
    fn without_an_api_server_time_stands_still_but_not_for_ever() {
        let begun = Instant::now();
        let mut clock = Clock::start(60 * SECOND, begun);
        for second in 1..=140 {
            clock.stand_still(begun + second * SECOND);
            clock.check("no API server", begun + second * SECOND).unwrap();
        }
        clock.stand_still(begun + 141 * SECOND);
        clock.check("no API server", begun + 141 * SECOND).unwrap_err();
    }

    /// A proxy that lives on while the server behind it is away ends each request at once: the waits between them count.
    #[test]
    fn the_wait_before_a_request_that_fails_is_nobodys_time() {
        let begun = Instant::now();
        let mut clock = Clock::start(60 * SECOND, begun);
        for look in 1..=15 {
            clock.stand_still(begun + look * 4 * SECOND);
            clock.check("tls handshake eof", begun + look * 4 * SECOND).unwrap();
        }
        clock.heard(begun + 61 * SECOND);
        clock.check("no answer yet", begun + 119 * SECOND).unwrap_err();
        clock.heard(begun + 119 * SECOND);
        clock.check("no answer yet", begun + 119 * SECOND).unwrap();
    }

    #[test]
    fn time_in_which_the_api_server_answered_counts() {
        let begun = Instant::now();
        let mut clock = Clock::start(60 * SECOND, begun);
        clock.answered(begun + 18 * SECOND);
        clock.stand_still(begun + 22 * SECOND);
        clock.check("no log", begun + 24 * SECOND).unwrap();
        clock.check("no log", begun + 25 * SECOND).unwrap_err();
    }
}
