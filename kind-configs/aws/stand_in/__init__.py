"""A stand-in for the part of AWS that no emulator has: EKS Pod Identity.

`cloud` serves ministack (S3, IAM, STS, EKS and others, with enforcement) and, beside it, EKS Auth; `agent` is what runs
on each node. Both are stand-ins, made after the published protocol: what they cannot judge stands in kind-configs/README.md.
"""
