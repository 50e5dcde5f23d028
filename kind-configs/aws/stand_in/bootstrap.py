"""Makes what an account with an EKS cluster has before anybody works in it; prints an administrator's credentials file.

Run inside the stand-in's container: as root, which is possible from there alone. What is there already stays as it is.
"""

import json

from botocore.exceptions import ClientError

from . import instance, settings

MANAGED = "arn:aws:iam::aws:policy/"


def trusting(service: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]})


def unless_there(codes: tuple[str, ...], call, **given):
    try:
        return call(**given)
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise
        return None


def main():
    iam, eks = settings.loopback_client("iam"), settings.loopback_client("eks")
    cluster = settings.told("cluster")
    there = ("EntityAlreadyExists", "ResourceInUseException")
    for role, service, policy in ((f"{cluster}-cluster", "eks.amazonaws.com", "AmazonEKSClusterPolicy"),
                                  (instance.role_name(), "ec2.amazonaws.com", "AmazonEKSWorkerNodePolicy")):
        unless_there(there, iam.create_role, RoleName=role, AssumeRolePolicyDocument=trusting(service))
        iam.attach_role_policy(RoleName=role, PolicyArn=MANAGED + policy)
    unless_there(there, eks.create_cluster, name=cluster, version=settings.told("version"),
                 roleArn=f"arn:aws:iam::{settings.account}:role/{cluster}-cluster",
                 resourcesVpcConfig={"subnetIds": ["subnet-00000001", "subnet-00000002"]},
                 accessConfig={"authenticationMode": "API"})
    unless_there(there, eks.create_addon, clusterName=cluster, addonName="eks-pod-identity-agent")
    unless_there(there, iam.create_user, UserName="admin")
    iam.attach_user_policy(UserName="admin", PolicyArn=MANAGED + "AdministratorAccess")
    for old in iam.list_access_keys(UserName="admin")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="admin", AccessKeyId=old["AccessKeyId"])
    key = iam.create_access_key(UserName="admin")["AccessKey"]
    print(f"[default]\naws_access_key_id = {key['AccessKeyId']}\naws_secret_access_key = {key['SecretAccessKey']}")


if __name__ == "__main__":
    main()
