"""AWS' stand-in as plain processes on loopback: no engine, no lab. Run by aws_test.sh, which has the packages at hand.

The API server here is a fake of two paths: tokens are reviewed by what stands in them. A lab's own API server is asked in
aws_lab_test.sh.
"""

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE / "aws"))

from stand_in import agent as agent_module  # noqa: E402
from stand_in import token as tokens  # noqa: E402

ACCOUNT, REGION, CLUSTER = "111122223333", "us-east-1", "loopback"
ROOT = {"AWS_ACCESS_KEY_ID": "AKIAROOTOFTHETESTS00", "AWS_SECRET_ACCESS_KEY": "known-to-the-tests-alone"}
AUDIENCE = "pods.eks.amazonaws.com"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def encoded(value) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def jwt(namespace="tenant-1", account="app", pod="web-5d9c7", audience=AUDIENCE, seconds=3600, real=True, header=None, **claims) -> str:
    """A token as Kubernetes makes them; the fake API server vouches for those that are `real`."""
    now = int(time.time())
    bound = {"namespace": namespace, "serviceaccount": {"name": account}}
    if pod:
        bound["pod"] = {"name": pod, "uid": f"uid-of-{pod}"}
    body = {"aud": [audience], "exp": now + seconds, "nbf": now - 5, "iat": now - 5, "kubernetes.io": bound,
            "sub": f"system:serviceaccount:{namespace}:{account}", **claims}
    body = {key: value for key, value in body.items() if value is not None}
    return ".".join([encoded(header or {"alg": "RS256", "kid": "k"}), encoded(body), encoded(b"vouched for" if real else b"forged")])


class FakeApiServer(BaseHTTPRequestHandler):
    """Reviews tokens, keeps the list of associations."""

    protocol_version = "HTTP/1.1"
    published: dict = {}
    reviewed: list = []
    broken = False

    def read(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, body, status=201):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        spec = self.read()["spec"]
        type(self).reviewed.append(spec["audiences"])
        if self.broken:
            return self.answer({}, 500)
        assert self.headers["Authorization"] == "Bearer of-the-stand-in"
        head, claims, signature = spec["token"].split(".")
        claims = json.loads(base64.urlsafe_b64decode(claims + "=="))
        if signature != encoded(b"vouched for"):
            return self.answer({"status": {"authenticated": False, "error": "invalid bearer token"}})
        audiences = [a for a in claims["aud"] if a in spec["audiences"]]
        if not audiences:
            return self.answer({"status": {"authenticated": False, "error": "token audiences are invalid for the target audiences"}})
        pod = claims["kubernetes.io"].get("pod")
        extra = {"authentication.kubernetes.io/pod-name": [pod["name"]], "authentication.kubernetes.io/pod-uid": [pod["uid"]]} if pod else {}
        return self.answer({"status": {"authenticated": True, "audiences": audiences, "user": {"username": claims["sub"], "extra": extra}}})

    def do_GET(self):
        self.answer({"metadata": {"name": "eks-pod-identity", "annotations": {"of": "others"}}}, 200)

    def do_PUT(self):
        given = self.read()
        assert given["metadata"]["annotations"] == {"of": "others"}
        type(self).published = given["data"]
        self.answer({}, 200)

    def log_message(self, *_):
        pass


class World:
    """All processes, once for all tests."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.api = ThreadingHTTPServer(("127.0.0.1", 0), FakeApiServer)
        threading.Thread(target=self.api.serve_forever, daemon=True).start()
        self.port, self.agent_port = free_port(), free_port()
        self.probe_port, self.metrics_port = free_port(), free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        for name, text in {"api-server": f"http://127.0.0.1:{self.api.server_address[1]}", "token": "of-the-stand-in", "cluster": CLUSTER,
                           "endpoint": self.endpoint, "enrolment": "of-a-node", "version": "1.34"}.items():
            Path(self.folder.name, name).write_text(text)
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("AWS_")}, **ROOT, "AUTH": "true", "STAND_IN_DIR": self.folder.name,
            "GATEWAY_PORT": str(self.port), "BIND_HOST": "0.0.0.0", "MINISTACK_ACCOUNT_ID": ACCOUNT, "MINISTACK_REGION": REGION,
            "PYTHONPATH": str(HERE / "aws"), "PYTHONDONTWRITEBYTECODE": "1", "LOG_LEVEL": "WARNING"}
        self.log = open(Path(self.folder.name, "log"), "w+")
        self.processes = [self.start("stand_in.cloud")]
        self.wait_for(self.port)
        told = subprocess.run([sys.executable, "-m", "stand_in.bootstrap"], env=self.environment, check=True, capture_output=True, text=True).stdout
        self.admin = dict(line.split(" = ") for line in told.splitlines()[1:])
        self.processes.append(self.start(
            "stand_in.agent", "--endpoint", self.endpoint, "--cluster-name", CLUSTER, "--region", REGION, "--node", "node-1",
            "--enrolment", f"{self.folder.name}/enrolment", "--bind", "127.0.0.1", "--port", str(self.agent_port), "--probe-port",
            str(self.probe_port), "--metrics-address", "127.0.0.1", "--metrics-port", str(self.metrics_port), "--target-host", "169.254.170.23",
            "--target-host", "fd00:ec2::23", "--target-host", "127.0.0.1"))
        self.wait_for(self.agent_port)

    def start(self, module, *arguments):
        return subprocess.Popen([sys.executable, "-m", module, *arguments], env=self.environment, stdout=self.log, stderr=self.log)

    def wait_for(self, port):
        deadline = time.time() + 30
        while time.time() < deadline:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    return
            if any(process.poll() is not None for process in getattr(self, "processes", [])):
                break
            time.sleep(0.1)
        self.log.seek(0)
        raise RuntimeError("a server does not come up:\n" + self.log.read())

    def client(self, service, access=None, secret=None, token=None, **more):
        return boto3.session.Session().client(
            service, region_name=REGION, endpoint_url=self.endpoint, aws_access_key_id=access or self.admin["aws_access_key_id"],
            aws_secret_access_key=secret or self.admin["aws_secret_access_key"], aws_session_token=token, **more)

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.api.shutdown()
        self.log.close()
        self.folder.cleanup()


world: World


def setUpModule():
    global world
    world = World()
    tell_the_story()


def tearDownModule():
    world.stop()


def tell_the_story():
    """Two tenants' buckets, roles and associations, as on a lab."""
    subprocess.run([sys.executable, HERE / "story/aws/cloud.py"], env=world.environment, check=True, stdout=subprocess.DEVNULL)


def trust_for(tenant, **condition):
    return {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": AUDIENCE}, "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": condition or {"StringEquals": {
            "aws:RequestTag/kubernetes-namespace": tenant,
            "aws:RequestTag/eks-cluster-arn": f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{CLUSTER}"}}}]}


def policy_for(tenant):
    return {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{tenant}-data"},
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "Resource": f"arn:aws:s3:::{tenant}-data/*"}]}


def make_role(iam, name, trust, policy=None):
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    if policy:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def associate(namespace, account, role, **more):
    return world.client("eks").create_pod_identity_association(
        clusterName=CLUSTER, namespace=namespace, serviceAccount=account, roleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", **more)["association"]


def ask_agent(token="", host="169.254.170.23", path="/v1/credentials", method="GET", port=None, body=None):
    """Status, content type and text; no Host and no Authorization where they are None."""
    connection = http.client.HTTPConnection("127.0.0.1", port or world.agent_port, timeout=20)
    connection.putrequest(method, path, skip_host=True)
    if host is not None:
        connection.putheader("Host", host)
    if token:
        connection.putheader("Authorization", token)
    if body:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers.get("Content-Type"), text


def credentials_of(token, **more):
    status, _, text = ask_agent(token, **more)
    assert status == 200, text
    return json.loads(text)


def client_of(token, service):
    made = credentials_of(token)
    return world.client(service, made["AccessKeyId"], made["SecretAccessKey"], made["Token"])


def refusal(call, **given):
    """Code and HTTP status of what must be refused."""
    try:
        call(**given)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    return "granted", 200


class TokenTexts(unittest.TestCase):
    """Words of golang-jwt 5.2, which the agent passes on."""

    def parse(self, text):
        try:
            tokens.parse(text)
        except tokens.NotParsed as error:
            return str(error)
        return "parsed"

    def test_shapes(self):
        head, claims = encoded({"alg": "RS256"}), encoded({})
        for text, want in {
            f"{head}.{claims}.": "parsed",
            "one.two": "token is malformed: token contains an invalid number of segments",
            "a.b.c.d": "token is malformed: token contains an invalid number of segments",
            f"Bearer {head}.{claims}.x": "token is malformed: could not base64 decode header: illegal base64 data at input byte 6",
            f"{head}.!.x": "token is malformed: could not base64 decode claim: illegal base64 data at input byte 0",
            f"{head}.{claims}=.x": f"token is malformed: could not base64 decode claim: illegal base64 data at input byte {len(claims)}",
            f"aaaaa.{claims}.x": "token is malformed: could not base64 decode header: illegal base64 data at input byte 4",
            f"{encoded({})}.{claims}.x": "token is unverifiable: signing method (alg) is unspecified",
            f"{encoded({'alg': 'RS1'})}.{claims}.x": "token is unverifiable: signing method (alg) is unavailable",
        }.items():
            self.assertEqual(self.parse(text), want, text)
        self.assertIn("token is malformed: could not JSON decode header: ", self.parse(f"{encoded(b'x')}.{claims}.x"))
        self.assertIn("token is malformed: could not JSON decode claim: ", self.parse(f"{head}.{encoded([1])}.x"))

    def test_times(self):
        def check(**claims):
            try:
                tokens.check_times(claims, now=1000)
            except tokens.ClaimsFail as error:
                return str(error)
            return "in time"

        self.assertEqual(check(), "in time")
        self.assertEqual(check(exp=1001, nbf=1000), "in time")
        self.assertEqual(check(exp=1000), "token is expired")
        self.assertEqual(check(nbf=1001), "token is not valid yet")
        self.assertEqual(check(exp=1, nbf=2000), "token is expired, token is not valid yet")

    def test_hosts(self):
        for header, want in {"169.254.170.23": "169.254.170.23", "169.254.170.23:80": "169.254.170.23", "fd00:ec2::23": "fd00:ec2::23",
                             "[fd00:ec2::23]": "fd00:ec2::23", "[fd00:ec2::23]:4213": "fd00:ec2::23", "": "", "agent:80": "agent", "[": "["}.items():
            self.assertEqual(agent_module.host_of(header), want, header)


class Agent(unittest.TestCase):
    """The node's agent: statuses, types and texts of aws/eks-pod-identity-agent v0.1.37."""

    PLAIN = "text/plain; charset=utf-8"

    def test_other_paths_are_not_found(self):
        for path in ("/", "/v1/credentials/", "/v1", "/healthz", "/v2/credentials"):
            self.assertEqual(ask_agent(jwt(), path=path), (404, self.PLAIN, "404 page not found\n"), path)

    def test_any_method_is_served(self):
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "BREW"):
            self.assertEqual(ask_agent(jwt(), method=method, body=b"x" if method == "POST" else None)[0], 200, method)
        self.assertEqual(ask_agent(jwt(), method="HEAD"), (200, "application/json", ""))

    def test_another_host_is_refused(self):
        for host in ("169.254.170.2", "localhost", "10.0.0.1:80", ""):
            told = host.rsplit(":", 1)[0]
            self.assertEqual(ask_agent(jwt(), host=host), (
                403, self.PLAIN, "Access Denied. Called agent through invalid address, please use either "
                f"[169.254.170.23 fd00:ec2::23 127.0.0.1] address not {told}\n"))
        for host in ("169.254.170.23:80", "[fd00:ec2::23]", "[fd00:ec2::23]:80", "fd00:ec2::23"):
            self.assertEqual(ask_agent(jwt(), host=host)[0], 200, host)

    def test_the_host_is_looked_at_before_the_token(self):
        self.assertEqual(ask_agent("", host="x")[0], 403)

    def test_bad_tokens(self):
        for token, want in {
            "": "Service account token cannot be empty\n",
            "x": "Service account token cannot be parsed: token is malformed: token contains an invalid number of segments\n",
            "Bearer " + jwt(): "Service account token cannot be parsed: token is malformed: could not base64 decode header: illegal base64 data at input byte 6\n",
            jwt(seconds=-1): "Service account token failed basic claim validations: token is expired\n",
            jwt(nbf=int(time.time()) + 600): "Service account token failed basic claim validations: token is not valid yet\n",
        }.items():
            self.assertEqual(ask_agent(token), (400, self.PLAIN, want))

    def test_the_answer(self):
        made = credentials_of(jwt())
        self.assertEqual(sorted(made), ["AccessKeyId", "AccountId", "Expiration", "SecretAccessKey", "Token"])
        self.assertEqual(made["AccountId"], ACCOUNT)
        left = time.mktime(time.strptime(made["Expiration"], "%Y-%m-%dT%H:%M:%SZ")) - time.mktime(time.gmtime())
        self.assertTrue(21000 < left <= 21600, left)

    def test_errors_of_eks_auth_keep_status_and_name_themselves(self):
        for token, status, code in (
            (jwt(real=False), 400, "InvalidTokenException"),
            (jwt(audience="sts.amazonaws.com"), 400, "InvalidTokenException"),
            (jwt(pod=None), 400, "InvalidTokenException"),
            (jwt(account="default"), 404, "ResourceNotFoundException"),
        ):
            got, kind, text = ask_agent(token)
            self.assertEqual((got, kind), (status, self.PLAIN), text)
            self.assertRegex(text, rf"^\[[0-9a-f-]{{36}}\]: \({code}\): .+, fault: client\n$")

    def test_what_was_given_is_given_again_until_it_ends(self):
        # As the real one: a deleted association still yields credentials, for a token that was used before.
        make_role(world.client("iam"), "leaver", trust_for("tenant-1"))
        made = associate("tenant-1", "leaver", "leaver")
        token = jwt(account="leaver")
        first = credentials_of(token)
        world.client("eks").delete_pod_identity_association(clusterName=CLUSTER, associationId=made["associationId"])
        self.assertEqual(credentials_of(token), first)
        self.assertEqual(ask_agent(jwt(account="leaver", jti="another"))[0], 404)

    def test_an_eks_auth_in_trouble(self):
        FakeApiServer.broken = True
        try:
            status, _, text = ask_agent(jwt(pod="during-trouble"))
        finally:
            FakeApiServer.broken = False
        self.assertEqual(status, 503)
        self.assertRegex(text, r"^\[[0-9a-f-]{36}\]: \(ServiceUnavailableException\): .+, fault: server\n$")

    def test_pods_that_start_together(self):
        with ThreadPoolExecutor(80) as pool:
            made = list(pool.map(lambda n: credentials_of(jwt(pod=f"burst-{n}")), range(80)))
        self.assertEqual(len({m["AccessKeyId"] for m in made}), 80)

    def test_health_and_metrics(self):
        self.assertEqual(ask_agent(path="/healthz", port=world.probe_port)[0], 200)
        self.assertEqual(ask_agent(path="/readyz", port=world.metrics_port)[0], 200)
        self.assertEqual(ask_agent(path="/metrics", port=world.probe_port)[0], 404)
        ask_agent("")
        self.assertIn('pod_identity_http_response{code="400"}', ask_agent(path="/metrics", port=world.metrics_port)[2])

    def test_more_than_a_burst_is_told_to_wait(self):
        bucket = agent_module.Bucket(1000)
        self.assertEqual(sum(bucket.allow() for _ in range(600)) // 100, 5)


class Rules(unittest.TestCase):
    """EKS Auth: who gets which role, with which tags."""

    def test_the_sdks_own_client_works_unchanged(self):
        program = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn']); print(boto3.client('s3').get_object(Bucket='tenant-1-data', Key='marker')['Body'].read().decode())"
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(jwt())
            file.flush()
            environment = {"PATH": os.environ["PATH"], "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": world.endpoint,
                           "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{world.agent_port}/v1/credentials",
                           "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file.name, "HOME": world.folder.name}
            out = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
        self.assertEqual(out.returncode, 0, out.stderr)
        arn, marker = out.stdout.split()
        self.assertRegex(arn, rf"^arn:aws:sts::{ACCOUNT}:assumed-role/tenant-1-app/eks-loopback-web-5d9c7-[0-9a-f-]{{36}}$")
        self.assertEqual(marker, "tenant-1")

    def test_the_story_is_put_back(self):
        iam, s3, eks = (world.client(service) for service in ("iam", "s3", "eks"))
        tell_the_story()   # what it made once stays
        list_own = dict(clusterName=CLUSTER, namespace="tenant-2", serviceAccount="app")
        before = eks.list_pod_identity_associations(**list_own)["associations"]
        iam.put_role_policy(RoleName="tenant-1-app", PolicyName="own-bucket", PolicyDocument=json.dumps(policy_for("*")))
        self.assertEqual(refusal(client_of(jwt(pod="during"), "s3").get_object, Bucket="tenant-2-data", Key="marker")[0], "granted")
        s3.delete_public_access_block(Bucket="tenant-1-data")
        tell_the_story()
        self.assertEqual(refusal(client_of(jwt(pod="during"), "s3").get_object, Bucket="tenant-2-data", Key="marker")[0], "AccessDenied")
        self.assertTrue(all(s3.get_public_access_block(Bucket="tenant-1-data")["PublicAccessBlockConfiguration"].values()))
        self.assertEqual(eks.list_pod_identity_associations(**list_own)["associations"], before)
        eks.update_pod_identity_association(clusterName=CLUSTER, associationId=before[0]["associationId"], disableSessionTags=True)
        self.assertEqual(ask_agent(jwt("tenant-2", pod="untagged"))[0], 400)
        tell_the_story()
        self.assertEqual(ask_agent(jwt("tenant-2", pod="untagged"))[0], 200)

    def test_own_bucket_and_no_other(self):
        for own, other in (("tenant-1", "tenant-2"), ("tenant-2", "tenant-1")):
            s3 = client_of(jwt(own), "s3")
            s3.put_object(Bucket=f"{own}-data", Key="written", Body=b"x")
            self.assertEqual(s3.get_object(Bucket=f"{own}-data", Key="written")["Body"].read(), b"x")
            s3.delete_object(Bucket=f"{own}-data", Key="written")
            self.assertEqual([o["Key"] for o in s3.list_objects_v2(Bucket=f"{own}-data")["Contents"]], ["marker"])
            denied = ("AccessDenied", 403)
            self.assertEqual(refusal(s3.get_object, Bucket=f"{other}-data", Key="marker"), denied)
            self.assertEqual(refusal(s3.put_object, Bucket=f"{other}-data", Key="x", Body=b"x"), denied)
            self.assertEqual(refusal(s3.delete_object, Bucket=f"{other}-data", Key="marker"), denied)
            self.assertEqual(refusal(s3.list_objects_v2, Bucket=f"{other}-data"), denied)
            self.assertEqual(refusal(s3.create_multipart_upload, Bucket=f"{other}-data", Key="x"), denied)

    def test_the_answer_has_all_members_of_the_model(self):
        answer = self.eks_auth().assume_role_for_pod_identity(clusterName=CLUSTER, token=jwt(pod="a-pod-with-a-long-name"))
        self.assertEqual(answer["subject"], {"namespace": "tenant-1", "serviceAccount": "app"})
        self.assertEqual(answer["audience"], AUDIENCE)
        self.assertRegex(answer["podIdentityAssociation"]["associationArn"], r":podidentityassociation/loopback/a-")
        self.assertRegex(answer["assumedRoleUser"]["arn"], r"/eks-loopback-a-pod-with-[0-9a-f-]{36}$")
        self.assertRegex(answer["assumedRoleUser"]["assumeRoleId"], r"^AROA\w+:eks-loopback-a-pod-with-")
        self.assertGreater(answer["credentials"]["expiration"].timestamp(), time.time() + 21000)

    def test_session_tags(self):
        # Each tag is asked of the trust policy, where it can be read without a look into the server.
        tags = {"eks-cluster-arn": f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{CLUSTER}", "eks-cluster-name": CLUSTER, "kubernetes-namespace": "tenant-1",
                "kubernetes-service-account": "tagged", "kubernetes-pod-name": "web-5d9c7", "kubernetes-pod-uid": "uid-of-web-5d9c7"}
        equal = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
        make_role(world.client("iam"), "tagged", trust_for("", StringEquals=equal, **{"ForAllValues:StringEquals": {"aws:TagKeys": list(tags)}}))
        associate("tenant-1", "tagged", "tagged")
        self.assertEqual(ask_agent(jwt(account="tagged"))[0], 200)
        self.assertEqual(ask_agent(jwt(account="tagged", pod="another"))[0], 400)

    def test_session_tags_reach_the_policies(self):
        make_role(world.client("iam"), "by-tag", trust_for("", StringEquals={"sts:RoleSessionName": "x"}) | {"Statement": [
            {"Effect": "Allow", "Principal": {"Service": AUDIENCE}, "Action": ["sts:AssumeRole", "sts:TagSession"]}]},
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::tenant-2-data/*",
                                                     "Condition": {"StringEquals": {"aws:PrincipalTag/kubernetes-namespace": "tenant-2"}}}]})
        associate("tenant-1", "by-tag", "by-tag")
        associate("tenant-2", "by-tag", "by-tag")
        associate("tenant-2", "untagged", "by-tag", disableSessionTags=True)
        get = dict(Bucket="tenant-2-data", Key="marker")
        self.assertEqual(refusal(client_of(jwt("tenant-1", "by-tag"), "s3").get_object, **get), ("AccessDenied", 403))
        self.assertEqual(refusal(client_of(jwt("tenant-2", "by-tag"), "s3").get_object, **get), ("granted", 200))
        self.assertEqual(refusal(client_of(jwt("tenant-2", "untagged"), "s3").get_object, **get), ("AccessDenied", 403))

    def test_a_session_policy_bounds_the_role(self):
        policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]})
        make_role(world.client("iam"), "bounded", trust_for("", StringEquals={"aws:PrincipalType": "x"}) | {"Statement": [
            {"Effect": "Allow", "Principal": {"Service": AUDIENCE}, "Action": "sts:AssumeRole"}]}, policy_for("tenant-1"))
        associate("tenant-1", "bounded", "bounded", disableSessionTags=True, policy=policy)
        s3 = client_of(jwt(account="bounded"), "s3")
        self.assertEqual(refusal(s3.get_object, Bucket="tenant-1-data", Key="marker"), ("granted", 200))
        self.assertEqual(refusal(s3.put_object, Bucket="tenant-1-data", Key="x", Body=b""), ("AccessDenied", 403))

    def test_a_target_role_is_reached_by_way_of_the_first(self):
        iam = world.client("iam")
        first = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": AUDIENCE}, "Action": ["sts:AssumeRole", "sts:TagSession"]}]}
        target = f"arn:aws:iam::{ACCOUNT}:role/target"
        make_role(iam, "first", first, {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": target}]})
        made = associate("tenant-1", "chained", "first", targetRoleArn=target)
        make_role(iam, "target", {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/first"}, "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": {"StringEquals": {"aws:RequestTag/kubernetes-namespace": "tenant-1"}}}]})
        token = jwt(account="chained")
        arn = client_of(token, "sts").get_caller_identity()["Arn"]
        self.assertIn(":assumed-role/target/eks-", arn)
        self.assertTrue(made["externalId"])
        left = time.mktime(time.strptime(credentials_of(token)["Expiration"], "%Y-%m-%dT%H:%M:%SZ")) - time.mktime(time.gmtime())
        self.assertLessEqual(left, 3540)

    def test_roles_that_do_not_trust_pod_identity(self):
        iam = world.client("iam")
        whom = {"instances": {"Service": "ec2.amazonaws.com"}, "account": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "nobody": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/x"}}
        for name, principal in whom.items():
            make_role(iam, name, {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole", "sts:TagSession"]}]})
        make_role(iam, "no-tags", {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": AUDIENCE}, "Action": "sts:AssumeRole"}]})
        # Whom ministack takes the service for may tag; the service may not.
        make_role(iam, "tags-for-others", {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": AUDIENCE}, "Action": "sts:AssumeRole"},
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:TagSession"}]})
        make_role(iam, "other-cluster", trust_for("", StringEquals={"aws:RequestTag/eks-cluster-name": "another"}))
        make_role(iam, "denied", {"Version": "2012-10-17", "Statement": [
            *trust_for("tenant-1")["Statement"], {"Effect": "Deny", "Principal": {"Service": AUDIENCE}, "Action": "sts:AssumeRole"}]})
        for name in (*whom, "no-tags", "tags-for-others", "other-cluster", "denied", "that-does-not-exist"):
            associate("tenant-1", f"of-{name}", name)
            status, _, text = ask_agent(jwt(account=f"of-{name}"))
            self.assertEqual(status, 400, name)
            self.assertRegex(text, r"^\[[0-9a-f-]{36}\]: \(AccessDeniedException\): Unauthorized Exception! EKS does not have permissions to "
                             r"assume the associated role\., fault: client\n$")

    def test_an_expired_token_is_told_in_eks_auths_words(self):
        try:
            self.eks_auth().assume_role_for_pod_identity(clusterName=CLUSTER, token=jwt(seconds=-60))
            self.fail("granted")
        except ClientError as error:
            self.assertEqual(error.response["Error"]["Code"], "ExpiredTokenException")
            self.assertRegex(error.response["Error"]["Message"], "^The token included in the request is expired: current date/time .* must be before the expiration date/time ")

    def test_a_token_is_reviewed_for_its_audience(self):
        FakeApiServer.reviewed.clear()
        ask_agent(jwt(pod="reviewed"))
        self.assertEqual(FakeApiServer.reviewed, [[AUDIENCE]])

    def test_another_cluster_is_not_found(self):
        node = self.node()
        self.assertEqual(refusal(self.eks_auth(node).assume_role_for_pod_identity, clusterName="another", token=jwt()), ("ResourceNotFoundException", 404))

    def test_only_who_may_calls_eks_auth(self):
        call = dict(clusterName=CLUSTER, token=jwt())
        self.assertEqual(refusal(self.eks_auth().assume_role_for_pod_identity, **call)[0], "granted")
        tenant = credentials_of(jwt())
        as_tenant = world.client("eks-auth", tenant["AccessKeyId"], tenant["SecretAccessKey"], tenant["Token"])
        self.assertEqual(refusal(as_tenant.assume_role_for_pod_identity, **call), ("AccessDeniedException", 403))
        node = self.node()
        for access, secret, token, code in (
            (node["AccessKeyId"], "wrong", node["Token"], "InvalidSignatureException"),
            (node["AccessKeyId"], node["SecretAccessKey"], None, "UnrecognizedClientException"),
            (node["AccessKeyId"], node["SecretAccessKey"], "wrong", "UnrecognizedClientException"),
            ("AKIAUNKNOWN000000000", "x", None, "UnrecognizedClientException"),
            ("test", "test", None, "UnrecognizedClientException"),
            (ACCOUNT, "test", None, "UnrecognizedClientException"),
        ):
            self.assertEqual(refusal(world.client("eks-auth", access, secret, token).assume_role_for_pod_identity, **call), (code, 403), access)
        connection = http.client.HTTPConnection("127.0.0.1", world.port)
        connection.request("POST", f"/clusters/{CLUSTER}/assume-role-for-pod-identity", json.dumps({"token": jwt()}))
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.headers["x-amzn-errortype"]), (403, "MissingAuthenticationTokenException"))
        connection.close()

    def test_a_signature_for_another_service_is_none(self):
        node, url = self.node(), f"{world.endpoint}/clusters/{CLUSTER}/assume-role-for-pod-identity"
        for service, want in (("eks-auth", 200), ("eks", 403)):
            request = AWSRequest("POST", url, data=json.dumps({"token": jwt()}))
            SigV4Auth(Credentials(node["AccessKeyId"], node["SecretAccessKey"], node["Token"]), service, REGION).add_auth(request)
            connection = http.client.HTTPConnection("127.0.0.1", world.port)
            connection.request("POST", url.removeprefix(world.endpoint), request.data, dict(request.headers))
            self.assertEqual(connection.getresponse().status, want, service)
            connection.close()

    def test_a_node_must_be_enrolled(self):
        connection = http.client.HTTPConnection("127.0.0.1", world.port)
        for header in ({}, {"Authorization": "Enrolment wrong"}):
            connection.request("GET", "/_stand-in/instance-credentials/node-1", headers=header)
            answer = connection.getresponse()
            answer.read()
            self.assertEqual(answer.status, 401)
        connection.close()

    def test_the_cluster_is_told_of_associations(self):
        made = associate("tenant-2", "told.of", "tenant-2-app")
        self.assertTrue(self.until(lambda: FakeApiServer.published.get("tenant-2.told.of") == made["associationId"]), FakeApiServer.published)
        self.assertEqual((FakeApiServer.published["region"], FakeApiServer.published["endpoint"]), (REGION, world.endpoint))
        world.client("eks").delete_pod_identity_association(clusterName=CLUSTER, associationId=made["associationId"])
        self.assertTrue(self.until(lambda: "tenant-2.told.of" not in FakeApiServer.published), FakeApiServer.published)

    @staticmethod
    def until(true, seconds=10):
        deadline = time.time() + seconds
        while not true() and time.time() < deadline:
            time.sleep(0.05)
        return true()

    @staticmethod
    def node():
        connection = http.client.HTTPConnection("127.0.0.1", world.port)
        connection.request("GET", "/_stand-in/instance-credentials/node-1", headers={"Authorization": "Enrolment of-a-node"})
        made = json.loads(connection.getresponse().read())
        connection.close()
        return made

    def eks_auth(self, node=None):
        node = node or self.node()
        return world.client("eks-auth", node["AccessKeyId"], node["SecretAccessKey"], node["Token"])


class FromOutside(unittest.TestCase):
    """What a pod or this host sees of AWS' side: asked by another address than loopback."""

    @classmethod
    def setUpClass(cls):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            try:
                s.connect(("192.0.2.1", 9))
                cls.address = s.getsockname()[0]
            except OSError:
                cls.address = "127.0.0.1"
        if cls.address.startswith("127."):
            raise unittest.SkipTest("this machine has no other address than loopback")
        cls.endpoint = f"http://{cls.address}:{world.port}"

    def client(self, service, access, secret, **more):
        return boto3.session.Session().client(service, region_name=REGION, endpoint_url=self.endpoint, aws_access_key_id=access, aws_secret_access_key=secret, **more)

    def status(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.address, world.port, timeout=10)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def test_nobody_is_root(self):
        # ministack does not check a root key's signature, and takes `test` and any account's number for one.
        for access in (ROOT["AWS_ACCESS_KEY_ID"], "test", ACCOUNT, "000000000000"):
            for service, call in (("iam", "list_roles"), ("s3", "list_buckets"), ("eks", "list_clusters"), ("sts", "get_caller_identity")):
                code, status = refusal(getattr(self.client(service, access, "whatever"), call))
                self.assertEqual(status, 403, (access, service, code))

    def test_the_administrator_is_known_by_its_signature(self):
        self.assertEqual(refusal(self.client("s3", world.admin["aws_access_key_id"], world.admin["aws_secret_access_key"]).list_buckets)[0], "granted")
        self.assertEqual(refusal(self.client("s3", world.admin["aws_access_key_id"], "wrong").list_buckets)[1], 403)

    def test_nobody_in_particular_gets_nothing(self):
        for method, path, body in (("GET", "/", None), ("GET", "/tenant-1-data/marker", None), ("GET", "/tenant-1-data", None), ("PUT", "/a-new-bucket", None), ("PUT", "/tenant-1-data", None), ("PUT", "/tenant-1-data?policy", "{}"), ("PUT", "/tenant-1-data/x", "x"),
                                   ("POST", "/", "Action=ListRoles&Version=2010-05-08"), ("GET", "/clusters", None), ("GET", f"/clusters/{CLUSTER}", None),
                                   ("GET", f"/clusters/{CLUSTER}/pod-identity-associations", None)):
            self.assertEqual(self.status(method, path, body), 403, (method, path))

    def test_two_credentials_are_one_too_many(self):
        good = f"AWS4-HMAC-SHA256 Credential={world.admin['aws_access_key_id']}/20261127/{REGION}/s3/aws4_request, SignedHeaders=host, Signature=0"
        self.assertEqual(self.status("GET", "/tenant-1-data/marker?X-Amz-Credential=test/20261127/us-east-1/s3/aws4_request", headers={"Authorization": good}), 403)
        self.assertEqual(self.status("GET", "/tenant-1-data/marker?AWSAccessKeyId=test&Signature=x&Expires=9999999999"), 403)

    def test_inner_paths_are_shut(self):
        for path in ("/_ministack/reset", "/_ministack/config", "/_localstack/init", "/_aws/x", "/latest/meta-data/iam/security-credentials/", "/latest/api/token"):
            for method in ("GET", "POST", "PUT"):
                self.assertEqual(self.status(method, path), 404, path)
        self.assertEqual(self.status("GET", "/_ministack/health"), 200)
        self.assertEqual(refusal(self.client("s3", world.admin["aws_access_key_id"], world.admin["aws_secret_access_key"]).get_object, Bucket="tenant-1-data", Key="marker")[0], "granted")

    def test_a_form_does_not_write_as_root(self):
        policy = base64.b64encode(json.dumps({"expiration": "2099-01-01T00:00:00Z", "conditions": [{"bucket": "tenant-1-data"}, ["starts-with", "$key", ""]]}).encode()).decode()
        fields = {"key": "by-form", "policy": policy, "AWSAccessKeyId": "test", "signature": "x"}
        text = "".join(f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items())
        text += '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nx\r\n--b--\r\n'
        self.status("POST", "/tenant-1-data", text, {"Content-Type": "multipart/form-data; boundary=b"})
        keys = [o["Key"] for o in world.client("s3").list_objects_v2(Bucket="tenant-1-data")["Contents"]]
        self.assertNotIn("by-form", keys)


class Result(unittest.TextTestResult):
    """One line a test, as the lab's other tests print them."""

    def __init__(self, *given):
        super().__init__(*given)
        self.good = 0

    def addSuccess(self, test):
        self.good += 1
        print(f"ok {self.testsRun} - {test.id().removeprefix('__main__.')}", flush=True)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        print(f"not ok {self.testsRun} - {test.id().removeprefix('__main__.')}", flush=True)

    addError = addFailure

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        print(f"ok {self.testsRun} - {test} # SKIP {reason}", flush=True)


if __name__ == "__main__":
    done = unittest.main(testRunner=unittest.TextTestRunner(resultclass=Result, verbosity=0), exit=False).result
    print(f"{done.good} passed, {len(done.failures) + len(done.errors)} failed, {len(done.skipped)} skipped")
    sys.exit(not done.wasSuccessful())
