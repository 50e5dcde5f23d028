"""The lab's API server, of which two things are asked: who a token's bearer is, and to keep a list of associations."""

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass

from . import settings
from .token import AUDIENCE

LIST = "/api/v1/namespaces/kube-system/configmaps/eks-pod-identity"


class Unreachable(Exception):
    """The API server did not answer, or not as it should."""


@dataclass(frozen=True)
class Bearer:
    """The pod on whose behalf a token was presented."""

    namespace: str
    service_account: str
    pod: str
    pod_uid: str


class NotAuthenticated(Exception):
    """The API server does not vouch for the token."""


def ask(method: str, path: str, body: dict | None = None, timeout: float = 2.0) -> dict:
    url = settings.told("api-server")
    context = ssl.create_default_context(cafile=str(settings.folder / "ca.crt")) if url.startswith("https:") else None
    request = urllib.request.Request(url + path, method=method, data=json.dumps(body).encode() if body else None, headers={
        "Authorization": "Bearer " + settings.told("token"), "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout, context=context) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Unreachable(f"the API server answers {error.code} to {method} {path}") from None
    except (OSError, ValueError) as error:
        raise Unreachable(f"the API server: {error}") from None


def review(token: str) -> Bearer:
    """A TokenReview with Pod Identity's audience."""
    answer = ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
        "spec": {"token": token, "audiences": [AUDIENCE]}})
    status = answer.get("status") or {}
    if not status.get("authenticated"):
        raise NotAuthenticated(status.get("error") or "the token is not authenticated")
    if AUDIENCE not in (status.get("audiences") or []):
        raise NotAuthenticated(f"the token is not for {AUDIENCE}")
    user = status.get("user") or {}
    kind, _, name = (user.get("username") or "").partition("system:serviceaccount:")
    namespace, _, account = name.partition(":")
    if kind or not namespace or not account:
        raise NotAuthenticated("the token is no service account's")
    extra = user.get("extra") or {}
    pod = (extra.get("authentication.kubernetes.io/pod-name") or [""])[0]
    uid = (extra.get("authentication.kubernetes.io/pod-uid") or [""])[0]
    if not pod or not uid:
        raise NotAuthenticated("the token is bound to no pod")
    return Bearer(namespace, account, pod, uid)


def publish(data: dict[str, str]) -> None:
    """Puts the list in place that the injecting policy reads."""
    ask("PUT", LIST, {**ask("GET", LIST), "data": data})
