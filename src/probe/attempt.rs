//! The client side: one attempt at a target, and a whole round of them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::greeting::{Identity, LINE_MAX, random};
use super::wire::{Answer, Attempt, Ending, Outcome, Target, Tries};
use super::{dns, errno, socket};
use crate::model::Protocol;

/// Tries all targets at once, as far as `seats` go, and gives their answers in the order of the targets.
///
/// An attempt starts when its time has come, whether or not those before it have ended. Only what
/// is under way takes memory: thousands of targets need little more than the bound on sockets.
pub(super) async fn carry_out(me: &Arc<Identity>, tries: Tries, seats: &Arc<Semaphore>) -> Vec<Answer> {
    let tries = Arc::new(tries);
    let gap = Duration::from_millis(tries.gap_ms.into());
    let attempts = vec![unmade("the attempt was lost"); tries.attempts.into()];
    let mut answers: Vec<Answer> =
        tries.targets.iter().map(|target| Answer { id: target.id, attempts: attempts.clone() }).collect();
    let mut due = vec![Instant::now(); tries.targets.len()];
    let mut running = JoinSet::new();
    for number in 1..=tries.attempts {
        for (index, due) in due.iter_mut().enumerate() {
            sleep_until(*due).await;
            // The semaphore is never closed. If it were, attempts would go on without a seat.
            let seat = Arc::clone(seats).acquire_owned().await.ok();
            *due = Instant::now() + gap;
            let (me, tries) = (Arc::clone(me), Arc::clone(&tries));
            running.spawn(async move {
                let attempt = match tries.targets.get(index) {
                    Some(target) => timed(&me, target, number, tries.timeout_ms).await,
                    None => unmade("no such target"),
                };
                drop(seat);
                (index, number, attempt)
            });
            while let Some(done) = running.try_join_next() {
                note(&mut answers, done);
            }
        }
    }
    while let Some(done) = running.join_next().await {
        note(&mut answers, done);
    }
    answers
}

/// Puts an attempt in its place. One whose task broke off stays a probe error.
fn note(answers: &mut [Answer], done: Result<(usize, u8, Attempt), JoinError>) {
    if let Ok((index, number, attempt)) = done
        && let Some(answer) = answers.get_mut(index)
        && let Some(place) = answer.attempts.get_mut(usize::from(number) - 1)
    {
        *place = attempt;
    }
}

/// What stands for an attempt that was not made.
fn unmade(why: &str) -> Attempt {
    Attempt { outcome: Outcome::ProbeError(why.to_owned()), at_ms: now_ms(), micros: 0 }
}

async fn timed(me: &Identity, target: &Target, number: u8, timeout_ms: u32) -> Attempt {
    let limit = Duration::from_millis(timeout_ms.into());
    let at_ms = now_ms();
    let mut began = Instant::now();
    let found = match target.address.parse() {
        Ok(ip) => Ok(ip),
        Err(_) => dns::resolve(&target.address, limit).await,
    };
    let outcome = match found {
        Ok(ip) => {
            began = Instant::now();
            attempt(me, target, SocketAddr::new(ip, target.port.get()), number, limit).await
        }
        Err(dns::NotResolved) => Outcome::Dns,
    };
    Attempt { outcome, at_ms, micros: micros_since(began) }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn micros_since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// One attempt with a socket of its own.
async fn attempt(me: &Identity, target: &Target, address: SocketAddr, number: u8, limit: Duration) -> Outcome {
    let token = random();
    let hello = me.greet(target.id, number, token);
    let meeting = Meeting { me, who: &target.who, token, hello: hello.as_bytes(), limit };
    match target.protocol {
        Protocol::Tcp | Protocol::Sctp => meeting.by_stream(target.protocol, address).await,
        Protocol::Udp => meeting.by_datagrams(address).await,
    }
}

/// What is said in one attempt, and what must come back.
struct Meeting<'a> {
    me: &'a Identity,
    who: &'a str,
    token: u64,
    hello: &'a [u8],
    limit: Duration,
}

impl Meeting<'_> {
    async fn by_stream(&self, protocol: Protocol, address: SocketAddr) -> Outcome {
        let socket = match socket::stream_to(protocol, address) {
            Ok(socket) => socket,
            Err(error) => return errno::classify_creation(&error),
        };
        match timeout(self.limit, socket.connect(address)).await {
            Err(_) => Outcome::Timeout,
            Ok(Ok(stream)) => self.over(stream).await,
            Ok(Err(error)) => match errno::classify(&error) {
                // Linux answers a reset of an opening connection with ECONNREFUSED. ECONNRESET here
                // is a connection that opened and was reset before this task looked.
                Outcome::Reset => Outcome::Opened(Ending::Reset),
                outcome => outcome,
            },
        }
    }

    /// The connection is open: from here on nothing may read as a denial. The reply has as much time
    /// as the opening had, so that a slow opening is not taken for silence.
    async fn over(&self, mut stream: TcpStream) -> Outcome {
        let mut line = Vec::with_capacity(LINE_MAX);
        let ending = match timeout(self.limit, exchange(&mut stream, self.hello, &mut line)).await {
            Err(_) => Ending::Silence,
            Ok(Ok(())) => Ending::Closed,
            Ok(Err(error)) => match error.kind() {
                io::ErrorKind::ConnectionReset => Ending::Reset,
                io::ErrorKind::BrokenPipe => Ending::Closed,
                _ => Ending::Silence,
            },
        };
        if self.me.is_reply_of(&line, self.who, self.token) {
            Outcome::Connected
        } else if line.is_empty() {
            Outcome::Opened(ending)
        } else {
            Outcome::WrongPeer
        }
    }

    /// Sends at once, and again after a quarter and a half of the time: datagrams get lost.
    async fn by_datagrams(&self, address: SocketAddr) -> Outcome {
        let began = Instant::now();
        let socket = match socket::datagram_to(address) {
            Ok(socket) => socket,
            Err(error) => return errno::classify_creation(&error),
        };
        if let Err(error) = socket.connect(address).await {
            return errno::classify(&error);
        }
        let mut met_another = false;
        let mut answer = [0_u8; LINE_MAX + 1];
        for until in [self.limit / 4, self.limit / 2, self.limit] {
            if let Err(error) = socket.send(self.hello).await {
                return refusal(met_another, &error);
            }
            let deadline = began + until;
            while let Ok(received) = timeout_at(deadline, socket.recv(&mut answer)).await {
                match received {
                    Ok(length) if self.me.is_reply_of(&answer[..length], self.who, self.token) => {
                        return Outcome::Connected;
                    }
                    // It may be late for somebody who had this port before: the right one may follow.
                    Ok(_) => met_another = true,
                    Err(error) => return refusal(met_another, &error),
                }
            }
        }
        if met_another { Outcome::WrongPeer } else { Outcome::Timeout }
    }
}

/// An error after somebody answered is no denial.
fn refusal(met_another: bool, error: &io::Error) -> Outcome {
    if met_another { Outcome::WrongPeer } else { errno::classify(error) }
}

/// Greets and reads until the line, its longest length or the connection ends.
async fn exchange(stream: &mut TcpStream, hello: &[u8], line: &mut Vec<u8>) -> io::Result<()> {
    stream.write_all(hello).await?;
    let mut piece = [0_u8; LINE_MAX];
    while line.len() < LINE_MAX && !line.ends_with(b"\n") {
        match stream.read(&mut piece).await? {
            0 => break,
            read => line.extend_from_slice(&piece[..read]),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::net::UdpSocket;

    use super::*;

    /// A probe that got no processor for a while must not call a timeout what lies in its socket. The
    /// runtime sees to that: it looks at sockets and clock in one go, and at the socket first.
    #[tokio::test]
    async fn a_late_look_finds_what_came_in_time() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        client.send_to(b"in time", server.local_addr().unwrap()).await.unwrap();
        // The processor is away until after the deadline.
        let deadline = Instant::now() + Duration::from_millis(10);
        std::thread::sleep(Duration::from_millis(50));
        let mut datagram = [0; 16];
        let received = timeout_at(deadline, server.recv(&mut datagram)).await;
        assert_eq!(received.unwrap().unwrap(), 7);
        assert!(timeout_at(deadline, server.recv(&mut datagram)).await.is_err(), "nothing more came");
    }
}
