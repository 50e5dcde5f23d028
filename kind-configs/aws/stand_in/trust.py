"""Whether a role's trust policy lets Pod Identity's service assume it.

ministack knows no service as a principal: it lets any `Service` of a trust policy match the account's root, as whom EKS
Auth's stand-in calls STS. So what the policy says of this very service is found out here first, with ministack's own
evaluator for the rest of each statement.
"""

from ministack.core.iam_evaluator import EvalContext, evaluate_trust_policy

SERVICE = "pods.eks.amazonaws.com"


def about_the_service(document: dict) -> dict:
    """The statements whose principal is the service, with a principal that the evaluator matches with anybody."""
    statements = document.get("Statement", [])
    kept = []
    for statement in [statements] if isinstance(statements, dict) else statements:
        if "NotPrincipal" in statement:
            # An Allow by exclusion is not followed: a role that can be assumed on such grounds is none of Pod Identity's.
            concerned = statement.get("Effect") == "Deny" and not _names(statement["NotPrincipal"])
        else:
            concerned = _names(statement.get("Principal"))
        if concerned:
            rest = {key: value for key, value in statement.items() if key not in ("Principal", "NotPrincipal")}
            kept.append({**rest, "Principal": "*"})
    return {**document, "Statement": kept}


def _names(principal) -> bool:
    if principal == "*":
        return True
    if not isinstance(principal, dict):
        return False
    services = principal.get("Service", [])
    if SERVICE in ([services] if isinstance(services, str) else services):
        return True
    anybody = principal.get("AWS", [])
    return "*" in ([anybody] if isinstance(anybody, str) else anybody)


def lets_the_service_in(document: dict, role_arn: str, account: str, region: str, session: str, tags: dict[str, str]) -> bool:
    concerned = about_the_service(document)
    # Its session's name is known to the policy; no source account or source ARN is, which the service is not documented to send.
    for action in ("sts:AssumeRole", "sts:TagSession") if tags else ("sts:AssumeRole",):
        context = EvalContext(
            principal_arn=SERVICE, principal_type="Service", principal_account=account, action=action,
            resource_arn=role_arn, region=region, service_context={"sts:rolesessionname": session},
            request_tags=dict(tags), tag_keys=list(tags))
        if not evaluate_trust_policy(concerned, SERVICE, context):
            return False
    return True
