"""A stand-in for EKS Auth's one action, AssumeRoleForPodIdentity: a service account's token for a role's credentials.

In order: the token's time; a TokenReview by the lab's API server; the association, by ministack's EKS API; the role's
trust policy; STS AssumeRole with the session tags; with a target role, a second AssumeRole. Codes and statuses are those
of the service's model; of the texts, two are known from the service (expired token, refused role), the others are ours.
"""

import datetime
import json
import threading
import uuid

from botocore.exceptions import BotoCoreError, ClientError

from . import kubernetes, settings, token as tokens, trust

# A plain role's session; one by way of another role can't last longer than an hour.
DURATION, DURATION_CHAINED = 21600, 3540
NO_ROLE = "Unauthorized Exception! EKS does not have permissions to assume the associated role."


class Refusal(Exception):
    """An answer with a code of the service's model."""

    def __init__(self, code: str, message: str, status: int = 400):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class Clients:
    """Clients of this very server, made when they are first wanted: the server must listen by then."""

    def __init__(self):
        self.made, self.lock = {}, threading.Lock()

    def __getitem__(self, service: str):
        with self.lock:
            if service not in self.made:
                self.made[service] = settings.loopback_client(service)
            return self.made[service]


clients = Clients()


def assume(cluster: str, body: bytes) -> dict:
    """The action's answer, or a Refusal."""
    token = _token_of(body)
    try:
        claims = tokens.parse(token)
    except tokens.NotParsed as error:
        raise Refusal("InvalidTokenException", f"The token included in the request is invalid: {error}") from None
    _check_expiry(claims)
    association = None
    try:
        bearer = kubernetes.review(token)
        association = _association(cluster, bearer)
        return _answer(cluster, bearer, association)
    except kubernetes.NotAuthenticated as error:
        raise Refusal("InvalidTokenException", f"The token included in the request is invalid: {error}") from None
    except kubernetes.Unreachable:
        raise Refusal("ServiceUnavailableException", "The token could not be verified.", 503) from None
    except (BotoCoreError, ClientError):
        raise Refusal("InternalServerException", "An internal error occurred.", 500) from None


def _token_of(body: bytes) -> str:
    try:
        given = json.loads(body or b"{}")
        token = given["token"]
        if not isinstance(token, str) or not token:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise Refusal("InvalidParameterException", "The request has no token.") from None
    return token


def _check_expiry(claims: dict) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    expires = claims.get("exp")
    if expires is not None and now.timestamp() >= expires:
        until = datetime.datetime.fromtimestamp(int(expires), datetime.timezone.utc)
        raise Refusal("ExpiredTokenException", "The token included in the request is expired: current date/time "
                      f"{now:%Y-%m-%dT%H:%M:%S.%fZ} must be before the expiration date/time {until:%Y-%m-%dT%H:%M:%SZ}")


def _association(cluster: str, bearer: kubernetes.Bearer) -> dict:
    eks = clients["eks"]
    try:
        found = eks.list_pod_identity_associations(
            clusterName=cluster, namespace=bearer.namespace, serviceAccount=bearer.service_account)["associations"]
        if found:
            return eks.describe_pod_identity_association(
                clusterName=cluster, associationId=found[0]["associationId"])["association"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            raise Refusal("ResourceNotFoundException", error.response["Error"]["Message"], 404) from None
        raise
    raise Refusal("ResourceNotFoundException", f"No association was found for the service account {bearer.service_account} "
                  f"in the namespace {bearer.namespace}.", 404)


def session_tags(cluster: str, bearer: kubernetes.Bearer) -> dict[str, str]:
    return {
        "eks-cluster-arn": settings.cluster_arn(cluster),
        "eks-cluster-name": cluster,
        "kubernetes-namespace": bearer.namespace,
        "kubernetes-service-account": bearer.service_account,
        "kubernetes-pod-name": bearer.pod,
        "kubernetes-pod-uid": bearer.pod_uid,
    }


def _answer(cluster: str, bearer: kubernetes.Bearer, association: dict) -> dict:
    name = f"eks-{cluster[:10]}-{bearer.pod[:10]}-{uuid.uuid4()}"
    tags = {} if association.get("disableSessionTags") else session_tags(cluster, bearer)
    # With a target role the session policy bounds that one alone.
    target, policy = association.get("targetRoleArn"), association.get("policy")
    role = association["roleArn"]
    document = _trust_policy(role)
    if document is None or not trust.lets_the_service_in(
            document, role, settings.account, settings.region, name, tags):
        raise Refusal("AccessDeniedException", NO_ROLE)
    made = _assume_role(clients["sts"], role, name, tags, DURATION_CHAINED if target else DURATION, policy=None if target else policy)
    if target:
        first = made["Credentials"]
        sts = settings.loopback_client("sts", aws_access_key_id=first["AccessKeyId"],
                                       aws_secret_access_key=first["SecretAccessKey"], aws_session_token=first["SessionToken"])
        # Transitive tags go along by themselves on AWS; ministack has to be told them again.
        made = _assume_role(sts, target, name, tags, DURATION_CHAINED, policy=policy, external_id=association.get("externalId"))
    credentials = made["Credentials"]
    return {
        "subject": {"namespace": bearer.namespace, "serviceAccount": bearer.service_account},
        "audience": tokens.AUDIENCE,
        "podIdentityAssociation": {"associationArn": association["associationArn"], "associationId": association["associationId"]},
        "assumedRoleUser": {"arn": made["AssumedRoleUser"]["Arn"], "assumeRoleId": made["AssumedRoleUser"]["AssumedRoleId"]},
        "credentials": {
            "accessKeyId": credentials["AccessKeyId"],
            "secretAccessKey": credentials["SecretAccessKey"],
            "sessionToken": credentials["SessionToken"],
            "expiration": int(credentials["Expiration"].timestamp()),
        },
    }


def _trust_policy(role_arn: str) -> dict | None:
    # A role has to be of the cluster's account: what is not is none that the service can see.
    if role_arn.split(":")[4:5] != [settings.account]:
        return None
    try:
        role = clients["iam"].get_role(RoleName=role_arn.rsplit("/", 1)[-1])["Role"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchEntity":
            return None
        raise
    return role["AssumeRolePolicyDocument"] if role["Arn"] == role_arn else None


def _assume_role(sts, role: str, name: str, tags: dict[str, str], duration: int, policy=None, external_id=None) -> dict:
    given = {"RoleArn": role, "RoleSessionName": name, "DurationSeconds": duration}
    if tags:
        given["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
        given["TransitiveTagKeys"] = list(tags)
    if policy:
        given["Policy"] = policy
    if external_id:
        given["ExternalId"] = external_id
    try:
        return sts.assume_role(**given)
    except ClientError as error:
        if error.response["Error"]["Code"] == "AccessDenied":
            raise Refusal("AccessDeniedException", NO_ROLE) from None
        raise
