# shellcheck shell=bash disable=SC2154,SC2034
# The programs, from Go modules. What a cluster of the default kind is made of has one go.mod, files/together: each library
# is there in one version and is compiled once, not once for each program. The others have one each, and never have to agree.

together=(kubernetes etcd coredns kube-router cni-plugins gatekeeper agnhost)
# What raises libraries so that all of them compile: Gatekeeper's own are for an earlier minor of Kubernetes.
raised=("sigs.k8s.io/controller-runtime v0.22.4" "github.com/open-policy-agent/cert-controller v0.15.0")
is_together() { [[ " ${together[*]} " == *" $1 "* ]]; }
locked() { cat "$here/files/together/go.mod" "$here/files/together/go.sum"; }

# spec COMPONENT: sets what it is built from
spec() {
  requires=() replaces=() sums=() packages=() rename=() ldflags='' flags=() main='' module=''
  case "$1" in
    kind)
      module=sigs.k8s.io/kind requires=("sigs.k8s.io/kind $KIND") packages=(sigs.k8s.io/kind) ;;
    etcd)
      module=go.etcd.io/etcd/server/v3 requires=("go.etcd.io/etcd/server/v3 $ETCD") packages=(go.etcd.io/etcd/server/v3) rename=(server:etcd) ;;
    kubernetes)
      kubernetes_spec
      packages=(k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kube-scheduler,kubelet,kube-proxy,kubeadm,kubectl}) ;;
    agnhost)
      kubernetes_spec; packages=(k8s.io/kubernetes/test/images/agnhost) ;;
    coredns)   # with the plugins that a cluster uses; all of them would take four times as long
      module=github.com/coredns/coredns requires=("github.com/coredns/coredns $COREDNS") packages=(.)
      local plugin imports='' order='"reload", "ready", "health", "prometheus", "errors", "loadbalance", "cache", "kubernetes", "loop", "forward"'
      for plugin in metrics errors health ready cache loop forward kubernetes loadbalance reload; do imports+="import _ \"github.com/coredns/coredns/plugin/$plugin\""$'\n'; done
      main="package main
$imports
import \"github.com/coredns/coredns/core/dnsserver\"
import \"github.com/coredns/coredns/coremain\"
func main() { dnsserver.Directives = []string{$order}; coremain.Run() }"
      rename=(lab:coredns) ;;
    kube-router)   # served as the module that k3s publishes; the checksum database does not list it, these are the sums in k3s' own go.sum
      module=github.com/cloudnativelabs/kube-router/v2 requires=("github.com/cloudnativelabs/kube-router/v2 ${KUBE_ROUTER%-k3s*}")
      replaces=("github.com/cloudnativelabs/kube-router/v2 => github.com/k3s-io/kube-router/v2 $KUBE_ROUTER")
      sums=("github.com/k3s-io/kube-router/v2 v2.6.3-k3s1 h1:RZjUBIuitXCuYoCzm1aM6p5EgQFC5k3N72j4pBIc2j4="
            "github.com/k3s-io/kube-router/v2 v2.6.3-k3s1/go.mod h1:RaxDc+SBKB33+fjao+LeDue4CaUajk02eCHXVK/V4YE=")
      packages=(github.com/cloudnativelabs/kube-router/v2/cmd/kube-router)
      ldflags="-X github.com/cloudnativelabs/kube-router/v2/pkg/version.Version=$KUBE_ROUTER" ;;
    cni-plugins)
      module=github.com/containernetworking/plugins requires=("github.com/containernetworking/plugins $CNI_PLUGINS")
      packages=(github.com/containernetworking/plugins/plugins/main/bridge) ;;
    gatekeeper)
      module=github.com/open-policy-agent/gatekeeper/v3 requires=("github.com/open-policy-agent/gatekeeper/v3 $GATEKEEPER")
      packages=(github.com/open-policy-agent/gatekeeper/v3) rename=(gatekeeper:manager)
      ldflags="-X github.com/open-policy-agent/gatekeeper/v3/pkg/version.Version=$GATEKEEPER" ;;
    kyverno)       # its own replacement of this module carries fields that it needs
      module=github.com/kyverno/kyverno requires=("github.com/kyverno/kyverno $KYVERNO")
      replaces=("k8s.io/pod-security-admission => github.com/kyverno/pod-security-admission v0.0.0-20251031094455-46f20778634f")
      packages=(github.com/kyverno/kyverno/cmd/{kyverno,kyverno-init})
      ldflags="-X github.com/kyverno/kyverno/pkg/version.BuildVersion=$KYVERNO" ;;
    cilium)        # the pre-release of gobgp that it pins is not published everywhere; the next release fits
      module=github.com/cilium/cilium requires=("github.com/cilium/cilium $CILIUM")
      replaces=("github.com/osrg/gobgp/v4 => github.com/osrg/gobgp/v4 v4.8.0")
      packages=(github.com/cilium/cilium/{daemon,plugins/cilium-cni,cilium-dbg}) rename=(daemon:cilium-agent) flags=(-tags osusergo)
      ldflags="-X github.com/cilium/cilium/pkg/version.ciliumVersion=${CILIUM#v}" ;;
    registry)      # with storage in files alone; the clouds' SDKs would take ten times as long
      module=github.com/distribution/distribution/v3 requires=("github.com/distribution/distribution/v3 $REGISTRY") packages=(.)
      main='package main
import "os"
import "github.com/distribution/distribution/v3/registry"
import _ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
func main() { if registry.RootCmd.Execute() != nil { os.Exit(1) } }'
      rename=(lab:registry) ldflags="-X github.com/distribution/distribution/v3/version.version=$REGISTRY" ;;
    *) echo "no such component: $1" >&2; return 1 ;;
  esac
}
kubernetes_spec() {
  local minor="${K8S#v1.}" p=k8s.io/component-base/version
  module=k8s.io/kubernetes requires=("k8s.io/kubernetes $K8S")
  ldflags="-X $p.gitVersion=$K8S -X $p.gitMajor=1 -X $p.gitMinor=${minor%%.*} -X $p.gitTreeState=clean"
}

program_entry() { # COMPONENT
  local key
  key="$(spec "$1"; { printf '%s\n' "$(go_arch)" "${requires[@]}" "${replaces[@]}" "${sums[@]}" "${packages[@]}" "${rename[@]}" "${flags[@]}" "$ldflags" "$main"
                      ! is_together "$1" || locked; declare -f build_program extras; } | digest)"
  printf '%s/programs/%s-%s' "$cache" "$1" "$key"
}
go_arch() { case "$(uname -m)" in x86_64) echo amd64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac; }

go_surroundings() {
  export CGO_ENABLED=0 GOWORK=off GOOS=linux GOGC="${GOGC:-400}"   # the compiler collects less: memory is plentiful, cores are not
  unset GOBIN GOEXPERIMENT
}
module_file() { # a go.mod of what `requires` and `replaces` name
  echo "module lab"; echo "go $GO_AT_LEAST"; printf 'require %s\n' "${requires[@]}"; [ ${#replaces[@]} = 0 ] || printf 'replace %s\n' "${replaces[@]}"
}
program_imports() { # NAME: a file that imports what is built
  if [ -n "$main" ]; then printf '%s\n' "$main"
  else echo "//go:build tools"; echo "package $1"; printf 'import _ "%s"\n' "${packages[@]}"; fi
}
build_program() { # COMPONENT: makes its entry, a folder with the static programs
  local name="$1" work pair entry mode=readonly; entry="$(program_entry "$1")"
  local requires replaces sums packages rename ldflags flags main module
  spec "$name"
  work="$(scratch)"; mkdir "$work/src" "$work/out"; cd "$work/src" || return
  go_surroundings
  program_imports tools > lab.go
  if is_together "$name"; then cp "$here"/files/together/go.{mod,sum} .
  else
    mode=mod
    module_file > go.mod
    [ ${#sums[@]} = 0 ] || printf '%s\n' "${sums[@]}" > go.sum
    go mod tidy -e > "$work/tidy.log" 2>&1 || true   # what it cannot find, only tests of dependencies import
  fi
  # Without debugging information, which nobody reads here and which takes time to make.
  go build -mod=$mode -trimpath -gcflags=all=-dwarf=false "${flags[@]}" -ldflags "-s -w $ldflags" -o "$work/out/" "${packages[@]}"
  for pair in "${rename[@]}"; do mv "$work/out/${pair%%:*}" "$work/out/${pair#*:}"; done
  extras "$name" "$work/out" "$(go list -mod=$mode -m -f '{{.Dir}}' "$module")"
  keep "$work/out" "$entry"; rm -rf "$work"
  prune "$cache/programs" "$name" "$entry"
}
# Writes files/together anew, after a change of versions: what all of them need together, each library at the lowest version that
# suits every one of them.
lock_together() {
  local name work all=() all_requires=("${raised[@]}") all_replaces=() all_sums=()
  local requires replaces sums packages rename ldflags flags main module
  work="$(scratch)"; mkdir "$work/src"; cd "$work/src" || return
  go_surroundings
  for name in "${together[@]}"; do
    spec "$name"
    mkdir "$name"; program_imports tools > "$name/lab.go"
    all_requires+=("${requires[@]}") all_replaces+=("${replaces[@]}") all_sums+=("${sums[@]}")
    if [ -n "$main" ]; then all+=("./$name"); else all+=("${packages[@]}"); fi
  done
  requires=("${all_requires[@]}") replaces=("${all_replaces[@]}")
  module_file > go.mod
  # Kubernetes replaces its staging modules by folders of its own repository: the published ones are named instead.
  awk -v v="v0.${K8S#v1.}" '/=> \.\/staging/ {print "replace " $1 " => " $1 " " v}' "$(module_dir "k8s.io/kubernetes $K8S")/go.mod" | sort -u >> go.mod
  printf '%s\n' "${all_sums[@]}" > go.sum
  # Twice: the first time only finds out what there is.
  go list -mod=mod -deps "${all[@]}" > /dev/null
  go list -mod=mod -deps "${all[@]}" > /dev/null
  go list -mod=readonly -deps "${all[@]}" > /dev/null
  mkdir -p "$here/files/together"; cp go.mod go.sum "$here/files/together/"; rm -rf "$work"
}
module_dir() { # "MODULE VERSION"
  go mod download -json "${1/ /@}" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",\{0,1\}$/\1/p'
}
extras() { # COMPONENT OUT MODULE-FOLDER: what else of a module the lab needs
  case "$1" in
    gatekeeper) cp "$3/deploy/gatekeeper.yaml" "$2/" ;;
    cilium)
      cp -r "$3/bpf" "$2/bpf"
      local crd; for crd in "$3"/pkg/k8s/apis/cilium.io/client/crds/v2*/*.yaml; do echo ---; cat "$crd"; done > "$2/crds.yaml" ;;
  esac
  chmod -R u+w "$2"
}
