# shellcheck shell=bash disable=SC2154,SC2034
# The programs, from Go modules. Each component has a go.mod of its own, so that their dependencies never have to agree.

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
                      declare -f build_program extras; } | digest)"
  printf '%s/programs/%s-%s' "$cache" "$1" "$key"
}
go_arch() { case "$(uname -m)" in x86_64) echo amd64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac; }

build_program() { # COMPONENT: makes its entry, a folder with the static programs
  local name="$1" work dir line pair entry; entry="$(program_entry "$1")"
  local requires replaces sums packages rename ldflags flags main module
  spec "$name"
  work="$(scratch)"; mkdir "$work/src" "$work/out"; cd "$work/src" || return
  export CGO_ENABLED=0 GOWORK=off GOOS=linux GOGC="${GOGC:-400}"   # the compiler collects less: memory is plentiful, cores are not
  unset GOBIN GOEXPERIMENT
  { echo "module lab"; echo "go $GO_AT_LEAST"; printf 'require %s\n' "${requires[@]}"; [ ${#replaces[@]} = 0 ] || printf 'replace %s\n' "${replaces[@]}"; } > go.mod
  [ ${#sums[@]} = 0 ] || printf '%s\n' "${sums[@]}" > go.sum
  if [ "$module" = k8s.io/kubernetes ]; then   # it replaces its staging modules by folders of its own repository: name the published ones
    dir="$(module_dir "${requires[0]}")"
    awk -v v="v0.${K8S#v1.}" '/=> \.\/staging/ {print "replace " $1 " => " $1 " " v}' "$dir/go.mod" | sort -u >> go.mod
  fi
  if [ -n "$main" ]; then printf '%s\n' "$main" > main.go
  else { echo "//go:build tools"; echo "package tools"; for line in "${packages[@]}"; do echo "import _ \"$line\""; done; } > tools.go; fi
  go mod tidy -e > "$work/tidy.log" 2>&1 || true   # what it cannot find, only tests of dependencies import
  go build -mod=mod -trimpath "${flags[@]}" -ldflags "-s -w $ldflags" -o "$work/out/" "${packages[@]}"
  for pair in "${rename[@]}"; do mv "$work/out/${pair%%:*}" "$work/out/${pair#*:}"; done
  extras "$name" "$work/out" "$(go list -mod=mod -m -f '{{.Dir}}' "$module")"
  keep "$work/out" "$entry"; rm -rf "$work"
  prune "$cache/programs" "$name" "$entry"
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
