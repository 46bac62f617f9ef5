package approvals

import (
	"fmt"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// large is a pull request of 3,000 files with 500 owners, teams of ten, and 2,000 comments.
func large() Facts {
	f := Facts{Digest: digest, Head: head, People: map[string]Members{}}
	for i := range 500 {
		m := Members{Known: true}
		for j := range 10 {
			m.People = append(m.People, person(i*7+j))
		}
		f.People[fmt.Sprintf("@acme/team-%d", i)] = m
	}
	for i := range 3000 {
		f.Needs = append(f.Needs, Need{
			Kind: Path, Subject: fmt.Sprintf("identities/app-%d/deploy.yaml", i), Source: "acme/identities:.github/CODEOWNERS:12 *",
			Owners: []string{fmt.Sprintf("@acme/team-%d", i%500), fmt.Sprintf("@acme/team-%d", (i*13+1)%500)},
		})
	}
	for i := range 2000 {
		v := Vote{ID: fmt.Sprintf("comment/%d", i), By: person(i * 2), Verb: Approve, Digest: digest}
		if i%10 == 0 {
			v.Verb = Withdraw
		}
		f.Votes = append(f.Votes, v)
	}
	f.Excluded = []Exclusion{{Person: person(3), Why: Requester}}
	return f
}

func person(i int) identity.Person {
	return identity.Person{ID: int64(i + 1), Login: fmt.Sprintf("user-%d", i)}
}

// BenchmarkDecide decides a pull request of 3,000 files, 500 owners and 2,000 comments. It is to take less than 10 ms.
func BenchmarkDecide(b *testing.B) {
	f := large()
	b.ReportAllocs()
	for b.Loop() {
		if d := Decide(f); len(d.Needs) != 3000 {
			b.Fatal("not all needs were decided")
		}
	}
}

// TestDecideIsLinear keeps the benchmark's order of magnitude: a quadratic engine takes seconds here. The bound is wide,
// for a busy machine under the race detector.
func TestDecideIsLinear(t *testing.T) {
	f := large()
	start := time.Now()
	d := Decide(f)
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("%d needs took %v", len(d.Needs), took)
	}
}
