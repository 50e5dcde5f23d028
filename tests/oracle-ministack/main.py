"""An oracle: reads a case a line, as `tenantproof ask iam` does, and writes what ministack's evaluator makes of it, a text of
JSON a line: allowed, explicitDeny, implicitDeny, or an error with its reason. It knows no organizations, and asks of services
and of roles to assume by other ways, so it is asked about none of these."""

import json
import sys

from ministack.core.iam_evaluator import EvalContext, combine_resource_policy, evaluate, parse_policy_document

VERDICTS = {"Allow": "allowed", "Deny": "explicitDeny", "ImplicitDeny": "implicitDeny"}
# What it keeps apart from the other keys, and has for every request.
OWN = ("aws:sourceip", "aws:securetransport", "aws:principalarn", "aws:tagkeys")


def decide(case: dict) -> str:
    request, policies = case["request"], case["policies"]
    principal = request["principal"]
    keys = {name.lower(): value for name, value in request["context"].items()}
    if keys["aws:principalarn"] != principal["arn"]:
        return "error: aws:PrincipalArn is the caller's own"
    context = EvalContext(
        principal_arn=principal["arn"],
        principal_type=principal["type"],
        principal_account=principal["account"],
        action=request["action"],
        resource_arn=request["resource"],
        region="eu-west-1",
        source_ip=keys["aws:sourceip"],
        secure_transport=keys["aws:securetransport"] == "true",
        # Nothing stands for a key that is not there; its own default is a list without items.
        service_context={"aws:tagkeys": keys.get("aws:tagkeys")},
        principal_keys={name: value for name, value in keys.items() if name not in OWN},
    )
    limits = [[parse_policy_document(policies[name])] for name in ("boundary", "session") if policies[name]]
    identity = [parse_policy_document(policy["document"]) for policy in policies["identity"]]
    decided = combine_resource_policy(
        evaluate(context, identity, *limits),
        context,
        policies["resource"],
        request["resourceAccount"],
        required=request["action"].startswith("kms:"),
        limits=limits,
    )
    return VERDICTS[decided.decision]


for line in sys.stdin:
    try:
        verdict = decide(json.loads(line))
    except Exception as error:  # noqa: BLE001: told as the answer
        verdict = f"error: {error!r}"
    print(json.dumps(verdict))
