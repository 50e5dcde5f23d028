//! A server that speaks just enough of the Kubernetes API for a command to come as far as a test needs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// One request.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    /// The path without its query.
    pub(crate) path: &'a str,
    /// Path and query.
    #[allow(dead_code, reason = "not every test looks at the query")]
    pub(crate) target: &'a str,
    /// All that comes before the body.
    pub(crate) head: &'a str,
    #[allow(dead_code, reason = "not every test looks at the body")]
    pub(crate) body: &'a [u8],
}

/// What is answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Headers beside those that every answer has, each with its end.
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl From<(u16, String)> for Answer {
    fn from((status, body): (u16, String)) -> Self {
        Self { status, headers: String::new(), body }
    }
}

/// What is answered to a request; `None`: nothing, ever.
type Answers = dyn Fn(&Asked<'_>) -> Option<Answer> + Send + Sync;

/// The server; it ends with the process.
pub(crate) struct Api {
    /// Its address, as a kubeconfig names it.
    pub(crate) address: String,
}

impl Api {
    pub(crate) fn answering(answers: impl Fn(&str, &str) -> Option<(u16, String)> + Send + Sync + 'static) -> Self {
        Self::hearing(move |method, path, _| answers(method, path))
    }

    /// The same, for what depends on the head of a request.
    pub(crate) fn hearing(answers: impl Fn(&str, &str, &str) -> Option<(u16, String)> + Send + Sync + 'static) -> Self {
        Self::serving(move |asked| answers(asked.method, asked.path, asked.head).map(Answer::from))
    }

    /// The same, for what depends on all of a request.
    pub(crate) fn serving(answers: impl Fn(&Asked<'_>) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let answers: Arc<Answers> = Arc::new(answers);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answers = Arc::clone(&answers);
                thread::spawn(move || serve(&stream, answers.as_ref()));
            }
        });
        Self { address }
    }

    /// A cluster of one node with these empty namespaces, which nobody may write to.
    pub(crate) fn read_only(namespaces: &'static [&'static str]) -> Self {
        Self::answering(move |method, path| Some(read_only(namespaces, method, path)))
    }

    /// The same; it notes the method and path of each request.
    #[allow(dead_code, reason = "not every test looks at the requests")]
    pub(crate) fn noting(namespaces: &'static [&'static str]) -> (Self, Arc<Mutex<Vec<String>>>) {
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&requests);
        let api = Self::answering(move |method, path| {
            noted.lock().unwrap().push(format!("{method} {path}"));
            Some(read_only(namespaces, method, path))
        });
        (api, requests)
    }
}

pub(crate) fn read_only(namespaces: &[&str], method: &str, path: &str) -> (u16, String) {
    match (method, path) {
        ("GET", "/version") => (200, VERSION.to_owned()),
        ("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews") => (201, REVIEW.to_owned()),
        ("GET", "/api/v1/namespaces") => {
            let named: Vec<_> = namespaces.iter().map(|name| object(name, "")).collect();
            (200, list("NamespaceList", &named.join(",")))
        }
        ("GET", "/api/v1/nodes") => (200, list("NodeList", &object("n", READY))),
        ("GET", "/apis") => (200, r#"{"kind":"APIGroupList","apiVersion":"v1","groups":[]}"#.to_owned()),
        ("GET", _) => (200, list("List", "")),
        _ => (403, FORBIDDEN.to_owned()),
    }
}

pub(crate) const VERSION: &str = r#"{"major":"1","minor":"34","gitVersion":"v1.34.4","gitCommit":"","gitTreeState":"",
    "buildDate":"","goVersion":"","compiler":"","platform":"linux/amd64"}"#;
const REVIEW: &str = r#"{"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1","metadata":{},
    "status":{"userInfo":{"username":"somebody"}}}"#;
const READY: &str = r#","spec":{},"status":{"conditions":[{"type":"Ready","status":"True"}],
    "nodeInfo":{"architecture":"amd64","bootID":"","containerRuntimeVersion":"","kernelVersion":"6.1","kubeProxyVersion":"",
    "kubeletVersion":"","machineID":"","operatingSystem":"linux","osImage":"","systemUUID":""}}"#;
const FORBIDDEN: &str = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",
    "message":"this server only reads","reason":"Forbidden","code":403}"#;

fn object(name: &str, more: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"{name}","uid":"uid-{name}","labels":{{"kubernetes.io/metadata.name":"{name}","kubernetes.io/os":"linux"}}}}{more}}}"#
    )
}

fn list(kind: &str, items: &str) -> String {
    format!(r#"{{"kind":"{kind}","apiVersion":"v1","metadata":{{"resourceVersion":"1"}},"items":[{items}]}}"#)
}

fn serve(stream: &TcpStream, answers: &Answers) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        loop {
            let before = head.len();
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
            if head[before..].trim().is_empty() {
                break;
            }
        }
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let mut words = head.split_whitespace();
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let path = target.split('?').next().unwrap_or_default();
        let asked = Asked { method, path, target, head: &head, body: &body };
        let Some(Answer { status, headers, body }) = answers(&asked) else {
            loop {
                thread::park();
            }
        };
        let answer = format!(
            "HTTP/1.1 {status} -\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut writer = stream;
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
