"""AWS' side of a lab in one process: ministack with enforcement, and EKS Auth's stand-in on the same address.

Beside routing it shuts what ministack leaves open to whoever reaches it: the account's root keys, whose signature it does
not check, its own administrative paths, and its instance metadata are for this very machine alone; and some calls of S3
and others that it serves without credentials are refused.
"""

import asyncio
import base64
import hmac
import ipaddress
import json
import logging
import os
import re
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs

from . import associations, eks_auth, instance, settings

ACTION = re.compile(r"/clusters/([0-9A-Za-z][A-Za-z0-9_-]{0,99})/assume-role-for-pod-identity")
INSTANCE = re.compile(r"/_stand-in/instance-credentials/([a-z0-9.-]{1,253})")
CLUSTER = re.compile(r"/clusters/([^/]+)")
ASSOCIATIONS = re.compile(r"/clusters/[^/]+/pod-identity-associations(/[^/]+)?")
# What is no AWS API: ministack's own, LocalStack's and those of the emulated instance and its containers.
INNER = ("/_", "/latest/", "/health", "/v2/credentials", "/v3", "/v4")
OPEN = ("/_ministack/health",)
MOST_BODY = 1 << 20

log = logging.getLogger("cloud")


def is_near(scope) -> bool:
    try:
        return ipaddress.ip_address((scope.get("client") or ("",))[0]).is_loopback
    except ValueError:
        return False


def headers_of(scope) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in scope.get("headers", []):
        name, value = name.decode("latin-1").lower(), value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def keys_of(scope) -> set[str]:
    """Every access key that a request names anywhere in its headers or its query."""
    keys = set()
    for name, value in scope.get("headers", []):
        if name.lower() == b"authorization":
            text = value.decode("latin-1")
            keys.update(re.findall(r"Credential=([^/,\s]*)", text, re.IGNORECASE))
            keys.update(re.findall(r"^AWS ([^:]*):", text))
    for name, values in parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True).items():
        if name.lower() == "x-amz-credential":
            keys.update(value.split("/", 1)[0] for value in values)
        elif name.lower() == "awsaccesskeyid":
            keys.update(values)
    return keys


def names_root(scope) -> bool:
    from ministack.core.iam_evaluator import is_root_access_key

    authorizations = [value for name, value in scope.get("headers", []) if name.lower() == b"authorization"]
    return len(authorizations) > 1 or any(not key or is_root_access_key(key) for key in keys_of(scope))


def names_bucket(path: str) -> bool:
    """Whether a request is for a bucket that exists: who gives no credentials can ask for nothing else."""
    from ministack.services import s3

    return path.lstrip("/").split("/", 1)[0] in s3._buckets


class Cloud:
    """The ASGI application."""

    def __init__(self, ministack, published: associations.Published):
        self.ministack, self.published = ministack, published
        # Apart from ministack's own threads, which serve what these ask for.
        self.workers = ThreadPoolExecutor(16, "eks-auth")

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            return await self.ministack(scope, receive, send)
        if scope["type"] != "http":
            return None
        path, method, near = scope["path"], scope["method"], is_near(scope)
        action = ACTION.fullmatch(path)
        if action and method == "POST":
            return await self.assume_role(action[1], scope, receive, send)
        node = INSTANCE.fullmatch(path)
        if node and method == "GET":
            return await self.instance_credentials(node[1], scope, send)
        if not near:
            if path.startswith(INNER) and path not in OPEN:
                return await answer(send, 404, {"message": "not found"})
            if names_root(scope):
                return await answer(send, 403, refused_xml(), "text/xml")
            if path not in OPEN and not keys_of(scope) and not names_bucket(path):
                return await answer(send, 403, denied_xml(), "application/xml")
        cluster = CLUSTER.fullmatch(path)
        if cluster and method == "GET" and cluster[1] == settings.told("cluster"):
            return await self.described(scope, receive, send)
        await self.ministack(scope, receive, send)
        if method in ("POST", "DELETE") and ASSOCIATIONS.fullmatch(path):
            self.published.changed()

    async def described(self, scope, receive, send):
        """ministack names an API server of its own; the cluster's is the lab's, by address and by authority."""
        begun, body = {}, b""

        async def held(message):
            nonlocal begun, body
            if message["type"] == "http.response.start":
                begun = message
            else:
                body += message.get("body", b"")

        await self.ministack(scope, receive, held)
        if begun["status"] == 200:
            told = json.loads(body)
            authority = base64.b64encode(settings.told("ca.crt").encode()).decode()
            told["cluster"] |= {"endpoint": settings.told("api-server"), "certificateAuthority": {"data": authority}}
            body = json.dumps(told).encode()
        headers = [(name, value) for name, value in begun["headers"] if name.lower() != b"content-length"]
        await send({**begun, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})

    async def assume_role(self, cluster: str, scope, receive, send):
        request_id = str(uuid.uuid4())
        body = await body_of(receive)
        if body is None:
            return await told(send, request_id, "InvalidRequestException", "The request is too large.", 400)
        denied = authorize(cluster, scope, body, request_id)
        if denied:
            return await told(send, request_id, *denied)
        try:
            made = await asyncio.get_running_loop().run_in_executor(self.workers, eks_auth.assume, cluster, body)
        except eks_auth.Refusal as refusal:
            log.info("EKS Auth: %s: %s: %s", request_id, refusal.code, refusal.message)
            return await told(send, request_id, refusal.code, refusal.message, refusal.status)
        except Exception:
            log.exception("EKS Auth: %s", request_id)
            return await told(send, request_id, "InternalServerException", "An internal error occurred.", 500)
        log.info("EKS Auth: %s: %s/%s: %s", request_id, *made["subject"].values(), made["assumedRoleUser"]["arn"])
        return await answer(send, 200, made, headers=[(b"x-amzn-requestid", request_id.encode())])

    async def instance_credentials(self, node: str, scope, send):
        given = headers_of(scope).get("authorization", "")
        if not hmac.compare_digest(given.encode(), b"Enrolment " + settings.told("enrolment").encode()):
            return await answer(send, 401, {"message": "not enrolled"})
        return await answer(send, 200, await asyncio.get_running_loop().run_in_executor(self.workers, instance.credentials, node))


def authorize(cluster: str, scope, body: bytes, request_id: str) -> tuple[str, str, int] | None:
    """Signature and policies of the caller, by ministack's own code; what it is refused with, or None."""
    from ministack.core import iam_evaluator as iam
    from ministack.core.responses import set_request_account_id, set_request_region
    from ministack.core.router import extract_access_key_id, extract_region
    from ministack.core.sigv4 import parse_header_signature

    headers = headers_of(scope)
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    if "authorization" not in headers:
        return "MissingAuthenticationTokenException", "Missing Authentication Token", 403
    key = extract_access_key_id(headers)
    if not key or names_root(scope) or keys_of(scope) != {key}:
        return "UnrecognizedClientException", "The security token included in the request is invalid.", 403
    signature = parse_header_signature(headers)
    if isinstance(signature, tuple):
        return "IncompleteSignatureException", signature[1], 403
    if signature.service != "eks-auth":
        return "InvalidSignatureException", "Credential should be scoped to correct service: 'eks-auth'.", 403
    set_request_account_id(iam.find_iam_access_key_account(key) or key)
    set_request_region(extract_region(headers, query))
    iam.pin_request_origin((scope.get("client") or ("127.0.0.1",))[0], scope.get("scheme") == "https")
    raw_path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").split("?", 1)[0]
    iam.pin_signed_request(scope["method"], raw_path, query, scope.get("headers", []))
    iam.pin_signed_body(body)
    found = iam.enforce(key, "eks-auth:AssumeRoleForPodIdentity", "eks-auth", settings.region, settings.cluster_arn(cluster))
    if isinstance(found, iam.AuthError):
        code = {"SignatureDoesNotMatch": "InvalidSignatureException", "InvalidToken": "UnrecognizedClientException"}.get(found.code, found.code)
        return code, found.message, 403
    if found:
        return "AccessDeniedException", (f"User: {found.principal_arn} is not authorized to perform: "
                                         f"eks-auth:AssumeRoleForPodIdentity on resource: {settings.cluster_arn(cluster)}"), 403
    return None


async def body_of(receive) -> bytes | None:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        body += message.get("body", b"")
        if len(body) > MOST_BODY:
            return None
        if not message.get("more_body"):
            return body


async def told(send, request_id: str, code: str, message: str, status: int):
    await answer(send, status, {"message": message},
                 headers=[(b"x-amzn-requestid", request_id.encode()), (b"x-amzn-errortype", code.encode())])


async def answer(send, status: int, body, kind: str = "application/json", headers=()):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    await send({"type": "http.response.start", "status": status, "headers": [
        (b"content-type", kind.encode()), (b"content-length", str(len(data)).encode()), *headers]})
    await send({"type": "http.response.body", "body": data})


def refused_xml() -> bytes:
    code, words = "InvalidClientTokenId", "The security token included in the request is invalid."
    return (f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{words}</Message></Error>"
            f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>").encode()


def denied_xml() -> bytes:
    return (f"<Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>{uuid.uuid4()}</RequestId></Error>").encode()


def main():
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    if os.environ.get("AUTH", "").lower() != "true":
        sys.exit("the stand-in proves nothing without AUTH=true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        if not os.environ.get(name):
            sys.exit(f"{name} is not set: root would have a key that everybody knows")

    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from ministack.app import app

    published = associations.Published()
    published.start()
    config = Config()
    config.bind = [f"{os.environ.get('BIND_HOST', '0.0.0.0')}:{settings.port}"]
    config.keep_alive_timeout = 75
    asyncio.run(serve(Cloud(app, published), config))


if __name__ == "__main__":
    main()
