"""What the stand-in is told of its lab: files in one folder, put there by `lab up`."""

import os
from pathlib import Path

folder = Path(os.environ.get("STAND_IN_DIR", "/run/lab"))
port = int(os.environ.get("GATEWAY_PORT", "4566"))
account = os.environ.get("MINISTACK_ACCOUNT_ID", "000000000000")
region = os.environ.get("MINISTACK_REGION", "us-east-1")


def told(name: str) -> str:
    """A file's text; read each time, since a lab may put a new one in its place."""
    return (folder / name).read_text().strip()


def cluster_arn(name: str) -> str:
    return f"arn:aws:eks:{region}:{account}:cluster/{name}"


def loopback_client(service: str, **credentials):
    """A client of this very server, as the account's root unless told otherwise."""
    import boto3

    return boto3.session.Session().client(
        service, region_name=region, endpoint_url=f"http://127.0.0.1:{port}",
        **(credentials or {"aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
                           "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"]}))
