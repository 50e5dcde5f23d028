//! The server side: takes everybody who comes, puts them on record, and answers probes of its run.
//!
//! Strangers get no answer, so that nothing can be amplified and nothing learned.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::arrivals::{Arrivals, Guest};
use super::greeting::{Identity, LINE_MAX};
use super::wire::Listener;
use super::{errno, socket};
use crate::model::{Port, Protocol};

/// A guest who has not said who it is after this time is shown out, however slowly it speaks.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait before accepting again where the kernel could not.
const RESPITE: Duration = Duration::from_millis(20);

/// What all listeners of a probe share.
#[derive(Clone, Debug)]
pub(super) struct House {
    pub(super) me: Arc<Identity>,
    pub(super) arrivals: Arrivals,
    /// How many guests may be inside at a time. More are put on record and shown out at once.
    pub(super) seats: Arc<Semaphore>,
}

impl House {
    /// Listens on a port, from now to the end of the program; what went wrong is on record.
    pub(super) fn open(&self, protocol: Protocol, port: Port) {
        let opened = match protocol {
            Protocol::Udp => socket::datagram_listener(port).map(|socket| {
                tokio::spawn(self.clone().take_datagrams(socket, port));
            }),
            Protocol::Tcp | Protocol::Sctp => socket::stream_listener(protocol, port).map(|listener| {
                tokio::spawn(self.clone().take_streams(listener, protocol, port));
            }),
        };
        let (error, unsupported) = match opened {
            Ok(()) => (None, false),
            Err(error) => (Some(error.to_string()), errno::is_unsupported(&error)),
        };
        self.arrivals.listener(Listener { protocol, port, error, unsupported });
    }

    async fn take_streams(self, listener: TcpListener, protocol: Protocol, port: Port) {
        loop {
            match listener.accept().await {
                Ok((stream, from)) => {
                    let guest = self.arrivals.arrived(protocol, port, from);
                    if let Ok(seat) = Arc::clone(&self.seats).try_acquire_owned() {
                        let house = self.clone();
                        tokio::spawn(async move {
                            // Whatever goes wrong with a guest, its arrival is on record.
                            let _ = timeout(PATIENCE, house.receive(stream, guest)).await;
                            drop(seat);
                        });
                    }
                }
                Err(error) => {
                    if !is_of_one_connection(&error) {
                        self.arrivals.failed(protocol, port, &error);
                        sleep(RESPITE).await;
                    }
                }
            }
        }
    }

    async fn receive(&self, mut stream: TcpStream, guest: Guest) -> io::Result<()> {
        let mut line = [0_u8; LINE_MAX];
        let mut length = 0;
        while length < line.len() && !line[..length].ends_with(b"\n") {
            let read = stream.read(&mut line[length..]).await?;
            if read == 0 {
                return Ok(());
            }
            length += read;
        }
        if let Some(hello) = self.me.read_hello(&line[..length]) {
            guest.introduced(&hello);
            stream.write_all(self.me.reply(&hello).as_bytes()).await?;
            stream.shutdown().await?;
        }
        Ok(())
    }

    async fn take_datagrams(self, socket: UdpSocket, port: Port) {
        // One byte more than a greeting, so that a longer datagram is not cut into a valid one.
        let mut datagram = [0_u8; LINE_MAX + 1];
        loop {
            match socket.recv_from(&mut datagram).await {
                Ok((length, from)) => self.answer(&socket, port, &datagram[..length], from).await,
                Err(error) => {
                    self.arrivals.failed(Protocol::Udp, port, &error);
                    sleep(RESPITE).await;
                }
            }
        }
    }

    async fn answer(&self, socket: &UdpSocket, port: Port, datagram: &[u8], from: SocketAddr) {
        let guest = self.arrivals.arrived(Protocol::Udp, port, from);
        if let Some(hello) = self.me.read_hello(datagram) {
            guest.introduced(&hello);
            // A reply that can't be sent is one that the client will miss, and say so.
            let _ = socket.send_to(self.me.reply(&hello).as_bytes(), from).await;
        }
    }
}

/// Linux hands errors of a connection that is already gone to `accept` (see accept(2), "Error
/// handling"). They say nothing of the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted)
}
