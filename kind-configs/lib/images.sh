# shellcheck shell=bash disable=SC2154,SC2034
# Images without a registry and, but for the node's, without an engine: archives that `docker load` and `ctr images import` take.

node_tag="tenantproof-lab/node:$K8S"
agnhost_tag="registry.k8s.io/e2e-test-images/agnhost:$AGNHOST"
registry_tag="tenantproof-lab/registry:$REGISTRY"
kube_router_tag="docker.io/tenantproof-lab/kube-router:$KUBE_ROUTER"
cilium_tag="docker.io/tenantproof-lab/cilium:$CILIUM"
gatekeeper_tag="docker.io/openpolicyagent/gatekeeper:$GATEKEEPER"
kyverno_tag="docker.io/tenantproof-lab/kyverno:$KYVERNO"
aws_tag="docker.io/tenantproof/aws-stand-in:$MINISTACK"   # by a name that the story lets its tenants run

# --- Debian: the systems that programs are put on

debian_packages() {
  local net=iptables,nftables,ipset,iproute2,conntrack,kmod,procps,util-linux,mount
  case "$1" in
    net)    echo "$net" ;;
    node)   echo "$net,systemd,systemd-sysv,dbus,containerd,runc,containernetworking-plugins,ethtool,socat,ca-certificates,curl,jq,hostname" ;;
    cilium) echo iptables,nftables,ipset,iproute2,kmod,procps,util-linux,mount,clang-19,llvm-19,libelf1 ;;
    aws)    echo python3,iproute2 ;;
  esac
}
# What no program here uses at run time, some of it by far the largest part of a system; each node has a copy of all that
# its images hold.
debian_surplus() {
  local all='usr/share/{doc,man,info,locale,i18n,perl,perl5,lintian,bash-completion} usr/lib/*/{perl,perl5,perl-base,gconv} usr/bin/perl* usr/lib/*/libperl* usr/lib/apt
    usr/bin/apt* usr/lib/*/libapt-p* var/lib/apt/lists/* var/cache/* var/lib/dpkg/info/* var/log/*'
  case "$1" in
    net|aws) echo "$all" ;;
    # of the CNI plugins those stay that kindest/node has: the lab must never lean on one that is missing there
    node)   echo "$all usr/bin/containerd-shim usr/bin/containerd-shim-runc-v1 usr/lib/cni/{bandwidth,bridge,dhcp,dummy,firewall,host-device,ipvlan,macvlan,sbr,static,tuning,vlan,vrf}" ;;
    cilium) echo "$all usr/lib/gcc usr/include usr/lib/*/*.a usr/lib/*/lib{asan,tsan,lsan,ubsan,hwasan,gprofng,clang-19,stdc++fs}*.so* usr/lib/llvm-19/bin/!(clang|clang-19|llc|llvm-objcopy) usr/lib/llvm-19/lib/LLVMPolly.so usr/bin/*-linux-gnu-*" ;;
  esac
}
debian_entry() { printf '%s/debian/%s-%s.tar' "$cache" "$1" "$({ echo "$DEBIAN"; debian_packages "$1"; debian_surplus "$1"; declare -f build_debian; } | digest)"; }
build_debian() {
  local work entry; entry="$(debian_entry "$1")"; work="$(scratch)"
  mmdebstrap --variant=essential --include="$(debian_packages "$1")" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook="bash -O extglob -c 'cd \"\$1\" && rm -rf $(debian_surplus "$1" | tr '\n' ' ')' - \"\$1\"" \
    "$DEBIAN" "$work/root.tar"
  keep "$work/root.tar" "$entry"; rm -rf "$work"
  prune "$cache/debian" "$1" "$entry"
}

# --- archives

# archive OUT TAG BASE-TAR FOLDER ENV ENTRYPOINT-JSON: an image of one layer, or of two where BASE-TAR isn't empty
archive() {
  local out="$1" tag="$2" base="$3" folder="$4" env="$5" entrypoint="$6" work layer sum config ids='' layers='' number=0
  work="$(scratch)"
  tar -C "$folder" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$work/own.tar" .
  for layer in $base "$work/own.tar"; do
    sum="$(sha256sum < "$layer" | cut -d' ' -f1)"
    cp --reflink=auto "$layer" "$work/$sum.tar"
    ids+="${ids:+,}\"sha256:$sum\""; layers+="${layers:+,}\"$sum.tar\""; number=$(( number + 1 ))
  done
  rm "$work/own.tar"
  printf '{"architecture":"%s","os":"linux","created":"1970-01-01T00:00:00Z","config":{"Env":["PATH=%s"],"Entrypoint":%s,"WorkingDir":"/"},"rootfs":{"type":"layers","diff_ids":[%s]},"history":[%s]}' \
    "$(go_arch)" "$env" "$entrypoint" "$ids" "$(for (( ; number > 0; number-- )); do printf '{"created_by":"kind-configs/lab"}'; (( number == 1 )) || printf ,; done)" > "$work/config.json"
  config="$(sha256sum < "$work/config.json" | cut -d' ' -f1)"; mv "$work/config.json" "$work/$config.json"
  printf '[{"Config":"%s.json","RepoTags":["%s"],"Layers":[%s]}]' "$config" "$tag" "$layers" > "$work/manifest.json"
  # shellcheck disable=SC2046
  tar -C "$work" -cf "$out" manifest.json "$config.json" $(printf '%s' "$layers" | tr -d '"' | tr , ' ')
  rm -rf "$work"
}
one_program() { # OUT TAG PROGRAM [ARGUMENT...]: nothing but one static program
  local out="$1" tag="$2" program="$3" name entrypoint; shift 3
  name="$(basename "$program")"
  local work; work="$(scratch)"; mkdir -p "$work/usr/local/bin" "$work/tmp" "$work/etc"; chmod 1777 "$work/tmp"
  install -m755 "$program" "$work/usr/local/bin/$name"; ln -s "usr/local/bin/$name" "$work/$name"
  entrypoint="[\"/usr/local/bin/$name\"$([ $# = 0 ] || printf ',"%s"' "$@")]"
  archive "$out" "$tag" '' "$work" /usr/local/bin "$entrypoint"; rm -rf "$work"
}
system_path=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
on_debian() { # OUT TAG BASE FOLDER
  archive "$1" "$2" "$(debian_entry "$3")" "$4" "$system_path" null
}

# image NAME: sets tag, made_of (entries it is made from); image_NAME OUT makes it
image_tag() { local v="${1//-/_}_tag"; printf '%s' "${!v}"; }
image_parts() { # NAME: the components and Debian systems that go into it
  case "$1" in
    kube-router) echo "program:kube-router program:cni-plugins debian:net" ;;
    cilium)      echo "program:cilium debian:cilium" ;;
    gatekeeper)  echo "program:gatekeeper" ;;
    kyverno)     echo "program:kyverno" ;;
    aws)         echo "debian:aws" ;;
    agnhost)     echo "program:agnhost" ;;
    registry)    echo "program:registry" ;;
    node)        echo "program:kubernetes program:etcd program:coredns debian:node debian:net" ;;
  esac
}
part_entry() { case "$1" in program:*) program_entry "${1#*:}" ;; debian:*) debian_entry "${1#*:}" ;; esac; }
image_key() {
  { for part in $(image_parts "$1"); do basename "$(part_entry "$part")"; done; image_tag "$1"
    declare -f "make_${1//-/_}" archive one_program on_debian
    [ "$1" != aws ] || (cd "$here/aws" && find requirements.txt stand_in -type f ! -name '*.pyc' | LC_ALL=C sort | xargs sha256sum)
    [ "$1" != node ] || { (cd "$here/files" && find node pause.c -type f | LC_ALL=C sort | xargs sha256sum); declare -f node_system; }
  } | digest
}
image_entry() { printf '%s/images/%s-%s.tar' "$cache" "$1" "$(image_key "$1")"; }
build_image() { # NAME
  local work entry; entry="$(image_entry "$1")"; work="$(scratch)"
  "make_${1//-/_}" "$work/image.tar"
  keep "$work/image.tar" "$entry"; rm -rf "$work"
  prune "$cache/images" "$1" "$entry"
}
make_kube_router() {
  local d; d="$(scratch)"; mkdir -p "$d/usr/local/bin" "$d/opt/cni/bin"
  cp "$(program_entry kube-router)/kube-router" "$d/usr/local/bin/"; cp "$(program_entry cni-plugins)/bridge" "$d/opt/cni/bin/"
  on_debian "$1" "$kube_router_tag" net "$d"; rm -rf "$d"
}
make_cilium() {
  local d tool from; d="$(scratch)"; from="$(program_entry cilium)"; mkdir -p "$d/usr/bin" "$d/opt/cni/bin" "$d/var/lib/cilium"
  cp "$from"/cilium-{agent,dbg} "$d/usr/bin/"; cp "$from/cilium-cni" "$d/opt/cni/bin/"; cp -r "$from/bpf" "$d/var/lib/cilium/"
  for tool in clang llc llvm-objcopy; do ln -s "../lib/llvm-19/bin/$tool" "$d/usr/bin/$tool"; done
  on_debian "$1" "$cilium_tag" cilium "$d"; rm -rf "$d"
}
make_gatekeeper() { one_program "$1" "$gatekeeper_tag" "$(program_entry gatekeeper)/manager"; }
# With its release manifest in it: that is taken from the module, too, and there is no other place that is kept.
make_kyverno() {
  local d module; d="$(scratch)"; mkdir -p "$d/usr/local/bin" "$d/tmp" "$d/.sigstore"; chmod 1777 "$d/tmp" "$d/.sigstore"
  cp "$(program_entry kyverno)"/kyverno{,-init} "$d/usr/local/bin/"
  module="$(module_dir "github.com/kyverno/kyverno $KYVERNO")"
  install -m644 "$module/config/install-latest-testing.yaml" "$d/kyverno.yaml"
  archive "$1" "$kyverno_tag" '' "$d" /usr/local/bin '["/usr/local/bin/kyverno"]'; chmod -R u+w "$d"; rm -rf "$d"
}
kyverno_manifest() { local layer; layer="$(tar -xOf "$(image_entry kyverno)" manifest.json | grep -o '[0-9a-f]\{64\}\.tar' | head -n 1)"; tar -xOf "$(image_entry kyverno)" "$layer" | tar -xO ./kyverno.yaml; }
# Debian's Python with the packages of aws/requirements.txt, each held against its hash, and the stand-in itself.
make_aws() {
  local d packages; d="$(scratch)"; packages="$d/usr/local/lib/python3.11/dist-packages"; mkdir -p "$packages"
  chmod 755 "$d"   # it becomes the root folder, of a system in which nothing need run as root
  pip3 install --quiet --no-input --disable-pip-version-check --no-compile --target "$packages" --no-deps --require-hashes --only-binary=:all: \
    --implementation cp --python-version 3.11 --abi cp311 --platform "manylinux2014_$(uname -m)" -r "$here/aws/requirements.txt"
  mkdir "$packages/stand_in"; cp "$here"/aws/stand_in/*.py "$packages/stand_in/"
  on_debian "$1" "$aws_tag" aws "$d"; rm -rf "$d"
}
make_agnhost()    { one_program "$1" "$agnhost_tag" "$(program_entry agnhost)/agnhost"; }
make_registry() {
  local d; d="$(scratch)"; mkdir -p "$d/usr/local/bin" "$d/etc/distribution" "$d/var/lib/registry" "$d/tmp"
  cp "$(program_entry registry)/registry" "$d/usr/local/bin/"
  printf '%s\n' 'version: 0.1' 'log: {level: warn}' 'storage: {filesystem: {rootdirectory: /var/lib/registry}}' 'http: {addr: ":5000"}' > "$d/etc/distribution/config.yml"
  archive "$1" "$registry_tag" '' "$d" /usr/local/bin '["/usr/local/bin/registry","serve","/etc/distribution/config.yml"]'; rm -rf "$d"
}

# --- the node: Debian's systemd, containerd and runc, the kubelet, and what kubeadm starts already in containerd's store

node_system() { # runs inside the node that is being made
  cat <<'NODE'
set -eu
systemctl enable kubelet containerd; systemctl set-default multi-user.target
for unit in dev-hugepages.mount sys-fs-fuse-connections.mount systemd-update-utmp.service systemd-tmpfiles-clean.timer apt-daily.timer apt-daily-upgrade.timer \
  fstrim.timer e2scrub_all.timer getty@tty1.service console-getty.service systemd-udevd.service systemd-logind.service; do systemctl mask "$unit" || true; done
mkdir -p /opt/cni/bin; mv /usr/lib/cni/* /opt/cni/bin/
NODE
}
make_node() { # OUT: leaves the image in the engine, and a copy of it in OUT
  local d box base list tag name programs; d="$(scratch)"; box="tenantproof-lab-build-$$" base="tenantproof-lab/node-base:building"
  programs="$(program_entry kubernetes)"
  # shellcheck disable=SC2064  # these names, now
  trap "docker rm -f $box >/dev/null 2>&1; docker rmi $base >/dev/null 2>&1 || true" EXIT
  docker import "$(debian_entry node)" "$base"
  docker run -d --name "$box" --privileged --network none --entrypoint sleep "$base" 1800
  # its own files
  mkdir -p "$d/root/usr/bin" "$d/root/kind/manifests"
  cp -r "$here/files/node/." "$d/root/"; chmod 755 "$d/root/usr/local/bin/entrypoint"
  install -m755 "$programs"/{kubeadm,kubelet,kubectl} "$d/root/usr/bin/"; printf '%s' "$K8S" > "$d/root/kind/version"
  tar -C "$d/root" --owner=0 --group=0 -cf - . | docker exec -i "$box" tar -C / -xf -
  node_system | docker exec -i "$box" sh
  # the images of the control plane, under the names that kubeadm asks for
  gcc -O2 -static -o "$d/pause" "$here/files/pause.c"
  docker exec -d "$box" containerd
  for _ in $(seq 60); do docker exec "$box" ctr version >/dev/null 2>&1 && break; sleep 0.5; done
  list="$("$programs/kubeadm" config images list --kubernetes-version "$K8S" 2>/dev/null)"; echo "$list"
  for tag in $list; do
    name="${tag##*/}"; name="${name%%:*}"
    case "$name" in
      pause)      one_program "$d/image.tar" "$tag" "$d/pause" ;;
      kube-proxy) mkdir -p "$d/proxy/usr/local/bin"; cp "$programs/kube-proxy" "$d/proxy/usr/local/bin/"; on_debian "$d/image.tar" "$tag" net "$d/proxy" ;;
      etcd)       one_program "$d/image.tar" "$tag" "$(program_entry etcd)/etcd" ;;
      coredns)    one_program "$d/image.tar" "$tag" "$(program_entry coredns)/coredns" ;;
      *)          one_program "$d/image.tar" "$tag" "$programs/$name" ;;
    esac
    docker exec -i "$box" ctr -n k8s.io images import --no-unpack - < "$d/image.tar"
  done
  docker exec "$box" sh -c 'kill "$(pidof containerd)"; while pidof containerd >/dev/null; do sleep 0.2; done; rm -rf /run/containerd /tmp/*'
  local old; old="$(docker image inspect -f '{{.Id}}' "$node_tag" 2>/dev/null || true)"
  docker commit -c 'ENV container=docker' -c 'ENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]' -c "LABEL tenantproof.lab.key=$(image_key node)" "$box" "$node_tag"
  [ -z "$old" ] || docker rmi "$old" 2>/dev/null || true
  docker rm -f "$box"
  docker save "$node_tag" > "$1"
  rm -rf "$d"
}
node_in_engine() { [ "$(docker image inspect -f '{{index .Config.Labels "tenantproof.lab.key"}}' "$node_tag" 2>/dev/null)" = "$(image_key node)" ]; }
restore_node() { docker load -i "$(image_entry node)"; node_in_engine; }
# puts an archive's image into the engine, unless that very image is there
into_engine() { # NAME
  local entry tag was; entry="$(image_entry "$1")" tag="$(image_tag "$1")"
  was="$(docker image inspect -f '{{.Id}}' "$tag" 2>/dev/null || true)"
  [ -n "$was" ] && tar -xOf "$entry" manifest.json | grep -qF "\"${was#sha256:}.json\"" && return 0
  docker load -q -i "$entry" >/dev/null
  [ -z "$was" ] || docker rmi "$was" >/dev/null 2>&1 || true
}
image_in_engine() { docker image inspect "$1" >/dev/null 2>&1; }

# --- kindest/node from a registry

# pull REFERENCE SECONDS: true when it was pulled; gives up when no registry has answered after SECONDS
pull() {
  local log="$cache/logs/pull.log" pid started=$SECONDS status=0
  mkdir -p "$cache/logs"
  docker pull "$1" > "$log" 2>&1 < /dev/null & pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    if ! grep -q 'Pulling from\|Pulling fs layer\|Digest:' "$log" && (( SECONDS - started >= $2 )); then
      kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; echo "no answer after $2 s" >> "$log"; return 1
    fi
    sleep 0.2
  done
  wait "$pid" || status=$?
  return $status
}
