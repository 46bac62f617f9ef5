package proof

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/identity"
)

// once looks for what a redelivery, a crash or a race would have doubled, and for answers that nobody got.
func once(s State, d stored) (broken []string) {
	for _, r := range d.requests {
		broken = append(broken, answered(s.World, r.Subject.Repo.String(), r.Subject.Number)...)
		broken = append(broken, answered(s.World, r.Registry.String(), r.Pull)...) // with number 0, none is found
	}
	pulls, merges := map[string]int{}, map[string]int{}
	for _, repo := range s.World.Repos {
		for _, p := range repo.Pulls {
			pulls[repo.FullName+" "+p.Head]++
		}
	}
	for _, w := range s.Writes {
		if w.App == s.App && w.Method == http.MethodPut && strings.HasSuffix(w.Path, "/merge") && w.Status == http.StatusOK {
			merges[w.Path]++
		}
	}
	for branch, n := range pulls {
		if strings.Contains(branch, " keyreeve/") && n > 1 {
			broken = append(broken, fmt.Sprintf("branch %s has %d pull requests", branch, n))
		}
	}
	for path, n := range merges {
		if n > 1 {
			broken = append(broken, fmt.Sprintf("%s was called %d times", path, n))
		}
	}
	slices.Sort(broken)
	return append(broken, doubled(s, d)...)
}

// answered says whether a conversation has exactly one answer of the bot; one that is gone needs none.
func answered(w hub.World, repo string, number int) (broken []string) {
	r := w.Repo(repo)
	if r == nil {
		return nil
	}
	var comments []hub.Comment
	switch i, p := r.Issue(number), r.Pull(number); {
	case i != nil:
		comments = i.Comments
	case p != nil:
		comments = p.Comments
	default:
		return nil
	}
	answers := 0
	for _, c := range comments {
		if strings.HasPrefix(c.Body, "<!-- keyreeve:status ") && c.ViaApp != "" {
			answers++
		}
	}
	if answers != 1 {
		broken = append(broken, fmt.Sprintf("%s#%d has %d answers of the bot", repo, number, answers))
	}
	return broken
}

// doubled counts the grants against the leases: one for each, and no more.
func doubled(s State, d stored) (broken []string) {
	most, grants := map[string]int{}, map[string]int{}
	for _, l := range d.leases {
		// Its end may set the level of the others, or of what was there before, by the same call.
		key := strings.ToLower(l.Access.String())
		if most[key] == 0 && s.Before[l.Access.String()] == identity.None {
			most[key]-- // the last end takes away
		}
		most[key] += 2
	}
	for _, w := range s.Writes {
		if a, ok := grant(w); ok && w.App == s.App {
			grants[strings.ToLower(a.String())]++
		}
	}
	for a, n := range grants {
		if n > most[a] {
			broken = append(broken, fmt.Sprintf("%s was granted %d times, where its leases account for %d", a, n, most[a]))
		}
	}
	slices.Sort(broken)
	return broken
}
