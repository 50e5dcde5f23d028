//! The client side: one attempt at a target, and a whole round of them.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::greeting::{Identity, LINE_MAX, random};
use super::wire::{Answer, Attempt, Ending, Outcome, Target, Tries};
use super::{dns, errno, socket};
use crate::model::Protocol;

/// Tries all targets at once and gives their answers in the order of the targets.
pub(super) async fn carry_out(me: &Arc<Identity>, tries: Tries, sockets: &Arc<Semaphore>) -> Vec<Answer> {
    let tries = Arc::new(tries);
    let mut running = JoinSet::new();
    let start = Instant::now();
    for index in 0..tries.targets.len() {
        let (me, tries, sockets) = (Arc::clone(me), Arc::clone(&tries), Arc::clone(sockets));
        running.spawn(async move {
            let attempts = match tries.targets.get(index) {
                Some(target) => try_target(&me, &tries, target, start, &sockets).await,
                None => Vec::new(),
            };
            (index, attempts)
        });
    }
    // A target whose task was lost keeps no attempts, which is a probe error to whoever judges.
    let mut answers: Vec<Answer> =
        tries.targets.iter().map(|target| Answer { id: target.id, attempts: Vec::new() }).collect();
    while let Some(done) = running.join_next().await {
        if let Ok((index, attempts)) = done
            && let Some(answer) = answers.get_mut(index)
        {
            answer.attempts = attempts;
        }
    }
    answers
}

/// All attempts at one target, each started when its time has come, whether or not those before
/// it have ended.
async fn try_target(
    me: &Arc<Identity>,
    tries: &Tries,
    target: &Target,
    start: Instant,
    sockets: &Arc<Semaphore>,
) -> Vec<Attempt> {
    let limit = Duration::from_millis(tries.timeout_ms.into());
    let address = match look_up(&target.address, limit, sockets).await {
        Ok(ip) => SocketAddr::new(ip, target.port.get()),
        Err(attempt) => return vec![attempt; tries.attempts.into()],
    };
    let mut running = JoinSet::new();
    for number in 1..=tries.attempts {
        let (me, target, sockets) = (Arc::clone(me), target.clone(), Arc::clone(sockets));
        let due = start + Duration::from_millis(u64::from(tries.gap_ms) * u64::from(number - 1));
        running.spawn(async move {
            sleep_until(due).await;
            let seat = sockets.acquire().await;
            let began = Instant::now();
            let outcome = match seat {
                Ok(_) => attempt(&me, &target, address, number, limit).await,
                Err(closed) => Outcome::ProbeError(closed.to_string()),
            };
            (number, Attempt { outcome, micros: micros_since(began) })
        });
    }
    let lost = Attempt { outcome: Outcome::ProbeError("the attempt was lost".to_owned()), micros: 0 };
    let mut attempts = vec![lost; tries.attempts.into()];
    while let Some(done) = running.join_next().await {
        if let Ok((number, attempt)) = done
            && let Some(place) = attempts.get_mut(usize::from(number) - 1)
        {
            *place = attempt;
        }
    }
    attempts
}

async fn look_up(address: &str, limit: Duration, sockets: &Semaphore) -> Result<IpAddr, Attempt> {
    if let Ok(ip) = address.parse() {
        return Ok(ip);
    }
    let began = Instant::now();
    let _seat = sockets.acquire().await;
    dns::resolve(address, limit)
        .await
        .map_err(|dns::NotResolved| Attempt { outcome: Outcome::Dns, micros: micros_since(began) })
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
        let deadline = Instant::now() + self.limit;
        let socket = match socket::stream_to(protocol, address) {
            Ok(socket) => socket,
            Err(error) => return errno::classify_creation(&error),
        };
        match timeout_at(deadline, socket.connect(address)).await {
            Err(_) => Outcome::Timeout,
            Ok(Ok(stream)) => self.over(stream, deadline).await,
            Ok(Err(error)) => match errno::classify(&error) {
                // Linux answers a reset of an opening connection with ECONNREFUSED. ECONNRESET here
                // is a connection that opened and was reset before this task looked.
                Outcome::Reset => Outcome::Opened(Ending::Reset),
                outcome => outcome,
            },
        }
    }

    /// The connection is open: from here on nothing may read as a denial.
    async fn over(&self, mut stream: TcpStream, deadline: Instant) -> Outcome {
        let mut line = Vec::with_capacity(LINE_MAX);
        let ending = match timeout_at(deadline, exchange(&mut stream, self.hello, &mut line)).await {
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
