# The image of the probe: one static binary and nothing else.
#
#   RUSTFLAGS='-C target-feature=+crt-static' cargo build --profile probe --no-default-features \
#     --bin tenantproof-probe --target x86_64-unknown-linux-gnu
#   tar -c Dockerfile -C target/x86_64-unknown-linux-gnu/probe tenantproof-probe |
#     docker build -t tenantproof/probe:0.1.0 -
#
# `--target` is given even on a host of the same kind, so that procedural macros are built without
# the flag. The context is those two files, so nothing else can get in.
FROM scratch
COPY tenantproof-probe /tenantproof-probe
USER 65532:65532
ENTRYPOINT ["/tenantproof-probe"]
