//! The probe's command line, by hand: a full parser would be most of the program.

use std::path::PathBuf;
use std::time::Duration;

use super::greeting::is_name;
use crate::model::{Port, Protocol};

/// What `--help` prints.
pub const HELP: &str = "\
The probe of tenantproof: runs in a probe pod, listens, tries its targets, answers in its log.

Usage: tenantproof-probe --name NAME --nonce NONCE --orders FILE [OPTIONS]

Options:
  --name NAME          Who this probe is, to other probes   [TENANTPROOF_PROBE_NAME]
  --nonce NONCE        The run's secret, 8 to 256 characters: by it probes of one run know
                       each other                           [TENANTPROOF_PROBE_NONCE]
  --orders FILE        Where the orders appear              [TENANTPROOF_PROBE_ORDERS]
  --listen LIST        Where to listen, such as tcp:8080,udp:8080,sctp:8080
                                                            [TENANTPROOF_PROBE_LISTEN]
  --deadline SECONDS   Exit by itself after this time       [TENANTPROOF_PROBE_DEADLINE]
  --help, --version

Exit codes: 0 told to end, 1 its log can't be written, 2 wrong usage, 3 the deadline has passed.
";

/// How a probe shall run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Who it is.
    pub name: String,
    /// The run's secret.
    pub nonce: String,
    /// Where it listens.
    pub listen: Vec<(Protocol, Port)>,
    /// Where its orders appear.
    pub orders: PathBuf,
    /// After which time it exits by itself.
    pub deadline: Option<Duration>,
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// To run.
    Run(Config),
    /// To print [`HELP`].
    Help,
    /// To print the version.
    Version,
}

/// What is wrong with the command line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// Neither the option nor its variable was given.
    #[error("--{0} is missing; give it, or set {variable}", variable = variable(.0))]
    Missing(&'static str),
    /// An option without its value.
    #[error("--{0} needs a value")]
    NoValue(&'static str),
    /// An option that came twice.
    #[error("--{0} was given twice")]
    Twice(&'static str),
    /// Something that is no option.
    #[error("`{0}` is no option; see --help")]
    Unknown(String),
    /// A value that can't be one.
    #[error("--{option}: `{value}` is not {expected}")]
    Invalid {
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
        /// What was expected.
        expected: &'static str,
    },
}

const OPTIONS: [&str; 5] = ["name", "nonce", "orders", "listen", "deadline"];

fn variable(option: &str) -> String {
    format!("TENANTPROOF_PROBE_{}", option.to_ascii_uppercase())
}

/// Reads the arguments (without the program's name); `env` looks up what they leave open.
///
/// # Errors
///
/// If an option is unknown, missing, given twice or has a value that can't be one.
pub fn parse<A, E>(args: A, env: E) -> Result<Command, UsageError>
where
    A: IntoIterator<Item = String>,
    E: Fn(&str) -> Option<String>,
{
    let mut given: [Option<String>; OPTIONS.len()] = Default::default();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            "--version" | "-V" => return Ok(Command::Version),
            _ => {}
        }
        let (name, inline) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (arg.as_str(), None),
        };
        let found = OPTIONS.iter().zip(&mut given).find(|(option, _)| name.strip_prefix("--") == Some(**option));
        let Some((option, place)) = found else { return Err(UsageError::Unknown(arg)) };
        let value = inline.or_else(|| args.next()).ok_or(UsageError::NoValue(option))?;
        if place.replace(value).is_some() {
            return Err(UsageError::Twice(option));
        }
    }
    for (option, value) in OPTIONS.iter().zip(&mut given) {
        // An empty variable is one that a manifest left open.
        *value = value.take().or_else(|| env(&variable(option))).filter(|value| !value.is_empty());
    }
    let [name, nonce, orders, listen, deadline] = given;
    Ok(Command::Run(Config {
        name: valid("name", name.ok_or(UsageError::Missing("name"))?, is_name, "letters, digits, `-`, `.` or `_`")?,
        nonce: valid(
            "nonce",
            nonce.ok_or(UsageError::Missing("nonce"))?,
            |nonce| (8..=256).contains(&nonce.len()) && nonce.bytes().all(|b| b.is_ascii_graphic()),
            "8 to 256 printable characters",
        )
        .map_err(hide_nonce)?,
        orders: orders.ok_or(UsageError::Missing("orders"))?.into(),
        listen: listen.as_deref().map(ports).transpose()?.unwrap_or_default(),
        deadline: deadline.map(seconds).transpose()?,
    }))
}

fn valid(
    option: &'static str,
    value: String,
    is: impl Fn(&str) -> bool,
    expected: &'static str,
) -> Result<String, UsageError> {
    if is(&value) { Ok(value) } else { Err(UsageError::Invalid { option, value, expected }) }
}

/// Errors end up in logs; a secret does not belong there, not even a wrong one.
fn hide_nonce(error: UsageError) -> UsageError {
    match error {
        UsageError::Invalid { option, value, expected } => {
            UsageError::Invalid { option, value: format!("({} bytes)", value.len()), expected }
        }
        other => other,
    }
}

fn ports(list: &str) -> Result<Vec<(Protocol, Port)>, UsageError> {
    let invalid = |item: &str, expected| UsageError::Invalid { option: "listen", value: item.to_owned(), expected };
    let mut ports = Vec::new();
    for item in list.split(',') {
        let port = item.split_once(':').and_then(|(protocol, port)| {
            let protocol = Protocol::parse(&protocol.to_ascii_uppercase())?;
            Some((protocol, Port::new(port.parse().ok()?)?))
        });
        let port = port.ok_or_else(|| invalid(item, "tcp, udp or sctp, a colon and a port, such as tcp:8080"))?;
        if ports.contains(&port) {
            return Err(invalid(item, "given once only"));
        }
        ports.push(port);
    }
    Ok(ports)
}

fn seconds(text: String) -> Result<Duration, UsageError> {
    match text.parse() {
        Ok(seconds @ 1..) => Ok(Duration::from_secs(seconds)),
        _ => Err(UsageError::Invalid { option: "deadline", value: text, expected: "a whole number of seconds from 1" }),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(line: &str) -> Result<Command, UsageError> {
        parse(line.split_whitespace().map(str::to_owned), |_| None)
    }

    fn port(number: u16) -> Port {
        Port::new(number).unwrap()
    }

    #[test]
    fn all_options_are_read() {
        let line = "--name t1-web-x --nonce 0123456789 --listen tcp:8080,UDP:53 --orders=/o --deadline 600";
        let expected = Config {
            name: "t1-web-x".into(),
            nonce: "0123456789".into(),
            listen: vec![(Protocol::Tcp, port(8080)), (Protocol::Udp, port(53))],
            orders: "/o".into(),
            deadline: Some(Duration::from_mins(10)),
        };
        assert_eq!(read(line), Ok(Command::Run(expected)));
    }

    #[test]
    fn variables_fill_what_the_line_leaves_open() {
        let env = |name: &str| match name {
            "TENANTPROOF_PROBE_NAME" => Some("by-env".to_owned()),
            "TENANTPROOF_PROBE_NONCE" => Some("0123456789".to_owned()),
            "TENANTPROOF_PROBE_ORDERS" => Some("/o".to_owned()),
            "TENANTPROOF_PROBE_LISTEN" => Some(String::new()),
            _ => None,
        };
        let Ok(Command::Run(config)) = parse(["--name=by-line".to_owned()], env) else { panic!("it is complete") };
        assert_eq!((config.name.as_str(), config.listen.len(), config.deadline), ("by-line", 0, None));
    }

    #[rstest]
    #[case("--help --nonsense", Ok(Command::Help))]
    #[case("--version", Ok(Command::Version))]
    fn help_and_version_come_first(#[case] line: &str, #[case] expected: Result<Command, UsageError>) {
        assert_eq!(read(line), expected);
    }

    #[rstest]
    #[case("", "--name is missing; give it, or set TENANTPROOF_PROBE_NAME")]
    #[case("--name a", "--nonce is missing; give it, or set TENANTPROOF_PROBE_NONCE")]
    #[case("--name a --nonce 01234567", "--orders is missing; give it, or set TENANTPROOF_PROBE_ORDERS")]
    #[case("--name", "--name needs a value")]
    #[case("--name a --name b", "--name was given twice")]
    #[case("name", "`name` is no option; see --help")]
    #[case("--named a", "`--named` is no option; see --help")]
    #[case("--name a/b --nonce 01234567 --orders /o", "--name: `a/b` is not letters, digits, `-`, `.` or `_`")]
    #[case("--name a --nonce short --orders /o", "--nonce: `(5 bytes)` is not 8 to 256 printable characters")]
    #[case(
        "--name a --nonce 01234567 --orders /o --listen tcp:0",
        "--listen: `tcp:0` is not tcp, udp or sctp, a colon and a port, such as tcp:8080"
    )]
    #[case(
        "--name a --nonce 01234567 --orders /o --listen icmp:1",
        "--listen: `icmp:1` is not tcp, udp or sctp, a colon and a port, such as tcp:8080"
    )]
    #[case("--name a --nonce 01234567 --orders /o --listen udp:1,udp:1", "--listen: `udp:1` is not given once only")]
    #[case(
        "--name a --nonce 01234567 --orders /o --deadline 0",
        "--deadline: `0` is not a whole number of seconds from 1"
    )]
    fn errors_say_what_was_expected(#[case] line: &str, #[case] message: &str) {
        assert_eq!(read(line).map_err(|error| error.to_string()), Err(message.to_owned()));
    }
}
