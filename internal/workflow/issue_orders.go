package workflow

import (
	"context"
	"slices"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
	"github.com/keyreeve/keyreeve/templates"
)

// orders says what the commands about a lease that nobody answered yet come to.
type orders struct {
	taken    []LeaseOrder
	refusals map[string]string // by the comment's key: why not, and what to do
	deferred map[string]bool   // by the comment's key: it is not known yet whether the person may
}

// orderCommands lists the commands about a lease that are to be answered, each with its comment.
func (f issueFacts) orderCommands() (out []orderCommand) {
	for _, c := range f.commands() {
		if !c.runs() || len(c.Reactions) > 0 {
			continue
		}
		for _, cmd := range c.commands {
			if cmd.Malformed == nil && (cmd.Verb == approvals.RevokeCommand || cmd.Verb == approvals.ExtendCommand) {
				out = append(out, orderCommand{c, cmd})
				break // one order a comment
			}
		}
	}
	return out
}

type orderCommand struct {
	said
	approvals.Command
}

// observeOrders reads who may give orders about a merged request's lease, where somebody gave one.
func (w *Walker) observeOrders(ctx context.Context, f *issueFacts) error {
	if len(f.orderCommands()) == 0 {
		return nil
	}
	branch, err := w.Repositories.Default(ctx, f.registry)
	if err != nil {
		return err
	}
	file, err := w.Repositories.File(ctx, f.registry, branch.SHA, identity.PolicyPath)
	if err != nil {
		return err
	}
	var problems []identity.Problem
	f.rules, problems = identity.ParsePolicy(file.Path, file.Data)
	f.policyBroken = len(problems) > 0
	if f.stored.Decision != nil {
		f.needs = f.stored.Decision.Facts.Needs
	}
	f.people, err = w.standBehind(ctx, f.subject.Installation, owners(f.needs, f.rules.Revokers))
	return err
}

// owners lists the owners of needs, and others.
func owners(needs []approvals.Need, more ...[]string) (out []string) {
	for _, n := range needs {
		out = append(out, n.Owners...)
	}
	for _, m := range more {
		out = append(out, m...)
	}
	return out
}

// decideOrders judges each order. To end access early, somebody who asked for it, holds it, owns what it is for, or is
// named by the policy is enough; to make it longer, those who asked for it or hold it, within what the policy leaves to
// them. What is beyond that is a new request, whose access joins on to this one without a gap.
func (f issueFacts) decideOrders() orders {
	out := orders{refusals: map[string]string{}, deferred: map[string]bool{}}
	for _, c := range f.orderCommands() {
		if slices.ContainsFunc(f.stored.Orders, func(o LeaseOrder) bool { return o.ID == c.key() }) {
			continue
		}
		refuse := func(code templates.OrderRefusal, limit time.Duration) {
			out.refusals[c.key()] = templates.OrderRefused(code, limit)
		}
		lease := f.openLease()
		order := LeaseOrder{Installation: f.subject.Installation, Order: lifecycle.Order{
			ID: c.key(), By: c.By, Reason: c.Args, At: f.now.UTC(), For: c.For,
		}}
		if lease != nil {
			order.Lease = lease.ID
		}
		switch {
		case lease == nil:
			refuse(templates.NothingToOrder, 0)
		case c.Verb == approvals.RevokeCommand:
			order.Kind = lifecycle.Stop
			switch may, known := f.mayRevoke(c.By); {
			case may:
				out.taken = append(out.taken, order)
			case !known:
				out.deferred[c.key()] = true
			default:
				refuse(templates.MayNotRevoke, 0)
			}
		default:
			order.Kind = lifecycle.Extend
			code, limit := f.mayExtend(c.By, *lease, c.For)
			if code != "" {
				refuse(code, limit)
				continue
			}
			out.taken = append(out.taken, order)
		}
	}
	return out
}

// openLease is the request's lease that is not revoked.
func (f issueFacts) openLease() *lifecycle.Lease {
	for i, l := range f.stored.Leases {
		if l.State != lifecycle.Revoked {
			return &f.stored.Leases[i]
		}
	}
	return nil
}

// concerned says whether a person asked for the access or holds it.
func (f issueFacts) concerned(p identity.Person) bool {
	if p.ID == 0 {
		return false
	}
	if p.Same(f.stored.Request.Requester) {
		return true
	}
	if f.stored.Decision == nil {
		return false
	}
	return slices.ContainsFunc(f.stored.Decision.Facts.Excluded, func(x approvals.Exclusion) bool {
		return x.Why == approvals.Beneficiary && x.Person.Same(p)
	})
}

// mayRevoke says whether a person may end the access; known is false where that can't be told yet.
func (f issueFacts) mayRevoke(p identity.Person) (may, known bool) {
	if f.concerned(p) {
		return true, true
	}
	known = true
	for _, m := range f.people {
		if m.Known && slices.ContainsFunc(m.People, p.Same) {
			return true, true
		}
		known = known && m.Known
	}
	return false, known
}

// mayExtend says why a person may not extend a lease, "" where they may, and the bound that was passed.
func (f issueFacts) mayExtend(p identity.Person, l lifecycle.Lease, by time.Duration) (templates.OrderRefusal, time.Duration) {
	r := f.stored.Request
	left := time.Duration(f.rules.Extensions.Max) - l.Extended()
	longest := time.Duration(identity.MaxDuration(f.rules, *r.Identity, *r.Grant)) - l.Duration - l.Extended()
	switch {
	case !f.concerned(p):
		return templates.MayNotExtend, 0
	case l.State != lifecycle.Active:
		return templates.NotActive, 0
	case f.policyBroken:
		return templates.PolicyBroken, 0
	case by > left:
		return templates.BeyondExtension, max(0, left)
	case by > longest:
		return templates.BeyondPolicy, max(0, longest)
	}
	return "", 0
}
