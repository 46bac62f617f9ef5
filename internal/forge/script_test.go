package forge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/forge"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// talk answers the two reads of a conversation: comments by REST, edits by GraphQL, each by how often it was asked.
type talk struct{ rest, graph []string }

func (a talk) serve(f *fake) func(http.ResponseWriter, *http.Request, string) {
	asked := map[string]int{}
	pick := func(of []string, key string) string {
		i := min(asked[key], len(of)-1)
		asked[key]++
		return of[i]
	}
	return func(w http.ResponseWriter, r *http.Request, _ string) {
		switch {
		case r.URL.Path == "/graphql":
			fmt.Fprint(w, pick(a.graph, "graph"))
		case strings.HasSuffix(r.URL.Path, "/comments"):
			fmt.Fprint(w, pick(a.rest, "rest"))
		default:
			f.t.Errorf("an unexpected %s %s", r.Method, r.URL)
		}
	}
}

func restComments(ids ...int) string {
	var all []string
	for _, id := range ids {
		all = append(all, fmt.Sprintf(`{"id":%d,"user":{"id":5,"login":"bob","type":"User"},"body":"b","created_at":"2026-03-01T11:00:00Z"}`, id))
	}
	return "[" + strings.Join(all, ",") + "]"
}

func graphComments(ids ...int) string {
	var all []string
	for _, id := range ids {
		all = append(all, fmt.Sprintf(`{"databaseId":%d,"lastEditedAt":null,"isMinimized":false}`, id))
	}
	return `{"data":{"repository":{"issueOrPullRequest":{"lastEditedAt":null,"comments":{"pageInfo":{"hasNextPage":false},"nodes":[` + strings.Join(all, ",") + `]}}}}}`
}

func TestCommentsThatComeInBetweenAreReadAgain(t *testing.T) {
	for _, c := range []struct {
		name string
		talk talk
		want int // -1: an error
	}{
		{"nothing moves", talk{[]string{restComments(1, 2)}, []string{graphComments(1, 2)}}, 2},
		{"one comes", talk{[]string{restComments(1), restComments(1, 2)}, []string{graphComments(1, 2)}}, 2},
		{"one goes", talk{[]string{restComments(1, 2), restComments(1)}, []string{graphComments(1)}}, 1},
		{"one is not known to GraphQL yet", talk{[]string{restComments(1, 2)}, []string{graphComments(1), graphComments(1, 2)}}, 2},
		{"it never rests", talk{[]string{restComments(1)}, []string{graphComments(1, 2)}}, -1},
		{"a page shifted", talk{[]string{restComments(1, 1)}, []string{graphComments(1, 2)}}, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t, nil)
			f.answer = c.talk.serve(f)
			got, err := f.forge.Comments(context.Background(), place(1))
			if c.want < 0 {
				if !errors.Is(err, workflow.ErrConflict) {
					t.Errorf("%d comments, %v", len(got), err)
				}
			} else if err != nil || len(got) != c.want {
				t.Errorf("%d comments, %v, want %d", len(got), err, c.want)
			}
		})
	}
}

func TestGraphQLErrors(t *testing.T) {
	body := func(kind string) string {
		return fmt.Sprintf(`{"data":null,"errors":[{"type":%q,"message":"said so"}]}`, kind)
	}
	for _, c := range []struct {
		name, body string
		want       func(error) bool
	}{
		{"limited", body("RATE_LIMITED"), func(err error) bool {
			_, ok := errors.AsType[*workflow.LimitedError](err)
			return ok
		}},
		{"not found", body("NOT_FOUND"), func(err error) bool { return errors.Is(err, workflow.ErrNotFound) }},
		{"no such issue", `{"data":{"repository":{"issueOrPullRequest":null}}}`, func(err error) bool { return errors.Is(err, workflow.ErrNotFound) }},
		{"no such repository", `{"data":{"repository":null}}`, func(err error) bool { return errors.Is(err, workflow.ErrNotFound) }},
		{"forbidden", body("FORBIDDEN"), func(err error) bool {
			e, ok := errors.AsType[*forge.APIError](err)
			return ok && e.Status == 403
		}},
		{"another", body(""), func(err error) bool { _, ok := errors.AsType[*forge.APIError](err); return ok }},
		// A part beside an error must not pass for the whole.
		{"a part", `{"data":{"repository":{"issueOrPullRequest":{"comments":{"nodes":[]}}}},"errors":[{"message":"timeout"}]}`, func(err error) bool { return err != nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t, nil)
			f.answer = talk{[]string{restComments()}, []string{c.body}}.serve(f)
			got, err := f.forge.Comments(context.Background(), place(1))
			if err == nil || !c.want(err) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestGraphQLQueriesAreReads(t *testing.T) {
	f := newFake(t, nil)
	n := 0
	serve := talk{[]string{restComments(1)}, []string{graphComments(1)}}.serve(f)
	f.answer = func(w http.ResponseWriter, r *http.Request, body string) {
		if r.URL.Path == "/graphql" {
			if n++; n < 3 {
				say(w, 502, "Server Error")
				return
			}
			if !strings.Contains(body, `"operationName":"KeyreeveEdits"`) {
				t.Errorf("the third try sent %q", body)
			}
		}
		serve(w, r, body)
	}
	if got, err := f.forge.Comments(context.Background(), place(1)); err != nil || len(got) != 1 {
		t.Errorf("%d comments, %v", len(got), err)
	}
}

// pullScript answers a pull request whose get changes from call to call.
func pullScript(gets []string, files, commits int) func(http.ResponseWriter, *http.Request, string) {
	n := 0
	return func(w http.ResponseWriter, r *http.Request, _ string) {
		var all []string
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/files"):
			for i := range files {
				all = append(all, fmt.Sprintf(`{"filename":"f%d","status":"added","sha":"%040d"}`, i, i))
			}
		case strings.HasSuffix(path, "/commits"):
			for i := range commits {
				all = append(all, fmt.Sprintf(`{"sha":"%040d","author":null,"committer":null,"commit":{"message":"m"}}`, i))
			}
		case strings.HasSuffix(path, "/reviews"):
			all = []string{`{"id":1,"user":{"id":5,"login":"bob","type":"User"},"state":"PENDING","commit_id":"x"}`}
		default:
			fmt.Fprint(w, gets[min(n, len(gets)-1)])
			n++
			return
		}
		fmt.Fprint(w, "["+strings.Join(all, ",")+"]")
	}
}

func pullJSON(head string, files, commits int) string {
	return fmt.Sprintf(`{"number":12,"state":"open","head":{"ref":"b","sha":%q,"repo":null},"base":{"ref":"main","repo":{"id":99}},"changed_files":%d,"commits":%d,"merge_commit_sha":"trial"}`, head, files, commits)
}

func TestAPullThatMovesIsReadAgain(t *testing.T) {
	f := newFake(t, pullScript([]string{pullJSON("a", 1, 1), pullJSON("b", 1, 1)}, 1, 1))
	p, err := f.forge.Pull(context.Background(), place(1))
	if err != nil || p.Head != "b" || p.Truncated || !p.Fork || p.MergeSHA != "" || p.Mergeable || p.Conflict {
		t.Errorf("%+v, %v", p, err)
	}
	if len(p.Reviews) != 0 || len(p.Commits) != 1 || p.Commits[0].Author.ID != 0 {
		t.Errorf("reviews %+v, commits %+v", p.Reviews, p.Commits)
	}
	moving := []string{pullJSON("a", 1, 1), pullJSON("b", 1, 1), pullJSON("c", 1, 1), pullJSON("d", 1, 1)}
	f = newFake(t, pullScript(moving, 1, 1))
	if p, err := f.forge.Pull(context.Background(), place(1)); !errors.Is(err, workflow.ErrConflict) {
		t.Errorf("it never rests: %+v, %v", p, err)
	}
}

func TestAPullThatIsNotListedWhole(t *testing.T) {
	for _, c := range []struct {
		name                         string
		changed, commits, files, got int
	}{
		{"too many files", 3001, 1, 10, 1},
		{"too many commits", 1, 251, 1, 250},
		{"fewer files than there are", 3, 1, 2, 1},
	} {
		f := newFake(t, pullScript([]string{pullJSON("a", c.changed, c.commits)}, c.files, c.got))
		if p, err := f.forge.Pull(context.Background(), place(1)); err != nil || !p.Truncated {
			t.Errorf("%s: truncated %t, %v", c.name, p.Truncated, err)
		}
	}
}

func TestACustomRoleIsUnknown(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/permission"):
			fmt.Fprint(w, `{"permission":"write","role_name":"release-manager"}`)
		case strings.HasSuffix(path, "/collaborators"):
			fmt.Fprint(w, `[{"login":"bob","role_name":"release-manager"}]`)
		case strings.HasSuffix(path, "/teams"):
			fmt.Fprint(w, `[{"slug":"owners","permission":"release-manager"}]`)
		case strings.HasPrefix(path, "/orgs/"):
			fmt.Fprint(w, `{"role_name":"release-manager"}`)
		default:
			fmt.Fprint(w, "[]")
		}
	})
	for _, who := range []identity.Principal{user("bob"), team("acme/owners")} {
		if seen, err := f.forge.RepositoryAccess(context.Background(), 1, payments, who); err == nil || seen.Known {
			t.Errorf("%s: %+v, %v", who, seen, err)
		}
		if p, err := f.forge.RepositoryPermission(context.Background(), 1, payments, who); err == nil {
			t.Errorf("%s: %s", who, p)
		}
	}
}

func TestALapsedInvitationIsNeitherPendingNorKept(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		switch {
		case r.Method == http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		case r.Method == http.MethodPut:
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `{"id":4}`)
		case strings.HasSuffix(r.URL.Path, "/invitations"):
			fmt.Fprint(w, `[{"id":3,"invitee":{"id":5,"login":"Bob"},"permissions":"write","expired":true},{"id":9,"invitee":{"id":6,"login":"eve"},"permissions":"write"}]`)
		case strings.HasSuffix(r.URL.Path, "/permission"):
			fmt.Fprint(w, `{"permission":"none","role_name":""}`)
		default:
			fmt.Fprint(w, "[]")
		}
	})
	ctx := context.Background()
	if seen, err := f.forge.RepositoryAccess(ctx, 1, payments, user("bob")); err != nil || !seen.Known || seen.Pending || seen.Level != identity.None {
		t.Errorf("a lapsed invitation: %+v, %v", seen, err)
	}
	f.forget()
	if err := f.forge.SetRepositoryAccess(ctx, 1, payments, user("bob"), identity.Write); err != nil {
		t.Fatal(err)
	}
	var wrote []string
	for _, c := range f.made() {
		if c.method != http.MethodGet {
			wrote = append(wrote, c.method+" "+c.path+" "+strings.TrimSpace(c.body))
		}
	}
	want := `DELETE /repos/acme/payments/invitations/3 |PUT /repos/acme/payments/collaborators/bob {"permission":"push"}`
	if got := strings.Join(wrote, "|"); got != want {
		t.Errorf("wrote %s\nwant %s", got, want)
	}
}

func TestMergeTakesTheWayThatIsAllowed(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request, body string) {
		switch {
		case r.Method == http.MethodGet:
			fmt.Fprint(w, pullJSON("a", 1, 1))
		case strings.Contains(body, `"merge_method":"rebase"`):
			fmt.Fprint(w, `{"merged":true}`)
		default:
			say(w, 405, "This way of merging is not allowed on this repository.")
		}
	})
	merge := workflow.MergePull{At: place(1), Head: "a", Title: "t", Message: "m"}
	if err := f.forge.Apply(context.Background(), merge); err != nil || len(f.made()) != 3 {
		t.Errorf("%d calls, %v", len(f.made()), err)
	}
	answers := f.answer
	f.answer = func(w http.ResponseWriter, r *http.Request, body string) {
		if r.Method == http.MethodPut {
			say(w, 405, "At least 1 approving review is required by reviewers with write access.")
			return
		}
		answers(w, r, body)
	}
	err := f.forge.Apply(context.Background(), merge)
	if e, ok := errors.AsType[*forge.APIError](err); !ok || e.Status != 405 || errors.Is(err, workflow.ErrConflict) {
		t.Errorf("a protected branch: %v", err)
	}
}

func TestBlobsAreWhatWasAskedFor(t *testing.T) {
	tree := `{"sha":"x","truncated":%t,"tree":[{"path":"a","mode":"100644","type":"blob","sha":%q}]}`
	f := newFake(t, nil)
	serve := func(truncated bool, content string) {
		f.answer = func(w http.ResponseWriter, r *http.Request, _ string) {
			if strings.Contains(r.URL.Path, "/trees/") {
				fmt.Fprintf(w, tree, truncated, "557db03de997c86a4a028e1ebd3a1ceb225be238") // of "Hello World\n"
				return
			}
			fmt.Fprintf(w, `{"encoding":"utf-8","content":%q}`, content)
		}
	}
	ctx := context.Background()
	serve(false, "Hello World\n")
	if got, err := f.forge.File(ctx, place(1), sha, "a"); err != nil || string(got.Data) != "Hello World\n" {
		t.Errorf("%+v, %v", got, err)
	}
	serve(false, "Hello Mallory\n")
	if got, err := f.forge.File(ctx, place(1), sha, "a"); err == nil || errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("other content passed: %+v, %v", got, err)
	}
	serve(true, "")
	if got, err := f.forge.File(ctx, place(1), sha, "b"); err == nil || errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("what a part of a list lacks passed for missing: %+v, %v", got, err)
	}
}

func TestAPermissionWithoutARoleIsUnknown(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request, _ string) { fmt.Fprint(w, `{}`) })
	for _, who := range []identity.Principal{user("bob"), team("acme/owners")} {
		if p, err := f.forge.RepositoryPermission(context.Background(), 1, payments, who); err == nil {
			t.Errorf("%s: an empty answer passed for %s", who, p)
		}
	}
}

func TestAListWithoutAnEndIsAnError(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		w.Header().Set("Link", `<http://x/y?page=2>; rel="next"`)
		fmt.Fprint(w, `[{"id":5,"login":"bob"}]`)
	})
	if got, err := f.forge.Team(context.Background(), 1, "acme", "owners"); err == nil {
		t.Errorf("a list that goes in circles gave %d people", len(got))
	}
}

func TestTheBotsNameIsReadOnceAnHour(t *testing.T) {
	apps := 0
	f := newFake(t, nil)
	f.answer = func(w http.ResponseWriter, r *http.Request, _ string) {
		switch {
		case r.URL.Path == "/app":
			apps++
			fmt.Fprint(w, `{"id":7,"slug":"keyreeve"}`)
		case r.URL.Path == "/graphql":
			fmt.Fprint(w, graphComments(1))
		case strings.HasSuffix(r.URL.Path, "/reactions"):
			fmt.Fprint(w, `[{"user":{"id":1,"login":"keyreeve[bot]","type":"Bot"},"content":"+1"},{"user":{"id":2,"login":"keyreeve","type":"User"},"content":"confused"}]`)
		default:
			fmt.Fprint(w, `[{"id":1,"user":null,"body":"x\r\n  /approve","created_at":"2026-03-01T11:00:00Z"}]`)
		}
	}
	for _, want := range []int{1, 1, 2} {
		got, err := f.forge.Comments(context.Background(), place(1))
		if err != nil || len(got) != 1 || len(got[0].Reactions) != 1 || got[0].Reactions[0] != "+1" || got[0].By.ID != 0 {
			t.Fatalf("%+v, %v", got, err)
		}
		if apps != want {
			t.Errorf("the App was read %d times, want %d", apps, want)
		}
		f.advance(31 * time.Minute)
	}
}
