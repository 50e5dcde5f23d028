// An oracle: Cyclonus' matcher behind lines of JSON.
//
// Each line of standard input is a world: policies, with the API's defaults applied, and connections. For each, one
// line of 0 (denied) and 1 (allowed) is written, a digit for each connection, in their order.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

type peer struct {
	IP              string            `json:"ip"`
	Namespace       string            `json:"namespace"`
	NamespaceLabels map[string]string `json:"namespaceLabels"`
	Labels          map[string]string `json:"labels"`
}

func (p *peer) traffic() *matcher.TrafficPeer {
	return &matcher.TrafficPeer{
		IP: p.IP,
		Internal: &matcher.InternalPeer{
			PodLabels:       p.Labels,
			NamespaceLabels: p.NamespaceLabels,
			Namespace:       p.Namespace,
		},
	}
}

type connection struct {
	Source      peer        `json:"source"`
	Destination peer        `json:"destination"`
	Protocol    v1.Protocol `json:"protocol"`
	Port        int         `json:"port"`
	PortName    string      `json:"portName"`
}

type world struct {
	Policies    []*networkingv1.NetworkPolicy `json:"policies"`
	Connections []connection                  `json:"connections"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		var asked world
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		policies := matcher.BuildNetworkPolicies(false, asked.Policies)
		for _, c := range asked.Connections {
			result := policies.IsTrafficAllowed(&matcher.Traffic{
				Source:           c.Source.traffic(),
				Destination:      c.Destination.traffic(),
				ResolvedPort:     c.Port,
				ResolvedPortName: c.PortName,
				Protocol:         c.Protocol,
			})
			if result.IsAllowed() {
				out.WriteByte('1')
			} else {
				out.WriteByte('0')
			}
		}
		out.WriteByte('\n')
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
