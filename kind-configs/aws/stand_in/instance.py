"""What stands in for instance metadata: the node role's credentials, for a node that proves its enrolment."""

import hashlib

from . import eks_auth, settings


def role_name() -> str:
    return f"{settings.told('cluster')}-node"


def credentials(node: str) -> dict[str, str]:
    """Six hours of the node's role, under a name that looks like an instance's."""
    instance = "i-" + hashlib.sha256(node.encode()).hexdigest()[:17]
    made = eks_auth.clients["sts"].assume_role(
        RoleArn=f"arn:aws:iam::{settings.account}:role/{role_name()}", RoleSessionName=instance, DurationSeconds=21600)["Credentials"]
    return {"AccessKeyId": made["AccessKeyId"], "SecretAccessKey": made["SecretAccessKey"], "Token": made["SessionToken"],
            "Expiration": made["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ")}
