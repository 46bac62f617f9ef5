package hub

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const required = "keyreeve / approvals"

// queueWorld has a merge queue on main, and pull requests from branches that may enter it: each writes a file of its own.
func queueWorld(t *testing.T, branches ...string) (*world, string) {
	t.Helper()
	w := newWorld(t)
	must(t, w.RequireQueue("acme", "identities", required))
	tok := w.token("")
	for n, name := range branches {
		sha := w.branch(tok, name, map[string]string{name + ".txt": "1\n"})
		w.call(tok, "POST", registry+"/pulls", map[string]any{"title": name, "head": name, "base": "main"}).want(201)
		w.concludes(tok, sha, "success")
		must(t, w.As("rory").QueuePull("acme/identities", n+1))
	}
	return w, tok
}

// concludes sets the required check on a commit.
func (w *world) concludes(tok, sha, conclusion string) {
	w.t.Helper()
	w.call(tok, "POST", registry+"/check-runs", map[string]any{
		"name": required, "head_sha": sha, "status": "completed", "conclusion": conclusion,
	}).want(201)
}

// groups are the merge groups as "pull reason", and the last of them that is queued for each pull request.
func (w *world) groups() (all []string, queued map[int]MergeGroup) {
	queued = map[int]MergeGroup{}
	for _, g := range w.Snapshot().Repo("acme/identities").MergeGroups {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%d %s", g.Pull, g.Reason)))
		if g.Reason == "" {
			queued[g.Pull] = g
		}
	}
	return all, queued
}

// toldOfGroups are the merge_group events since the last look.
func (w *world) toldOfGroups() (told []string) {
	w.t.Helper()
	for _, h := range w.hooks() {
		if h.header.Get("X-GitHub-Event") != "merge_group" {
			continue
		}
		var p any
		must(w.t, json.Unmarshal(h.body, &p))
		reason, _ := dig(p, "reason").(string)
		told = append(told, strings.TrimSpace(fmt.Sprintf("%v %s", dig(p, "action"), reason)))
	}
	return told
}

func TestQueueMergesInOrder(t *testing.T) {
	w, tok := queueWorld(t, "a", "b")
	_, queued := w.groups()
	first, second := queued[1], queued[2]
	if want := "refs/heads/gh-readonly-queue/main/pr-1-" + first.BaseSHA; first.Ref != want || second.BaseSHA != first.HeadSHA {
		t.Fatalf("groups: %+v, %+v", first, second)
	}
	sameNames(t, w.toldOfGroups(), "checks_requested", "checks_requested")
	w.concludes(tok, second.HeadSHA, "success") // waits for the one before it
	if all, _ := w.groups(); !slices.Equal(all, []string{"1", "2"}) {
		t.Errorf("groups: %v", all)
	}
	w.concludes(tok, first.HeadSHA, "success")
	if all, _ := w.groups(); !slices.Equal(all, []string{"1 merged", "2 merged"}) {
		t.Errorf("groups: %v", all)
	}
	sameNames(t, w.toldOfGroups(), "destroyed merged", "destroyed merged")
	r := w.Snapshot().Repo("acme/identities")
	for n, g := range map[int]MergeGroup{1: first, 2: second} {
		if p := r.Pull(n); !p.Merged || p.MergedBy != "rory" {
			t.Errorf("pull request %d: merged %t by %q", n, p.Merged, p.MergedBy)
		}
		if slices.ContainsFunc(r.Refs, func(ref Ref) bool { return ref.Name == g.Ref }) {
			t.Errorf("%s is still there", g.Ref)
		}
	}
	w.call(tok, "GET", registry+"/git/ref/heads/main", nil).want(200).is("object.sha", second.HeadSHA)
}

func TestQueueDropsWhatFails(t *testing.T) {
	w, tok := queueWorld(t, "a", "b")
	_, queued := w.groups()
	w.toldOfGroups()
	w.concludes(tok, queued[1].HeadSHA, "failure")
	all, next := w.groups()
	if !slices.Equal(all, []string{"1 dequeued", "2 invalidated", "2"}) || next[2].HeadSHA == queued[2].HeadSHA || next[2].BaseSHA != queued[1].BaseSHA {
		t.Fatalf("groups: %v, %+v", all, next)
	}
	sameNames(t, w.toldOfGroups(), "destroyed dequeued", "destroyed invalidated", "checks_requested")
	w.concludes(tok, next[2].HeadSHA, "success")
	r := w.Snapshot().Repo("acme/identities")
	if r.Pull(1).State != "open" || !r.Pull(2).Merged {
		t.Errorf("the failed one is %s, the other merged: %t", r.Pull(1).State, r.Pull(2).Merged)
	}
}

// TestQueueFollows: a push to the branch, a push to the base and a closing each change the queue.
func TestQueueFollows(t *testing.T) {
	w, _ := queueWorld(t, "a", "b", "c")
	_, queued := w.groups()
	_, err := w.As("rory").Push("acme/identities", "a", map[string]string{"more.txt": "2\n"}, "More")
	must(t, err)
	if _, now := w.groups(); len(now) != 2 || now[2].BaseSHA != queued[1].BaseSHA {
		t.Fatalf("after a push to its branch: %+v", now)
	}
	tip, err := w.As("rory").Push("acme/identities", "main", map[string]string{"main.txt": "2\n"}, "Past the queue")
	must(t, err)
	if _, now := w.groups(); len(now) != 2 || now[2].BaseSHA != tip || now[3].BaseSHA != now[2].HeadSHA {
		t.Fatalf("after a push to the base: %+v", now)
	}
	must(t, w.As("rory").ClosePull("acme/identities", 2))
	if _, now := w.groups(); len(now) != 1 || now[3].BaseSHA != tip {
		t.Errorf("after a closing: %+v", now)
	}
}

func TestQueueRefuses(t *testing.T) {
	w, tok := queueWorld(t, "a")
	w.branch(tok, "b", map[string]string{"b.txt": "1\n"})
	w.call(tok, "POST", registry+"/pulls", `{"title":"b","head":"b","base":"main"}`).want(201)
	for name, err := range map[string]error{
		"without its checks":          w.As("rory").QueuePull("acme/identities", 2),
		"twice":                       w.As("rory").QueuePull("acme/identities", 1),
		"without write access":        w.As("dana").QueuePull("acme/identities", 1),
		"what is no pull request":     w.As("rory").QueuePull("acme/identities", 9),
		"a queue that waits for none": w.RequireQueue("acme", "identities"),
	} {
		if err == nil {
			t.Errorf("queued %s", name)
		}
	}
}

// TestRerun: the suite is queued until something comes of it, and the run stays as it is.
func TestRerun(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	sha := w.branch(tok, "a", map[string]string{"x": "1\n"})
	w.call(tok, "POST", registry+"/pulls", `{"title":"A","head":"a","base":"main"}`).want(201)
	w.concludes(tok, sha, "success")
	id := w.Snapshot().Repo("acme/identities").CheckRuns[0].ID
	w.hooks()
	rerun := map[string]func() error{
		"check_run.rerequested":   func() error { return w.As("rory").Rerun("acme/identities", id) },
		"check_suite.rerequested": func() error { return w.As("rory").RerunAll("acme/identities", sha) },
	}
	for event, ask := range rerun {
		must(t, ask())
		sameNames(t, hookNames(w.hooks()), event)
		w.call(tok, "GET", registry+"/commits/a/check-suites", nil).want(200).is("check_suites.0.status", "queued").is("check_suites.0.conclusion", nil)
		w.call(tok, "GET", registry+"/commits/a/check-runs", nil).want(200).is("check_runs.0.conclusion", "success")
		w.call(tok, "PATCH", fmt.Sprintf("%s/check-runs/%d", registry, id), `{"conclusion":"success"}`).want(200)
		w.call(tok, "GET", registry+"/commits/a/check-suites", nil).want(200).is("check_suites.0.conclusion", "success")
	}
	for name, err := range map[string]error{
		"by a reader":           w.As("dana").Rerun("acme/identities", id),
		"a run that is not":     w.As("rory").Rerun("acme/identities", 1),
		"all on a bare commit":  w.As("rory").RerunAll("acme/identities", strings.Repeat("0", 40)),
		"in no repository":      w.As("rory").Rerun("acme/none", id),
		"a button that is not":  w.As("rory").PressButton("acme/identities", id, "approve"),
		"a button, by a reader": w.As("dana").PressButton("acme/identities", id, "approve"),
		"all, by a reader":      w.As("dana").RerunAll("acme/identities", sha),
	} {
		if err == nil {
			t.Errorf("done: %s", name)
		}
	}
}
