"""AWS' part of the story: for each premium tenant a bucket, a role that reaches it and nothing else, and an association.

Run inside the stand-in's container (`apply` does); it needs nothing but boto3 and credentials that may make all this.
Other tenants than the story's are named by NAMESPACE=TENANT. What is there already is put back to what it should
be, so that it can be run again after a fence was taken down.
"""

import json
import sys

from botocore.exceptions import ClientError

from stand_in import settings

cluster = settings.told("cluster")
s3, iam, eks = (settings.loopback_client(service) for service in ("s3", "iam", "eks"))


def unless_there(call, *codes, **given):
    try:
        call(**given)
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise


def bucket(namespace: str, tenant: str) -> str:
    name = f"{namespace}-data"
    unless_there(s3.create_bucket, "BucketAlreadyOwnedByYou", "BucketAlreadyExists", Bucket=name)
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True))
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "tenant", "Value": tenant}]})
    s3.delete_bucket_policy(Bucket=name)
    # What its owner must be able to read, so that another's denial means something.
    s3.put_object(Bucket=name, Key="marker", Body=f"{tenant}\n".encode())
    return name


def role(tenant: str, bucket_name: str) -> str:
    """Resources are written out: a role that several tenants shared would need policy variables, which ministack has not."""
    name = f"{tenant}-app"
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        # A namespace of this name on another cluster is not this tenant's.
        "Condition": {"StringEquals": {
            "aws:RequestTag/eks-cluster-arn": settings.cluster_arn(cluster),
            "aws:RequestTag/kubernetes-namespace": tenant,
            "aws:RequestTag/kubernetes-service-account": "app"}}}]}
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket_name}"},
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
         "Resource": f"arn:aws:s3:::{bucket_name}/*"}]}
    unless_there(iam.create_role, "EntityAlreadyExists", RoleName=name, AssumeRolePolicyDocument=json.dumps(trust),
                 Tags=[{"Key": "tenant", "Value": tenant}])
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName=name, PolicyName="own-bucket", PolicyDocument=json.dumps(policy))
    return f"arn:aws:iam::{settings.account}:role/{name}"


def association(tenant: str, role_arn: str) -> None:
    there = eks.list_pod_identity_associations(clusterName=cluster, namespace=tenant)["associations"]
    for found in there:
        if found["serviceAccount"] != "app":
            eks.delete_pod_identity_association(clusterName=cluster, associationId=found["associationId"])
    for found in (one for one in there if one["serviceAccount"] == "app"):
        full = eks.describe_pod_identity_association(clusterName=cluster, associationId=found["associationId"])["association"]
        if full["roleArn"] == role_arn and not full.get("disableSessionTags") and not full.get("targetRoleArn") and not full.get("policy"):
            return
        eks.delete_pod_identity_association(clusterName=cluster, associationId=found["associationId"])
    eks.create_pod_identity_association(clusterName=cluster, namespace=tenant, serviceAccount="app", roleArn=role_arn)


for namespace, tenant in (one.split("=") for one in sys.argv[1:] or ("tenant-1=tenant-1", "tenant-2=tenant-2")):
    name = bucket(namespace, tenant)
    arn = role(namespace, name)
    association(namespace, arn)
    print(f"{namespace}/app: {arn}, s3://{name}")
