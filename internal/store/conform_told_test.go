package store_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

func press(id string, x workflow.Subject, at int64) workflow.Press {
	return workflow.Press{ID: id, Subject: x, By: identity.Person{ID: 5, Login: "dev"}, Action: "approve", Head: "c0ffee", At: time.Unix(at, 0).UTC()}
}

// testPresses: a press is kept with the delivery that told of it, once, and is read with the pull request or its request.
func testPresses(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	pull := workflow.Subject{Installation: 7, Kind: workflow.PullSubject, Repo: identity.Repo{ID: 7, Owner: "acme", Name: "identities"}, Number: 2}
	later, first := press("b", pull, 20), press("a", pull, 10)
	replayed := press("a", pull, 30)
	replayed.Action = "deny"
	for i, p := range []workflow.Press{later, first, replayed} {
		d := delivery(string(rune('a'+i)), time.Unix(1, 0))
		must(s.Accept(ctx, d))(t)
		ok(t, s.FinishDelivery(ctx, d.App, d.ID, workflow.Routed{Presses: []workflow.Press{p}}))
	}
	want := []workflow.Press{first, later}
	if got := must(s.Load(ctx, pull))(t).Presses; !reflect.DeepEqual(got, want) {
		t.Errorf("presses of the pull request: %+v", got)
	}
	r := request(issue(7, 1), workflow.Waiting)
	r.Registry, r.Pull = identity.Repo{Owner: "Acme", Name: "identities"}, 2
	ok(t, s.Commit(ctx, workflow.Commit{Request: r}))
	if got := must(s.Load(ctx, r.Subject))(t).Presses; !reflect.DeepEqual(got, want) {
		t.Errorf("presses of the issue's request: %+v", got)
	}
	other := pull
	other.Installation = 8
	if got := must(s.Load(ctx, other))(t).Presses; got != nil {
		t.Errorf("presses of another installation: %+v", got)
	}
}

// testOrders: an order is kept once, and is read with its request and with its access as long as the lease is open.
func testOrders(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	x := issue(7, 1)
	order := workflow.LeaseOrder{Installation: 7, Lease: "l1", Order: lifecycle.Order{ID: "comment/3", Kind: lifecycle.Stop, By: identity.Person{ID: 5, Login: "dev"}, At: time.Unix(9, 0).UTC()}}
	again := order
	again.Reason = "said otherwise"
	ok(t, s.Commit(ctx, workflow.Commit{Request: request(x, workflow.Live), Leases: []lifecycle.Lease{lease("l1", x, lifecycle.Active)}, Orders: []workflow.LeaseOrder{order}}))
	ok(t, s.Commit(ctx, workflow.Commit{Orders: []workflow.LeaseOrder{again}}))
	want := []workflow.LeaseOrder{order}
	if got := must(s.Load(ctx, x))(t).Orders; !reflect.DeepEqual(got, want) {
		t.Errorf("orders of the request: %+v", got)
	}
	if got := must(s.Access(ctx, access(7)))(t).Orders; !reflect.DeepEqual(got, want) {
		t.Errorf("orders of the access: %+v", got)
	}
	ok(t, s.Commit(ctx, workflow.Commit{Leases: []lifecycle.Lease{lease("l1", x, lifecycle.Revoked)}}))
	if got := must(s.Access(ctx, access(7)))(t).Orders; got != nil {
		t.Errorf("orders of an access without an open lease: %+v", got)
	}
	if err := s.Commit(ctx, workflow.Commit{Request: request(x, workflow.Live), Orders: []workflow.LeaseOrder{{Installation: 8, Lease: "l1"}}}); err == nil {
		t.Error("an order of another installation is kept")
	}
}

// testReviews: the review of an override leads to its request.
func testReviews(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	r := request(issue(7, 1), workflow.Reviewing)
	r.Review = &workflow.OverrideReview{Number: 9}
	ok(t, s.Commit(ctx, workflow.Commit{Request: r}))
	review := issue(7, 9)
	review.Repo = r.Registry
	got := must(s.Load(ctx, review))(t)
	if got.Request != nil || got.Of == nil || *got.Of != r.Subject {
		t.Errorf("the review: %+v", got)
	}
	if got := must(s.Load(ctx, issue(7, 10)))(t); got.Of != nil {
		t.Errorf("another issue is a review of %+v", got.Of)
	}
	if open := must(s.Open(ctx, 7))(t); len(open) != 1 {
		t.Errorf("what waits for a review is not open: %+v", open)
	}
}
