//! The stand-in: an HTTP server that answers as a test says. It checks no signature and enforces nothing.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use socket2::Socket;

/// A request that came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// The path and the query, as they came.
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// What is answered.
pub(crate) enum Answer {
    /// A whole answer; the connection is kept.
    Whole(u16, Vec<(&'static str, String)>, String),
    /// These bytes, and then the end of the connection.
    Bytes(Vec<u8>),
    /// These bytes, one each so often.
    Drip(Vec<u8>, Duration),
    /// Nothing at all, for so long.
    Silence(Duration),
    /// A reset.
    Reset,
}

pub(crate) struct StandIn {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().expect("the first part")
    }

    /// The first part of the path: the bucket.
    pub(crate) fn bucket(&self) -> &str {
        self.path().split('/').nth(1).expect("a path begins with a slash")
    }
}

impl StandIn {
    pub(crate) fn start(answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1", answer)
    }

    pub(crate) fn start_at(address: &str, answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((address, 0)).expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (seen, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let (record, count, answer) = (Arc::clone(&seen), Arc::clone(&connections), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let (record, answer) = (Arc::clone(&record), Arc::clone(&answer));
                thread::spawn(move || serve(stream, &record, &*answer));
            }
        });
        Self { port, seen, connections }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic").clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn serve(mut stream: TcpStream, record: &Mutex<Vec<Seen>>, answer: &(impl Fn(&Seen) -> Answer + ?Sized)) {
    let _ = stream.set_nodelay(true);
    while let Some(seen) = read(&mut stream) {
        record.lock().expect("no panic").push(seen.clone());
        match answer(&seen) {
            Answer::Whole(status, headers, body) => {
                let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                let length = if status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
                let answer = format!("HTTP/1.1 {status} Told\r\n{headers}{length}\r\n{body}");
                if stream.write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
            Answer::Bytes(bytes) => {
                let _ = stream.write_all(&bytes);
                return;
            }
            Answer::Drip(bytes, pause) => {
                for byte in bytes {
                    if stream.write_all(&[byte]).is_err() {
                        return;
                    }
                    thread::sleep(pause);
                }
                return;
            }
            Answer::Silence(pause) => {
                thread::sleep(pause);
                return;
            }
            Answer::Reset => {
                // Closing with a linger of 0 sends a reset.
                let _ = Socket::from(stream).set_linger(Some(Duration::ZERO));
                return;
            }
        }
    }
}

fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut seen = Seen { method, target, headers, body: String::new() };
    let length = seen.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    seen.body = String::from_utf8(body).ok()?;
    Some(seen)
}
