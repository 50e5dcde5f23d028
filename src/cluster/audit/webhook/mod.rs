//! The API server's audit webhook backend as a source: this side of it, which listens for batches of events.
//!
//! An API server that was told `--audit-webhook-config-file` posts each batch as an `EventList` of `audit.k8s.io/v1`,
//! again and again until it is answered with success; batches may come late, in another order, and more than once.

mod answer;
mod list;
mod tls;
mod token;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use self::token::Token;
use super::log::Marked;

/// Connections that may stand at the same time.
const CONNECTIONS: usize = 64;
/// Bodies that are read at the same time: together they are what this may take of memory.
const BODIES: usize = 4;
/// How long a handshake or the head of a request may take.
const HEAD: Duration = Duration::from_secs(10);
/// After an accept that failed, since there are no more files to open, say.
const PAUSE: Duration = Duration::from_millis(100);

/// Where the API server's webhook backend is listened for, and what it must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Where.
    pub address: SocketAddr,
    /// With which certificate; `None` for HTTP without TLS.
    pub identity: Option<Identity>,
    /// The file of the bearer token that every post must bring; `None` where any post is taken.
    pub token: Option<PathBuf>,
}

/// By what the runner is known to the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The file of the certificate, with those between it and its authority: PEM.
    pub certificate: PathBuf,
    /// The file of its key: PEM.
    pub key: PathBuf,
}

impl fmt::Display for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.identity.is_some() { "https" } else { "http" };
        write!(f, "webhook at {scheme}://{}", self.address)
    }
}

/// Why nobody can be listened for there.
pub(super) struct Unable {
    pub(super) why: String,
    pub(super) help: &'static str,
}

/// A listener; it ends when it is dropped.
#[derive(Debug)]
pub(super) struct Listener {
    state: Arc<State>,
    task: JoinHandle<()>,
}

/// What came.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Events with the mark.
    pub(super) marked: Vec<Marked>,
    /// How many events there were.
    pub(super) lines: u64,
    /// Posts that were refused, by the reason that was given.
    pub(super) refused: BTreeMap<&'static str, u64>,
}

/// What all connections share.
struct State {
    mark: String,
    token: Option<Token>,
    bodies: Semaphore,
    taken: Mutex<Taken>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("mark", &self.mark).finish_non_exhaustive()
    }
}

impl State {
    fn with<T>(&self, change: impl FnOnce(&mut Taken) -> T) -> T {
        change(&mut self.taken.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn refused(&self, why: &'static str) {
        tracing::debug!(why, "a post to the audit webhook was refused");
        self.with(|taken| *taken.refused.entry(why).or_default() += 1);
    }
}

impl Listener {
    /// Listens from now on, and keeps what has this mark.
    pub(super) async fn open(webhook: &Webhook, mark: &str) -> Result<Self, Unable> {
        let acceptor = webhook.identity.as_ref().map(tls::acceptor).transpose()?;
        let token = webhook.token.as_deref().map(Token::read).transpose()?;
        let listener = TcpListener::bind(webhook.address).await.map_err(|error| Unable {
            why: error.to_string(),
            help: "name an address of this machine and a port that is free: --audit-webhook 0.0.0.0:9443",
        })?;
        let state =
            Arc::new(State { mark: mark.to_owned(), token, bodies: Semaphore::new(BODIES), taken: Mutex::default() });
        let task = tokio::spawn(accept(listener, acceptor, Arc::clone(&state)));
        Ok(Self { state, task })
    }

    /// What came since the last time.
    pub(super) fn take(&self) -> Taken {
        self.state.with(std::mem::take)
    }

    /// Whether nobody listens any more.
    pub(super) fn is_over(&self) -> bool {
        self.task.is_finished()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Its connections are a part of it, and end with it.
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!(%error, "a connection to the audit webhook was not accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        if connections.len() >= CONNECTIONS {
            state.refused("too many connections at once");
            continue;
        }
        connections.spawn(connection(stream, peer.ip(), acceptor.clone(), Arc::clone(&state)));
    }
}

async fn connection(stream: TcpStream, peer: IpAddr, acceptor: Option<TlsAcceptor>, state: Arc<State>) {
    let Some(acceptor) = acceptor else { return serve(stream, peer, state).await };
    match timeout(HEAD, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => serve(stream, peer, state).await,
        // Who opens a connection and says nothing only looks whether somebody is there.
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {}
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake at the audit webhook failed");
            state.refused("its TLS handshake failed");
        }
        Err(_) => {}
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, peer: IpAddr, state: Arc<State>) {
    let service = service_fn(|request| {
        let state = Arc::clone(&state);
        async move { answer::answer(&state, peer, request).await }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection to the audit webhook broke off");
    }
}
