package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

func TestRegistryOf(t *testing.T) {
	for _, tt := range []struct {
		setting, org, want string // "" where the organization is not served
		bad                bool
	}{
		{setting: "identities", org: "acme", want: "acme/identities"},
		{setting: "identities", org: "globex", want: "globex/identities"},
		{setting: "acme/keys", org: "ACME", want: "ACME/keys"},
		{setting: "acme/keys", org: "globex"},
		{setting: "", bad: true},
		{setting: "/keys", bad: true},
		{setting: "acme/", bad: true},
		{setting: "a/b/c", bad: true},
		{setting: "..", bad: true},
	} {
		f, err := registryOf(tt.setting)
		if (err != nil) != tt.bad {
			t.Errorf("%q: %v", tt.setting, err)
		}
		if err != nil {
			continue
		}
		got := ""
		if repo, ok := f(tt.org); ok {
			got = repo.String()
		}
		if got != tt.want {
			t.Errorf("%q names %q in %s, want %q", tt.setting, got, tt.org, tt.want)
		}
	}
}

func TestRoute(t *testing.T) {
	registry, err := registryOf("acme/identities")
	if err != nil {
		t.Fatal(err)
	}
	payload := func(installation, owner string) []byte {
		return fmt.Appendf(nil, `{"action":"opened","installation":{"id":%s},"sender":{"id":5,"login":"dana","type":"User"},
			"repository":{"id":9,"name":"identities","full_name":"acme/identities","owner":{"id":1,"login":%q}},"issue":{"number":3}}`, installation, owner)
	}
	got, err := route(1, registry, workflow.Delivery{Event: "issues", Body: payload("7", "acme")})
	if err != nil || got.Rule != "" || len(got.Subjects) != 1 || got.Subjects[0].Key() != "7/issue/9#3" {
		t.Errorf("an issue: %q, %v, %v", got.Rule, got.Subjects, err)
	}
	// What can't be read never heals: it is finished, with what is wrong with it.
	got, err = route(1, registry, workflow.Delivery{Event: "issues", Body: []byte(`{"installation":[]}`)})
	if err != nil || !strings.HasPrefix(got.Rule, "unreadable: ") || got.Subjects != nil {
		t.Errorf("an unreadable payload: %q, %v, %v", got.Rule, got.Subjects, err)
	}
	got, err = route(1, registry, workflow.Delivery{Event: "star", Body: payload("7", "acme")})
	if err != nil || got.Rule == "" || got.Subjects != nil {
		t.Errorf("an event that nobody looks at: %q, %v, %v", got.Rule, got.Subjects, err)
	}
}

func TestWalksAreCountedByTheirOutcome(t *testing.T) {
	m := newMetrics()
	results := []error{nil, errors.New("502"), fmt.Errorf("walk: %w", &workflow.LimitedError{Until: time.Now()})}
	for _, want := range results {
		_, err := m.walk(func(context.Context, workflow.Subject) (time.Time, error) { return time.Time{}, want })(t.Context(), workflow.Subject{Kind: workflow.IssueSubject})
		if !errors.Is(err, want) {
			t.Errorf("the walk's error is %v, want %v", err, want)
		}
	}
	counts := map[string]float64{}
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "keyreeve_walks_total" {
			continue
		}
		for _, one := range f.GetMetric() {
			for _, l := range one.GetLabel() {
				if l.GetName() == "outcome" {
					counts[l.GetValue()] = one.GetCounter().GetValue()
				}
			}
		}
	}
	if len(counts) != 3 || counts["settled"] != 1 || counts["failed"] != 1 || counts["limited"] != 1 {
		t.Errorf("counted are %v", counts)
	}
}
