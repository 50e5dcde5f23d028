#!/usr/bin/env bash
# Does a running lab's AWS side do what its stand-in promises? Asked from inside tenants' pods, with AWS' own SDK.
# Usage: aws_lab_test.sh [NAME]   (default: tenantproof). The lab was made with --aws, and has the story and AWS' part of it.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
name="${1:-tenantproof}" passed=0 failed=0
# shellcheck source=../versions.env
. "$here/versions.env"
image="tenantproof/aws-stand-in:$MINISTACK" run="aws-test-$$"
k() { docker exec -i "$name-control-plane" kubectl --kubeconfig=/etc/kubernetes/admin.conf "$@"; }
like() { # WHAT PATTERN GOT
  if [[ "$3" =~ $2 ]]; then passed=$(( passed + 1 )); echo "ok $(( passed + failed )) - $1"; else failed=$(( failed + 1 )); echo "not ok $(( passed + failed )) - $1: ${3:0:400}, not $2"; fi
}
is() { like "$1" "^$2\$" "$3"; }
trap 'k delete pod -A -l "tenantproof.lab/test=$run" --wait=false >/dev/null 2>&1; k delete networkpolicy -n tenant-2 -l "tenantproof.lab/test=$run" >/dev/null 2>&1 || true' EXIT

pod() { cat <<Y   # NAME NAMESPACE SERVICE-ACCOUNT NODE [MORE-OF-THE-CONTAINER]
apiVersion: v1
kind: Pod
metadata: {name: $1, namespace: $2, labels: {tenantproof.lab/test: $run}}
spec:
  nodeName: $name-$4
  serviceAccountName: $3
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 0
  securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: sdk
    image: $image
    imagePullPolicy: Never
    command: [python3, -c, "import time; time.sleep(3600)"]
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
    resources: {requests: {cpu: 10m, memory: 32Mi}, limits: {cpu: 500m, memory: 256Mi}}
    ${5:-}
---
Y
}
python() { k -n "$1" exec -i "$2" -- python3 - 2>&1 || true; }   # NAMESPACE POD, the program on standard input
# NAMESPACE POD CALL: what boto3 answers, or an error's code
boto() { python "$1" "$2" <<P
import boto3, botocore
config = botocore.config.Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 1})
client = lambda service: boto3.client(service, config=config)
try:
    print($3)
except botocore.exceptions.ClientError as error:
    print(error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
except Exception as error:
    print(type(error).__name__, error)
P
}
# NAMESPACE POD TOKEN-EXPRESSION: what the node's agent answers, keys left out
agent() { python "$1" "$2" <<P
import json, urllib.request, urllib.error
own = lambda: open("/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token").read()
try:
    with urllib.request.urlopen(urllib.request.Request("http://169.254.170.23/v1/credentials", headers={"Authorization": $3}), timeout=5) as answer:
        print(answer.status, sorted(json.load(answer)))
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
except OSError as error:
    print("no answer", error)
P
}

{ pod one tenant-1 app worker; pod two tenant-2 app worker2; pod plain tenant-1 default worker
  pod own-words tenant-1 app worker "env: [{name: AWS_REGION, value: eu-north-1}, {name: AWS_CONTAINER_CREDENTIALS_FULL_URI, value: 'http://127.0.0.1/'}]"; } | k apply -f - >/dev/null
k wait -A --for=condition=Ready pod -l "tenantproof.lab/test=$run" --timeout=90s >/dev/null

env_of() { k -n "$1" get pod "$2" -o 'jsonpath={range .spec.containers[0].env[*]}{.name}={.value} {end}'; }
endpoint="$("$here/lab" status --name "$name" --json | sed -n 's/.*"aws": {"endpoint": "\([^"]*\)".*/\1/p')"
like "status --json tells the endpoint" '^http://[0-9.]+:4566$' "$endpoint"
is "a pod of an associated service account is given its environment" \
  "AWS_DEFAULT_REGION=us-east-1 AWS_REGION=us-east-1 AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.23/v1/credentials AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token AWS_ENDPOINT_URL=$endpoint " "$(env_of tenant-1 one)"
is "and a token for Pod Identity alone" 'pods.eks.amazonaws.com 86400' "$(k -n tenant-1 get pod one -o 'jsonpath={range .spec.volumes[?(@.name=="eks-pod-identity-token")].projected.sources[*].serviceAccountToken}{.audience} {.expirationSeconds}{end}')"
is "another service account's pod is not" '' "$(env_of tenant-1 plain)"
is "what a pod says itself stays" "AWS_REGION=eu-north-1 AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1/ AWS_ENDPOINT_URL=$endpoint " "$(env_of tenant-1 own-words)"

for tenant in 1 2; do
  own="tenant-$tenant" other="tenant-$(( 3 - tenant ))" pod="$([ $tenant = 1 ] && echo one || echo two)"
  like "$own: the SDK finds the tenant's role by itself" "^arn:aws:sts::111122223333:assumed-role/$own-app/eks-" "$(boto "$own" "$pod" "client('sts').get_caller_identity()['Arn']")"
  is "$own: its own marker" "b'$own.n'" "$(boto "$own" "$pod" "client('s3').get_object(Bucket='$own-data', Key='marker')['Body'].read()")"
  is "$own: writes and deletes in its own bucket" 204 "$(boto "$own" "$pod" "(client('s3').put_object(Bucket='$own-data', Key='t', Body=b''), client('s3').delete_object(Bucket='$own-data', Key='t'))[1]['ResponseMetadata']['HTTPStatusCode']")"
  for call in "get_object(Bucket='$other-data', Key='marker')" "list_objects_v2(Bucket='$other-data')" "put_object(Bucket='$other-data', Key='t', Body=b'')" "delete_object(Bucket='$other-data', Key='marker')"; do
    is "$own: the other's bucket, ${call%%(*}" 'AccessDenied 403' "$(boto "$own" "$pod" "client('s3').$call")"
  done
  like "$own: may not ask EKS Auth itself" '^AccessDeniedException 403' "$(boto "$own" "$pod" "client('eks-auth').assume_role_for_pod_identity(clusterName='$name', token='a.b.c')")"
done
like "without an association the SDK has nothing" '^NoCredentialsError' "$(boto tenant-1 plain "boto3.client('sts', endpoint_url='$endpoint', region_name='us-east-1').get_caller_identity()")"

like "the agent answers as the SDK wants it" "^200 .'AccessKeyId', 'AccountId', 'Expiration', 'SecretAccessKey', 'Token'.$" "$(agent tenant-1 one 'own()')"
like "no token" '^400 Service account token cannot be empty' "$(agent tenant-1 one "''")"
like "a token that is none" '^400 Service account token cannot be parsed: ' "$(agent tenant-1 one "'Bearer ' + own()")"
like "a forged token: the API server does not vouch for it" '^400 .*\(InvalidTokenException\)' "$(agent tenant-1 one "own()[:-20] + 'A' * 20")"
token() { k -n "$1" create token "$2" "${@:3}"; }
uid="$(k -n tenant-1 get pod one -o 'jsonpath={.metadata.uid}')"
like "a token for another audience" '^400 .*\(InvalidTokenException\)' "$(agent tenant-1 one "'$(token tenant-1 app --audience sts.amazonaws.com --bound-object-kind Pod --bound-object-name one --bound-object-uid "$uid")'")"
like "a token bound to no pod" '^400 .*\(InvalidTokenException\)' "$(agent tenant-1 one "'$(token tenant-1 app --audience pods.eks.amazonaws.com)'")"
uid="$(k -n tenant-1 get pod plain -o 'jsonpath={.metadata.uid}')"
like "a service account without an association" '^404 .*\(ResourceNotFoundException\)' "$(agent tenant-1 plain "'$(token tenant-1 default --audience pods.eks.amazonaws.com --bound-object-kind Pod --bound-object-name plain --bound-object-uid "$uid")'")"
# By design, on EKS too: who has the token has the role, wherever it is sent from.
like "another tenant's token, from this tenant's pod, is taken" '^200 ' "$(agent tenant-1 one "'$(k -n tenant-2 exec two -- cat /var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token)'")"

status_of() { python "$1" "$2" <<P
import urllib.request, urllib.error
try: print(urllib.request.urlopen("$3", timeout=5).status)
except urllib.error.HTTPError as error: print(error.code)
P
}
is "AWS' side shows a pod no inner path" 404 "$(status_of tenant-1 one "$endpoint/_ministack/config")"
is "nobody is root by the key that the emulator has for it" 'InvalidClientTokenId 403' "$(boto tenant-1 one "boto3.client('iam', aws_access_key_id='test', aws_secret_access_key='test').list_roles()")"

cni="$("$here/lab" status --name "$name" --json | sed -n "s/.*\"name\": \"$name\",.*\"cni\": \"\([a-z-]*\)\".*/\1/p")"
if [ "$cni" != none ]; then
  policy() { cat <<Y   # RULES
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: $run, namespace: tenant-2, labels: {tenantproof.lab/test: $run}}
spec: {podSelector: {matchLabels: {tenantproof.lab/test: $run}}, policyTypes: [Egress], egress: [$1]}
Y
  }
  policy '' | k apply -f - >/dev/null; sleep 4
  aws_address="${endpoint#http://}"
  like "default-deny egress shuts the agent" '^no answer' "$(agent tenant-2 two 'own()')"
  like "default-deny egress shuts AWS' side" 'Timeout|EndpointConnection|ConnectionError' "$(boto tenant-2 two "boto3.client('sts', aws_access_key_id='a', aws_secret_access_key='b', config=config).get_caller_identity()")"
  policy "{to: [{ipBlock: {cidr: 169.254.170.23/32}}], ports: [{port: 80}]}, {to: [{ipBlock: {cidr: ${aws_address%:*}/32}}], ports: [{port: 4566}]}" | k apply -f - >/dev/null; sleep 4
  is "two rules open both" "b'tenant-2.n'" "$(boto tenant-2 two "client('s3').get_object(Bucket='tenant-2-data', Key='marker')['Body'].read()")"
fi
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
