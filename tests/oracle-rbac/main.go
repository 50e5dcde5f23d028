// An oracle: the RBAC authorizer of the API server behind lines of JSON.
//
// Each line of standard input is a world: Roles, ClusterRoles, their bindings, and questions. Aggregation, which a
// controller does on a cluster, is done first. For each world one line of 0 (no opinion, so denied) and 1 (allowed)
// is written, a digit for each question, in their order.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/kubernetes/pkg/registry/rbac/validation"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"
)

type subject struct {
	Kind      string   `json:"kind"`
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Groups    []string `json:"groups"`
}

// info is what the API server's authenticators make of a subject: the groups of a service account's token, those of
// anonymous requests, and system:authenticated for all others.
func (s subject) info() user.Info {
	switch s.Kind {
	case "ServiceAccount":
		info := serviceaccount.UserInfo(s.Namespace, s.Name, "")
		return &user.DefaultInfo{Name: info.GetName(), Groups: append(info.GetGroups(), user.AllAuthenticated)}
	case "Group":
		return &user.DefaultInfo{Groups: authenticated(append([]string{s.Name}, s.Groups...))}
	}
	if s.Name == user.Anonymous {
		return &user.DefaultInfo{Name: s.Name, Groups: append([]string{user.AllUnauthenticated}, s.Groups...)}
	}
	if namespace, name, err := serviceaccount.SplitUsername(s.Name); err == nil {
		info := serviceaccount.UserInfo(namespace, name, "")
		return &user.DefaultInfo{Name: s.Name, Groups: authenticated(append(info.GetGroups(), s.Groups...))}
	}
	return &user.DefaultInfo{Name: s.Name, Groups: authenticated(s.Groups)}
}

// authenticated does what the group adder of k8s.io/apiserver does.
func authenticated(groups []string) []string {
	for _, group := range groups {
		if group == user.AllAuthenticated || group == user.AllUnauthenticated {
			return groups
		}
	}
	return append(append([]string{}, groups...), user.AllAuthenticated)
}

type question struct {
	Subject        subject `json:"subject"`
	Verb           string  `json:"verb"`
	APIGroup       string  `json:"apiGroup"`
	Resource       string  `json:"resource"`
	Subresource    string  `json:"subresource"`
	Namespace      string  `json:"namespace"`
	Name           string  `json:"name"`
	NonResourceURL string  `json:"nonResourceURL"`
}

func (q question) attributes() authorizer.AttributesRecord {
	return authorizer.AttributesRecord{
		User:            q.Subject.info(),
		Verb:            q.Verb,
		Namespace:       q.Namespace,
		APIGroup:        q.APIGroup,
		Resource:        q.Resource,
		Subresource:     q.Subresource,
		Name:            q.Name,
		Path:            q.NonResourceURL,
		ResourceRequest: q.NonResourceURL == "",
	}
}

type world struct {
	Roles               []*rbacv1.Role               `json:"roles"`
	ClusterRoles        []*rbacv1.ClusterRole        `json:"clusterRoles"`
	RoleBindings        []*rbacv1.RoleBinding        `json:"roleBindings"`
	ClusterRoleBindings []*rbacv1.ClusterRoleBinding `json:"clusterRoleBindings"`
	Questions           []question                   `json:"questions"`
}

// aggregate repeats what syncClusterRole of pkg/controller/clusterroleaggregation does until nothing changes.
func (w *world) aggregate() error {
	sort.Slice(w.ClusterRoles, func(i, j int) bool { return w.ClusterRoles[i].Name < w.ClusterRoles[j].Name })
	for changed := true; changed; {
		changed = false
		for _, role := range w.ClusterRoles {
			if role.AggregationRule == nil {
				continue
			}
			rules := []rbacv1.PolicyRule{}
			for i := range role.AggregationRule.ClusterRoleSelectors {
				selector, err := metav1.LabelSelectorAsSelector(&role.AggregationRule.ClusterRoleSelectors[i])
				if err != nil {
					return err
				}
				for _, selected := range w.ClusterRoles {
					if selected.Name == role.Name || !selector.Matches(labels.Set(selected.Labels)) {
						continue
					}
					for _, rule := range selected.Rules {
						if !has(rules, rule) {
							rules = append(rules, rule)
						}
					}
				}
			}
			if !equality.Semantic.DeepEqual(rules, role.Rules) {
				role.Rules = rules
				changed = true
			}
		}
	}
	return nil
}

func has(rules []rbacv1.PolicyRule, rule rbacv1.PolicyRule) bool {
	for _, other := range rules {
		if equality.Semantic.DeepEqual(other, rule) {
			return true
		}
	}
	return false
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		var asked world
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fail(err)
		}
		if err := asked.aggregate(); err != nil {
			fail(err)
		}
		_, static := validation.NewTestRuleResolver(
			asked.Roles, asked.RoleBindings, asked.ClusterRoles, asked.ClusterRoleBindings,
		)
		judge := rbac.New(static, static, static, static)
		for _, q := range asked.Questions {
			// An error tells of a role that is missing, beside which other grants count: the decision stands.
			decision, _, _ := judge.Authorize(context.Background(), q.attributes())
			if decision == authorizer.DecisionAllow {
				out.WriteByte('1')
			} else {
				out.WriteByte('0')
			}
		}
		out.WriteByte('\n')
	}
	if err := lines.Err(); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
