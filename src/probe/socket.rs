//! Sockets of all three protocols. SCTP's one-to-one sockets behave like TCP's and so take the same path.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, TcpSocket, UdpSocket};

use super::errno;
use crate::model::{Port, Protocol};

/// How many connections may wait to be accepted; the kernel caps it at its own maximum.
const BACKLOG: i32 = 4096;
/// Datagrams of all clients may come at once; the kernel caps it at its own maximum.
const UDP_BUFFER: usize = 1 << 20;

fn open(protocol: Protocol, domain: Domain) -> io::Result<Socket> {
    let (kind, number) = match protocol {
        Protocol::Tcp => (Type::STREAM, socket2::Protocol::TCP),
        Protocol::Sctp => (Type::STREAM, socket2::Protocol::SCTP),
        Protocol::Udp => (Type::DGRAM, socket2::Protocol::UDP),
    };
    let socket = Socket::new(domain, kind, Some(number))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A socket from which to connect a stream to `address`.
pub(super) fn stream_to(protocol: Protocol, address: SocketAddr) -> io::Result<TcpSocket> {
    Ok(TcpSocket::from_std_stream(open(protocol, Domain::for_address(address))?.into()))
}

/// A socket from which to send datagrams to `address`.
pub(super) fn datagram_to(address: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = open(Protocol::Udp, Domain::for_address(address))?;
    socket.bind(&any.into())?;
    UdpSocket::from_std(socket.into())
}

/// Listens for streams on every address, IPv6 and IPv4.
pub(super) fn stream_listener(protocol: Protocol, port: Port) -> io::Result<TcpListener> {
    let socket = bound(protocol, port)?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Listens for datagrams on every address, IPv6 and IPv4.
pub(super) fn datagram_listener(port: Port) -> io::Result<UdpSocket> {
    let socket = bound(Protocol::Udp, port)?;
    // A smaller buffer only means that a client has to send again.
    let _ = socket.set_recv_buffer_size(UDP_BUFFER);
    UdpSocket::from_std(socket.into())
}

/// Both families at once where there is IPv6, IPv4 alone where there is none.
fn bound(protocol: Protocol, port: Port) -> io::Result<Socket> {
    let dual = open(protocol, Domain::IPV6).and_then(|socket| {
        socket.set_only_v6(false)?;
        bind(&socket, protocol, (Ipv6Addr::UNSPECIFIED, port.get()).into())?;
        Ok(socket)
    });
    match dual {
        Err(error) if errno::lacks_ipv6(&error) => {
            let socket = open(protocol, Domain::IPV4)?;
            bind(&socket, protocol, (Ipv4Addr::UNSPECIFIED, port.get()).into())?;
            Ok(socket)
        }
        other => other,
    }
}

fn bind(socket: &Socket, protocol: Protocol, address: SocketAddr) -> io::Result<()> {
    if protocol == Protocol::Tcp {
        // Old connections in TIME_WAIT must not keep a port from a probe that starts again. For UDP
        // the same option would let two sockets share a port.
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())
}
