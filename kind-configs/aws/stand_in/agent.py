"""A stand-in for the EKS Pod Identity Agent, on one node: hands out a role's credentials for a service account's token.

Made after the agent's own source, v0.1.37: path, Host check, order of the checks, statuses, texts, headers. Simpler than
the real one: it has no IPv6 address; nothing refreshes what it keeps, it asks anew when somebody asks after three hours;
it waits five seconds for EKS Auth, not one; and what an unreachable one is called is botocore's wording, not Go's.
"""

import argparse
import datetime
import http.client
import json
import logging
import sys
import threading
import time
import urllib.request
from collections import Counter, OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import botocore.session
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError

from . import token as tokens

ADDRESSES = ("169.254.170.23", "fd00:ec2::23")
PATH = "/v1/credentials"
REQUESTS_PER_SECOND = 1000
RENEW_AFTER = 3 * 3600
LEAST_LEFT = 15
MOST_KEPT = 2000
# After these EKS Auth's answer is not going to change, and what was kept is forgotten.
IRRECOVERABLE = ("ResourceNotFoundException", "ExpiredTokenException", "InvalidTokenException", "AccessDeniedException")

log = logging.getLogger("agent")


class Refused(Exception):
    """What the caller is told, with its HTTP status."""

    def __init__(self, status: int, text: str, code: str = ""):
        super().__init__(text)
        self.status, self.text, self.code = status, text, code


def host_of(header: str) -> str:
    """The Host header without port and brackets, taken apart as Go's net.SplitHostPort does."""
    if header.startswith("["):
        end = header.find("]")
        if end > 0 and header[end + 1 : end + 2] == ":":
            return header[1:end]
        if len(header) > 1 and header.endswith("]"):
            return header[1:-1]
        return header
    host, colon, _ = header.rpartition(":")
    return host if colon and ":" not in host else header


class Bucket:
    """A rate limit: so many a second, and half as many at once."""

    def __init__(self, rate: int):
        self.rate, self.burst = rate, rate / 2
        self.left, self.at = self.burst, time.monotonic()
        self.lock = threading.Lock()

    def allow(self) -> bool:
        with self.lock:
            now = time.monotonic()
            self.left = min(self.burst, self.left + (now - self.at) * self.rate)
            self.at = now
            if self.left < 1:
                return False
            self.left -= 1
            return True


class Agent:
    """What is behind the one path."""

    def __init__(self, eks_auth, cluster: str, addresses=ADDRESSES):
        self.eks_auth, self.cluster, self.addresses = eks_auth, cluster, list(addresses)
        self.kept: OrderedDict[str, tuple[dict, float, float]] = OrderedDict()
        self.lock = threading.Lock()
        self.asking: dict[str, threading.Lock] = {}
        self.answered: Counter[int] = Counter()
        self.limit = Bucket(REQUESTS_PER_SECOND)

    def credentials(self, host: str, token: str) -> dict:
        host = host_of(host)
        if host not in self.addresses:
            raise Refused(403, "Access Denied. Called agent through invalid address, please use either "
                          f"[{' '.join(self.addresses)}] address not {host}")
        if not token:
            raise Refused(400, "Service account token cannot be empty")
        try:
            claims = tokens.parse(token)
        except tokens.NotParsed as error:
            raise Refused(400, f"Service account token cannot be parsed: {error}") from None
        try:
            tokens.check_times(claims)
        except tokens.ClaimsFail as error:
            raise Refused(400, f"Service account token failed basic claim validations: {error}") from None
        with self.lock:
            own = self.asking.setdefault(token, threading.Lock())
        try:
            with own:
                return self._kept_or_fetched(token)
        finally:
            with self.lock:
                if not own.locked():
                    self.asking.pop(token, None)

    def _kept_or_fetched(self, token: str) -> dict:
        now = time.time()
        with self.lock:
            kept = self.kept.get(token)
            if kept:
                self.kept.move_to_end(token)
        if kept and now < kept[1] and kept[2] - now > LEAST_LEFT:
            return kept[0]
        try:
            answer, expires = self._fetch(token)
        except Refused as refused:
            still_good = kept and kept[2] - now > LEAST_LEFT
            if still_good and refused.code not in IRRECOVERABLE:
                return kept[0]
            with self.lock:
                self.kept.pop(token, None)
            raise
        with self.lock:
            self.kept[token] = (answer, now + min(RENEW_AFTER, expires - now), expires)
            while len(self.kept) > MOST_KEPT:
                self.kept.popitem(last=False)
        return answer

    def _fetch(self, token: str) -> tuple[dict, float]:
        try:
            answer = self.eks_auth.assume_role_for_pod_identity(clusterName=self.cluster, token=token)
        except ClientError as error:
            told, meta = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
            status, code = meta.get("HTTPStatusCode", 500), told.get("Code", "")
            fault = "server" if status >= 500 else "client"
            raise Refused(status, f"[{meta.get('RequestId', '')}]: ({code}): {told.get('Message', '')}, fault: {fault}",
                          code) from None
        except (BotoCoreError, OSError) as error:
            raise Refused(500, "error getting credentials to cache: unable to fetch credentials from EKS Auth: "
                          f"operation error EKS Auth: AssumeRoleForPodIdentity, {error}") from None
        made = answer["credentials"]
        expires = made["expiration"]
        return {
            "AccessKeyId": made["accessKeyId"],
            "SecretAccessKey": made["secretAccessKey"],
            "Token": made["sessionToken"],
            "AccountId": answer["assumedRoleUser"]["arn"].split(":")[4],
            "Expiration": expires.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }, expires.timestamp()


class Handler(BaseHTTPRequestHandler):
    """HTTP as Go's server speaks it."""

    protocol_version = "HTTP/1.1"
    server_version = sys_version = ""
    timeout = 30
    agent: Agent

    def __getattr__(self, name):
        # Any method is served alike.
        if name.startswith("do_"):
            return self.serve
        raise AttributeError(name)

    def serve(self):
        # A body is of no interest, but must not be taken for the next request.
        if self.headers.get("Content-Length", "0") != "0" or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
        if self.path.split("?", 1)[0] != PATH:
            self.answer(404, "404 page not found\n")
        elif not self.agent.limit.allow():
            self.answer(429, "Too Many Requests\n")
        else:
            self.serve_credentials()

    def serve_credentials(self):
        try:
            made = self.agent.credentials(self.headers.get("Host", ""), self.headers.get("Authorization", ""))
        except Refused as refused:
            log.error("Error fetching credentials: %s", refused.text)
            self.agent.answered[refused.status] += 1
            self.answer(refused.status, refused.text + "\n")
        else:
            self.agent.answered[200] += 1
            self.answer(200, json.dumps(made, separators=(",", ":")), "application/json")

    def answer(self, status: int, text: str, kind: str = "text/plain; charset=utf-8"):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if status != 200:
            self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_response(self, code, message=None):
        self.log_request(code)
        self.send_response_only(code, message)
        self.send_header("Date", self.date_time_string())

    def log_message(self, format, *args):  # the name is the base class'
        log.info("%s %s", self.client_address[0], format % args)


class Health(Handler):
    """The ports for the kubelet and for metrics: the agent is well where it answers 404 on another path."""

    at: tuple[str, int]

    def serve(self):
        path = self.path.split("?", 1)[0]
        if path in ("/healthz", "/readyz"):
            self.answer(*self.health())
        elif path == "/metrics" and self.server.server_address[1] == self.metrics_port:
            lines = "".join(f'pod_identity_http_response{{code="{code}"}} {n}\n' for code, n in sorted(self.agent.answered.items()))
            self.answer(200, "# TYPE pod_identity_http_response counter\n" + lines, "text/plain; version=0.0.4; charset=utf-8")
        else:
            self.answer(404, "404 page not found\n")

    metrics_port = 0

    def health(self) -> tuple[int, str]:
        connection = http.client.HTTPConnection(*self.at, timeout=10)
        try:
            connection.request("GET", "/")
            status = connection.getresponse().status
        except TimeoutError:
            return 408, ""
        except OSError:
            return 500, "Internal Server Error occurred"
        finally:
            connection.close()
        return (200, "") if status == 404 else (500, "Internal Server Error occurred")

    def log_message(self, format, *args):
        pass


def node_role(endpoint: str, node: str, enrolment_file: str):
    """The node's own credentials, from what stands in for instance metadata; asked anew before they expire."""

    def fetch():
        with open(enrolment_file, encoding="ascii") as file:
            enrolment = file.read().strip()
        request = urllib.request.Request(f"{endpoint}/_stand-in/instance-credentials/{node}",
                                         headers={"Authorization": f"Enrolment {enrolment}"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            made = json.load(answer)
        return {"access_key": made["AccessKeyId"], "secret_key": made["SecretAccessKey"],
                "token": made["Token"], "expiry_time": made["Expiration"]}

    return RefreshableCredentials.create_from_metadata(fetch(), fetch, "stand-in-for-instance-metadata")


def eks_auth_client(endpoint: str, region: str, credentials):
    session = botocore.session.Session()
    session._credentials = credentials  # so that they are refreshed; the constructor takes fixed ones alone
    # The agent gives EKS Auth a second in all. Its stand-in asks four others, on a machine that may be busy.
    config = Config(connect_timeout=0.5, read_timeout=5, max_pool_connections=50, retries={"mode": "standard", "total_max_attempts": 3})
    return session.create_client("eks-auth", region_name=region, endpoint_url=endpoint, config=config)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024  # pods start at the same moment


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--endpoint", required=True, help="where EKS Auth's stand-in answers")
    parser.add_argument("--cluster-name", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--node", required=True, help="this node's name")
    parser.add_argument("--enrolment", required=True, help="a file with what the node proves itself by")
    parser.add_argument("--bind", default=ADDRESSES[0])
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--probe-port", type=int, default=2703)
    parser.add_argument("--metrics-address", default="0.0.0.0")
    parser.add_argument("--metrics-port", type=int, default=2705)
    parser.add_argument("--target-host", action="append", help="taken as Host instead of the agent's addresses")
    given = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")

    credentials = None
    while credentials is None:
        try:
            credentials = node_role(given.endpoint, given.node, given.enrolment)
        except (OSError, ValueError, KeyError) as error:
            log.warning("the node's role is not to be had yet: %s", error)
            time.sleep(1)
    agent = Agent(eks_auth_client(given.endpoint, given.region, credentials), given.cluster_name,
                  given.target_host or ADDRESSES)
    own = type("Own", (Handler,), {"agent": agent})
    health = type("OwnHealth", (Health,), {"agent": agent, "at": (given.bind, given.port), "metrics_port": given.metrics_port})
    servers = [Server((given.bind, given.port), own)]
    if given.probe_port:
        servers.append(Server(("127.0.0.1", given.probe_port), health))
    if given.metrics_port:
        servers.append(Server((given.metrics_address, given.metrics_port), health))
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    log.info("stand-in for the EKS Pod Identity Agent on %s:%d, cluster %s", given.bind, given.port, given.cluster_name)
    servers[0].serve_forever()


if __name__ == "__main__":
    main()
