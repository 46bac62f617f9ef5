package workflow

import (
	"context"
	"errors"
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
	if f.stored.Decision != nil {
		f.needs = f.stored.Decision.Facts.Needs
	}
	// What can't be read bounds no extension, so there is none then; to end access needs no policy.
	err := w.observeBounds(ctx, f)
	if f.boundless = errors.Is(err, ErrNotFound) || f.boundless; err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	f.people, err = w.standBehind(ctx, f, f.needs, f.rules.Revokers...)
	return err
}

// observeBounds reads what bounds an extension, as the registry has it now: the policy, the identity and its use case.
func (w *Walker) observeBounds(ctx context.Context, f *issueFacts) error {
	r := f.stored.Request
	if r == nil || r.Grant == nil || r.Identity == nil {
		f.boundless = true
		return nil
	}
	branch, err := w.Repositories.Default(ctx, f.registry)
	if err != nil {
		return err
	}
	var broken []identity.Problem
	read := func(path string, parse func([]byte) []identity.Problem) error {
		file, err := w.Repositories.File(ctx, f.registry, branch.SHA, path)
		if err == nil {
			broken = append(broken, parse(file.Data)...)
		}
		return err
	}
	err = read(identity.PolicyPath, func(b []byte) (p []identity.Problem) {
		f.rules, p = identity.ParsePolicy(identity.PolicyPath, b)
		return p
	})
	if err != nil {
		return err
	}
	var id identity.Identity
	path := identity.IdentityPath(r.Grant.Identity)
	if err := read(path, func(b []byte) (p []identity.Problem) { id, p = identity.ParseIdentity(path, b); return p }); err != nil {
		return err
	}
	var uc identity.UseCase
	path = identity.UseCasePath(id.UseCase)
	if err := read(path, func(b []byte) (p []identity.Problem) { uc, p = identity.ParseUseCase(path, b); return p }); err != nil {
		return err
	}
	f.identity, f.useCase, f.boundless = &id, &uc, len(broken) > 0
	return nil
}

// decideOrders judges each order. To end access early, somebody who asked for it, holds it, owns what it is for, or is
// named by the policy is enough; to make it longer, those who asked for it or hold it, within what the policy leaves to
// them. What is beyond that is a new request, whose access joins on to this one without a gap.
func (f issueFacts) decideOrders() orders {
	out := orders{refusals: map[string]string{}, deferred: map[string]bool{}}
	lease := f.openLease()
	for _, c := range f.orderCommands() {
		if slices.ContainsFunc(f.stored.Orders, func(o LeaseOrder) bool { return o.ID == c.key() }) {
			continue
		}
		refuse := func(code templates.OrderRefusal, limit time.Duration, detail string) {
			out.refusals[c.key()] = templates.OrderRefused(code, limit, detail)
		}
		order := LeaseOrder{Installation: f.subject.Installation, Order: lifecycle.Order{
			ID: c.key(), By: c.By, Reason: c.Args, At: f.now.UTC(), For: c.For,
		}}
		if lease != nil {
			order.Lease = lease.ID
		}
		switch {
		case lease == nil:
			refuse(templates.NothingToOrder, 0, "")
		case c.Verb == approvals.RevokeCommand:
			order.Kind = lifecycle.Stop
			switch may, known := f.mayRevoke(c.By); {
			case may:
				out.take(order, lease)
			case !known:
				out.deferred[c.key()] = true
			default:
				refuse(templates.MayNotRevoke, 0, "")
			}
		default:
			order.Kind = lifecycle.Extend
			code, limit, detail := f.mayExtend(c.By, *lease, c.For)
			if code != "" {
				refuse(code, limit, detail)
				continue
			}
			out.take(order, lease)
		}
	}
	return out
}

// take takes an order. The next one is judged by the lease as this one leaves it.
func (o *orders) take(order LeaseOrder, lease *lifecycle.Lease) {
	o.taken = append(o.taken, order)
	*lease = lease.Obey([]lifecycle.Order{order.Order})
}

// openLease is the request's lease that is not revoked, as all orders that are stored leave it, whether its own walk has
// obeyed them yet or not.
func (f issueFacts) openLease() *lifecycle.Lease {
	for _, l := range obeyed(f.stored.Leases, f.stored.Orders) {
		if l.State != lifecycle.Revoked {
			return &l
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

// mayExtend says why a person may not extend a lease, "" where they may; with it the bound that was passed, or what the
// longer access would break. Whatever bounds a grant when it is asked for bounds it here, for its whole new length.
func (f issueFacts) mayExtend(p identity.Person, l lifecycle.Lease, by time.Duration) (templates.OrderRefusal, time.Duration, string) {
	switch {
	case !f.concerned(p):
		return templates.MayNotExtend, 0, ""
	case l.State != lifecycle.Active, !f.now.Before(l.EndsAt):
		return templates.NotActive, 0, ""
	case f.boundless || f.identity == nil || f.useCase == nil:
		return templates.PolicyBroken, 0, ""
	}
	if left := time.Duration(f.rules.Extensions.Max) - l.Extended(); by > left {
		return templates.BeyondExtension, max(0, left), ""
	}
	g := *f.stored.Request.Grant
	longest := identity.MaxDuration(f.rules, *f.identity, g)
	if f.override() != nil { // which nobody approved for longer
		longest = 0
		if f.rules.BreakGlass != nil {
			longest = f.rules.BreakGlass.MaxDuration
		}
	}
	if left := time.Duration(longest) - l.Duration - l.Extended(); by > left {
		return templates.BeyondPolicy, max(0, left), ""
	}
	g.Duration = identity.Duration(l.Duration + l.Extended() + by)
	if problems := identity.CheckGrant(f.rules, *f.identity, *f.useCase, g, l.VerifiedAt); len(problems) > 0 {
		return templates.NoLongerFits, 0, templates.Problem(problems[0])
	}
	return "", 0, ""
}
