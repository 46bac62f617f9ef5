package audit

import (
	"slices"
	"sync"
)

// Coverage says how far keyreeve goes in meeting a control.
type Coverage string

// The coverages. None is "whole": an organization meets a control, and a program can be no more than a part of that.
const (
	Partly     Coverage = "partly"      // what Shows names is done, and what Not names is not
	NotCovered Coverage = "not covered" // keyreeve does nothing for it
)

// Control is one control of a catalogue, and what keyreeve does for it.
type Control struct {
	ID       string   // "NIST.CSF.2.0/PR.AA-01": the catalogue, and the control's id there
	Title    string   // as the catalogue has it, or in short
	Coverage Coverage //
	Steps    []Step   // the entries of the log that are evidence for it
	Shows    []string // what keyreeve does, each with the check, command or test that shows it
	Not      string   // what is not covered, said plainly
}

// Catalogue is the whole mapping, by the catalogues' own order: to change what keyreeve claims, change it here, in review.
// docs/controls.md is written from it.
func Catalogue() []Control { return slices.Concat(nistCSF(), zeroTrust(), nonHuman()) }

// Controls returns the ids of the controls that an entry of this step is
// evidence for, in a fixed order; an unknown step gives none. The slice is the
// caller's own.
func Controls(s Step) []string {
	return slices.Clone(controlsByStep()[s])
}

// controlsByStep is made once: it is looked at for every entry that is written.
var controlsByStep = sync.OnceValue(func() map[Step][]string {
	ids := map[Step][]string{}
	for _, c := range Catalogue() {
		for _, s := range c.Steps {
			ids[s] = append(ids[s], c.ID)
		}
	}
	return ids
})

// FindControl finds a control by its id, or by the part of it after the catalogue: "PR.AA-01", "tenet-3", "NHI5:2025".
func FindControl(id string) (Control, bool) {
	for _, c := range Catalogue() {
		if _, short := c.names(); c.ID == id || short == id {
			return c, true
		}
	}
	return Control{}, false
}

// names splits the id into the catalogue and the control's id there.
func (c Control) names() (catalogue, short string) {
	for i := range c.ID {
		if c.ID[i] == '/' {
			return c.ID[:i], c.ID[i+1:]
		}
	}
	return "", c.ID
}

// nistCSF is from the NIST Cybersecurity Framework 2.0 (NIST CSWP 29, 2024), appendix A.
func nistCSF() []Control { //nolint:funlen // it is a table
	return []Control{
		{
			"NIST.CSF.2.0/ID.AM", "Assets that enable the organization to achieve business purposes are identified and managed consistent with their relative importance",
			Partly,
			[]Step{Changed},
			[]string{
				"Each identity that is asked for has a record in the registry, with owner, purpose, use case and expiry: `keyreeve check`, and the check run `keyreeve / records` on every pull request.",
			},
			"Identities that nobody recorded are not looked for, and no inventory is taken of hardware, software, data or people.",
		},
		{
			"NIST.CSF.2.0/PR.AA-01", "Identities and credentials for authorized users, services, and hardware are managed by the organization",
			Partly,
			[]Step{Decided, Verified, Changed},
			[]string{
				"Identities are records that owners approve, in the registry's history: the check runs `keyreeve / records` and `keyreeve / approvals`.",
				"Access of an identity is granted by a request and taken back at its end: `keyreeve requests`, `keyreeve leases`.",
			},
			"Credentials are recorded and not issued, rotated or revoked: their values are never held. Human users and hardware are managed elsewhere.",
		},
		{
			"NIST.CSF.2.0/PR.AA-02", "Identities are proofed and bound to credentials based on the context of interactions",
			Partly,
			[]Step{Decided},
			[]string{
				"A vote counts only by the account that GitHub authenticated, by its number and not its name, and for the content that was seen: `keyreeve explain`, the stories `threat-11` to `threat-18`.",
				"A lease is bound to the account that it was approved for; a name that changed hands is unknown: `TestDecide` in `internal/lifecycle`.",
			},
			"Nobody's identity is proofed: who stands behind an account is GitHub's, or the identity provider's, to know.",
		},
		{
			"NIST.CSF.2.0/PR.AA-03", "Users, services, and hardware are authenticated",
			Partly,
			[]Step{Received},
			[]string{
				"GitHub is authenticated to the bot by each delivery's HMAC, and the bot to GitHub by short-lived tokens narrowed to a repository: `webhook`, `internal/forge`.",
				"Readers of the log's entries are authenticated by a token.",
			},
			"Users are authenticated by GitHub; whether with two factors is not checked.",
		},
		{
			"NIST.CSF.2.0/PR.AA-05", "Access permissions, entitlements, and authorizations are defined in a policy, managed, enforced, and reviewed, and incorporate the principles of least privilege and separation of duties",
			Partly,
			[]Step{Decided, Intended, Applied, Failed, Verified, Changed, IsStuck, Revoked, Expired, Configured},
			[]string{
				"Policy, ceilings and CODEOWNERS are read from the default branch, and every decision is stored with its facts and comes out the same when made again: `keyreeve replay`, `keyreeve policy try`.",
				"Nobody approves their own access: `TestApprovedMeans` in `approvals`; `keyreeve explain` names who did not count and why.",
				"What was granted is read back by another way than it was written, and again while it lasts: entries `verified`, `keyreeve leases`.",
				"Access ends by itself, and its end is read back: `keyreeve leases`.",
			},
			"Only permissions on GitHub repositories that were asked for through keyreeve. Access that was given by hand is seen only where a lease is on it.",
		},
		{
			"NIST.CSF.2.0/PR.PS-04", "Log records are generated and made available for continuous monitoring",
			Partly,
			[]Step{Received, Decided, Intended, Applied, Failed, Verified, Changed, IsStuck, Revoked, Expired, Swept, Configured, Archived},
			[]string{
				"Every step is an entry, written in the transaction of what it speaks of: `keyreeve audit show`.",
				"No entry can be changed, removed or put in unseen: `keyreeve audit verify` with a signed head; `TestSQLite/tampering_by_column` in `internal/store`.",
				"The signed head is published where the policy says, out of the reach of whoever runs keyreeve: the policy's `checkpoints`, the story `checkpoints`.",
				"Entries leave as JSON lines, CSV, OCSF and CloudEvents, and are streamed to a SIEM: `keyreeve audit export`, `KEYREEVE_SIEM_URL`.",
			},
			"Only what keyreeve itself does. GitHub's own audit log is not read.",
		},
		{
			"NIST.CSF.2.0/DE.CM", "Assets are monitored to find anomalies, indicators of compromise, and other potentially adverse events",
			Partly,
			[]Step{Verified, IsStuck, Swept},
			[]string{
				"Each access under a lease is looked at again at least every ten minutes, and a level that was changed by hand is set back: `keyreeve audit show --subject access`.",
				"A lease that can't be granted or revoked is counted for an alarm: the metric `keyreeve_leases{state=\"stuck\"}`.",
			},
			"Use of an access or a credential is not watched, and nothing is said of networks, hosts or behaviour. keyreeve raises no alarm itself.",
		},
		{
			"NIST.CSF.2.0/RS.MI", "Activities are performed to prevent expansion of an event and mitigate its effects",
			Partly,
			[]Step{Changed},
			[]string{
				"An owner, or the holder, ends an access early by `/revoke`, and its end is read back: the story `revoke-and-extend`.",
			},
			"One access at a time, when a person says so. Credentials are not disabled, and nothing is contained by itself.",
		},
	}
}
