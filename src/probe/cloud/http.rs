//! One request and its answer, over connections that are kept.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use zeroize::Zeroizing;

use super::place::Place;
use super::surroundings::Surroundings;
use super::tls;
use crate::model::Protocol;
use crate::probe::wire::Outcome;
use crate::probe::wire::cloud::NetworkFault;
use crate::probe::{dns, errno, socket};

/// Bytes of an answer's head that are read; what is larger is no answer of AWS'.
const HEAD_MAX: usize = 32 * 1024;
/// Bytes of a body that are read, even if they are not kept, so that its connection can be kept.
const READ_ON: usize = 64 * 1024;
/// Bytes of an error that are read at least, however little is kept of what was asked for.
const ERROR_KEEP: usize = 64 * 1024;
/// Hosts under these names are asked for as they are: no search domain of a cluster has them.
const AWS: [&str; 4] = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn"];

type Sender = SendRequest<Full<Bytes>>;

/// Makes requests. Connections are kept for the next one to the same server.
pub(super) struct Client {
    around: Surroundings,
    limit: Duration,
    idle: Mutex<HashMap<Place, Vec<Sender>>>,
    addresses: Mutex<HashMap<String, IpAddr>>,
    tls: OnceLock<Result<TlsConnector, String>>,
}

/// A request, and how to make it.
pub(super) struct Ask<'a> {
    pub(super) place: &'a Place,
    pub(super) request: Request<Full<Bytes>>,
    /// Bytes of the answer's body that are kept.
    pub(super) keep: usize,
    /// Whether making it twice is the same as making it once.
    pub(super) repeatable: bool,
}

/// An answer.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// May hold credentials, so it is wiped.
    pub(super) body: Zeroizing<Vec<u8>>,
    /// Whether the body is there to its end.
    pub(super) whole: bool,
}

/// That no whole answer came.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) fault: NetworkFault,
    /// The status, where the answer began.
    pub(super) status: Option<u16>,
    pub(super) why: Option<String>,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn text(&self) -> Option<&str> {
        str::from_utf8(&self.body).ok().filter(|_| self.whole)
    }
}

impl Failure {
    fn of(fault: NetworkFault) -> Self {
        Self { fault, status: None, why: None }
    }

    /// From an error of a socket.
    fn of_socket(error: &io::Error) -> Self {
        match errno::classify(error) {
            Outcome::Refused => Self::of(NetworkFault::Refused),
            Outcome::Reset => Self::of(NetworkFault::Closed),
            Outcome::Timeout => Self::of(NetworkFault::Timeout),
            Outcome::NoRoute => Self::of(NetworkFault::NoRoute),
            _ => Self::of_host(error.to_string()),
        }
    }

    /// From what the probe's own host can't do.
    fn of_host(why: String) -> Self {
        Self { why: Some(why), ..Self::of(NetworkFault::Local) }
    }

    /// From what HTTP came to before an answer's head was there.
    fn of_head(error: &hyper::Error) -> Self {
        let is_tls = |error: &io::Error| {
            error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<tokio_rustls::rustls::Error>)
        };
        if error.is_parse() {
            return Self::of(NetworkFault::NotHttp);
        }
        match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
            Some(source) if is_tls(source) => Self::of_tls(source),
            Some(source) if source.kind() == io::ErrorKind::TimedOut => Self::of(NetworkFault::Timeout),
            _ => Self::of(NetworkFault::Closed),
        }
    }

    fn of_tls(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                Self::of(NetworkFault::Closed)
            }
            _ => Self { why: Some(error.to_string()), ..Self::of(NetworkFault::Tls) },
        }
    }
}

impl Client {
    /// A client whose exchanges each take no longer than `limit`.
    pub(super) fn new(around: Surroundings, limit: Duration) -> Self {
        Self { around, limit, idle: Mutex::default(), addresses: Mutex::default(), tls: OnceLock::new() }
    }

    /// Makes a request.
    ///
    /// # Errors
    ///
    /// If no whole answer came in time.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<Reply, Failure> {
        let mut status = None;
        match timeout(self.limit, self.exchange(ask, &mut status)).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(failure)) => Err(Failure { status, ..failure }),
            Err(_) => Err(Failure { status, ..Failure::of(NetworkFault::Timeout) }),
        }
    }

    async fn exchange(&self, ask: Ask<'_>, status: &mut Option<u16>) -> Result<Reply, Failure> {
        let Ask { place, request, keep, repeatable } = ask;
        while let Some(mut sender) = self.idle(place) {
            // One that the server has closed meanwhile is left to its end.
            if sender.ready().await.is_err() {
                continue;
            }
            match sender.try_send_request(request.clone()).await {
                Ok(response) => return self.read(place, sender, response, keep, status).await,
                // It was closed before the request was on its way, or may be made twice.
                Err(mut error) => {
                    if error.take_message().is_none() && !repeatable {
                        return Err(Failure::of_head(error.error()));
                    }
                }
            }
        }
        let mut sender = self.connect(place).await?;
        let response = sender.send_request(request).await.map_err(|error| Failure::of_head(&error))?;
        self.read(place, sender, response, keep, status).await
    }

    async fn read(
        &self,
        place: &Place,
        sender: Sender,
        response: http::Response<Incoming>,
        keep: usize,
        status: &mut Option<u16>,
    ) -> Result<Reply, Failure> {
        let (head, mut rest) = response.into_parts();
        *status = Some(head.status.as_u16());
        let keep = if head.status.is_success() { keep } else { keep.max(ERROR_KEEP) };
        let mut reply =
            Reply { status: head.status.as_u16(), headers: head.headers, body: Zeroizing::default(), whole: true };
        let mut length = 0;
        while let Some(frame) = rest.frame().await {
            let Ok(frame) = frame else { return Err(Failure::of(NetworkFault::Cut)) };
            let Some(data) = frame.data_ref() else { continue };
            let room = keep.saturating_sub(reply.body.len());
            reply.body.extend_from_slice(data.get(..room).unwrap_or(data));
            length += data.len();
            reply.whole = length <= keep;
            if length > keep.max(READ_ON) {
                // Its connection ends here.
                return Ok(reply);
            }
        }
        self.lock().entry(place.clone()).or_default().push(sender);
        Ok(reply)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Place, Vec<Sender>>> {
        // Nothing panics while it holds the lock.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle(&self, place: &Place) -> Option<Sender> {
        self.lock().get_mut(place)?.pop()
    }

    async fn connect(&self, place: &Place) -> Result<Sender, Failure> {
        let stream = self.open(place).await?;
        // A small request must not wait for the answer to the one before.
        let _ = stream.set_nodelay(true);
        if !place.https {
            return shake_hands(stream).await;
        }
        let connector = self.tls.get_or_init(|| tls::connector(self.around));
        let connector = connector.as_ref().map_err(|why| Failure::of_host(why.clone()))?;
        let name = ServerName::try_from(place.host.clone()).map_err(|error| Failure::of_host(error.to_string()))?;
        let stream = connector.connect(name, stream).await.map_err(|error| Failure::of_tls(&error))?;
        shake_hands(stream).await
    }

    /// Opens a connection: by IPv6 where the name has an IPv4 address to which there is no route.
    async fn open(&self, place: &Place) -> Result<TcpStream, Failure> {
        if let Some(address) = place.address() {
            return open(address, place.port).await;
        }
        let lock = || self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().get(&place.host).copied();
        // Each answer has its part of the time, so that a name server that keeps silent is told apart from a service
        // that does.
        let limit = self.limit / 8;
        let is_aws = AWS.iter().any(|domain| place.host.ends_with(domain));
        let name = if is_aws { format!("{}.", place.host) } else { place.host.clone() };
        let address = match known {
            Some(address) => address,
            None => dns::resolve(&name, limit).await.map_err(|dns::NotResolved| Failure::of(NetworkFault::Dns))?,
        };
        let (address, opened) = match open(address, place.port).await {
            Err(Failure { fault: NetworkFault::NoRoute, .. }) if address.is_ipv4() => {
                match dns::resolve_v6(&name, limit).await {
                    Ok(v6) => (v6, open(v6, place.port).await),
                    Err(dns::NotResolved) => (address, Err(Failure::of(NetworkFault::NoRoute))),
                }
            }
            opened => (address, opened),
        };
        lock().insert(place.host.clone(), address);
        opened
    }
}

async fn open(address: IpAddr, port: u16) -> Result<TcpStream, Failure> {
    let address = SocketAddr::new(address, port);
    let socket = socket::stream_to(Protocol::Tcp, address).map_err(|error| Failure::of_host(error.to_string()))?;
    socket.connect(address).await.map_err(|error| Failure::of_socket(&error))
}

async fn shake_hands(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Sender, Failure> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_MAX);
    let (sender, connection) =
        builder.handshake(TokioIo::new(stream)).await.map_err(|error| Failure::of_head(&error))?;
    // It ends with its sender. What went wrong with it the request is told.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}
