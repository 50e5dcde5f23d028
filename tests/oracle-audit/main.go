// An oracle: the audit policy evaluator of the API server behind lines of JSON.
//
// Each line of standard input is a policy, as a file has it, and questions. For each one line is written: `refused`
// where the API server would not take the policy, otherwise for each question the level and the stages that are left
// out, such as `Metadata/Panic,RequestReceived`, with spaces between.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"

	"k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

type question struct {
	User        string   `json:"user"`
	Groups      []string `json:"groups"`
	Verb        string   `json:"verb"`
	Namespace   string   `json:"namespace"`
	APIGroup    string   `json:"apiGroup"`
	Resource    string   `json:"resource"`
	Subresource string   `json:"subresource"`
	Name        string   `json:"name"`
	Path        string   `json:"path"`
}

type world struct {
	Policy    json.RawMessage `json:"policy"`
	Questions []question      `json:"questions"`
}

func answer(w world) string {
	read, err := policy.LoadPolicyFromBytes(w.Policy)
	if err != nil {
		return "refused"
	}
	evaluator := policy.NewPolicyRuleEvaluator(read)
	var answers []string
	for _, q := range w.Questions {
		decided := evaluator.EvaluatePolicyRule(authorizer.AttributesRecord{
			User:            &user.DefaultInfo{Name: q.User, Groups: q.Groups},
			Verb:            q.Verb,
			Namespace:       q.Namespace,
			APIGroup:        q.APIGroup,
			Resource:        q.Resource,
			Subresource:     q.Subresource,
			Name:            q.Name,
			ResourceRequest: q.Path == "",
			Path:            q.Path,
		})
		var stages []string
		for _, stage := range decided.OmitStages {
			stages = append(stages, string(stage))
		}
		sort.Strings(stages)
		answers = append(answers, string(decided.Level)+"/"+strings.Join(stages, ","))
	}
	return strings.Join(answers, " ")
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		var w world
		if err := json.Unmarshal(lines.Bytes(), &w); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Fprintln(out, answer(w))
	}
}
