package audit

// zeroTrust is from NIST SP 800-207 (2020), section 2.1: the seven tenets, by their number there.
func zeroTrust() []Control {
	return []Control{
		{
			"NIST.SP.800-207/tenet-1", "All data sources and computing services are considered resources",
			Partly,
			nil,
			[]string{"A repository is a resource with owners of its own, who are asked beside those of the identity: `keyreeve explain`."},
			"GitHub repositories alone; no other source or service is known.",
		},
		{
			"NIST.SP.800-207/tenet-2", "All communication is secured regardless of network location",
			Partly,
			nil,
			[]string{"GitHub is called over HTTPS alone, but on this machine: `KEYREEVE_GITHUB_URL` is held to it at the start."},
			"`keyreeve serve` speaks plain HTTP: TLS is the proxy's before it.",
		},
		{
			"NIST.SP.800-207/tenet-3", "Access to individual enterprise resources is granted on a per-session basis",
			Partly,
			[]Step{Changed, Verified},
			[]string{"Each grant is of one level on one repository, for a time that ends: `keyreeve leases`."},
			"A lease lasts hours or days, and is not a session in the tenet's sense: within it, each use is not decided on.",
		},
		{
			"NIST.SP.800-207/tenet-4", "Access to resources is determined by dynamic policy",
			Partly,
			[]Step{Decided, Configured},
			[]string{"Each decision is made from the policy, the ceilings, the owners and their votes as they are then, and again when any of them changes: `keyreeve explain`, `keyreeve replay`."},
			"The state of devices, behaviour and environment are no part of it.",
		},
		{
			"NIST.SP.800-207/tenet-5", "The enterprise monitors and measures the integrity and security posture of all owned and associated assets",
			Partly,
			[]Step{Verified, IsStuck, Swept},
			[]string{"The access that exists is compared with the access that was approved, for as long as a lease lasts: entries `verified`."},
			"Access under no lease, and every asset but an access, is not measured.",
		},
		{
			"NIST.SP.800-207/tenet-6", "All resource authentication and authorization are dynamic and strictly enforced before access is allowed",
			Partly,
			[]Step{Intended, Decided},
			[]string{"No grant is sent before its decision and its intent are committed, and none without an approval that counts: `TestKilledBetweenSteps`, and the end of every story."},
			"Enforcement at the moment of use is GitHub's.",
		},
		{
			"NIST.SP.800-207/tenet-7", "The enterprise collects as much information as possible about the current state of assets, network infrastructure and communications and uses it to improve its security posture",
			Partly,
			[]Step{Received, Applied, Failed},
			[]string{"Every event, decision, effect and read-back is kept, and can be streamed or exported: `keyreeve audit export`."},
			"Nothing is collected of networks or communications, and nothing is concluded from what is collected.",
		},
	}
}

// nonHuman is from the OWASP Non-Human Identities Top 10, 2025.
func nonHuman() []Control { //nolint:funlen // it is a table
	return []Control{
		{
			"OWASP.NHI/NHI1:2025", "Improper Offboarding",
			Partly,
			[]Step{Verified, IsStuck, Changed, Revoked, Expired},
			[]string{
				"Access that was granted ends by itself, is read back, and is stuck and shown where it can't be taken back: `keyreeve leases`, the story `reminders-and-expiry`.",
				"Credentials of decommissioned identities are found in git repositories, in their whole history: `keyreeve scan`.",
			},
			"The identity itself and its credentials are not removed where they are used, and standing access from before keyreeve is not found.",
		},
		{
			"OWASP.NHI/NHI2:2025", "Secret Leakage",
			Partly,
			nil,
			[]string{
				"Known credentials, by fingerprints of their values, ids or names, are found in git repositories and files, however encoded: `keyreeve scan`.",
				"keyreeve holds no credential's value, and no secret of its own is in its database or log: every story searches both. Its own log lines are redacted by the shapes of known credentials.",
			},
			"A scan runs when somebody runs it, and finds what is recorded: a secret that nobody recorded is not looked for. Secret stores are not searched, and what was found is not an entry of the log.",
		},
		{
			"OWASP.NHI/NHI3:2025", "Vulnerable Third-Party NHI",
			NotCovered,
			nil, nil,
			"Third parties' Apps, actions and tokens are not looked at.",
		},
		{
			"OWASP.NHI/NHI4:2025", "Insecure Authentication",
			NotCovered,
			nil, nil,
			"How an identity authenticates is recorded with its credentials, and not judged. (The bot itself uses short-lived tokens, each narrowed to one repository.)",
		},
		{
			"OWASP.NHI/NHI5:2025", "Overprivileged NHI",
			Partly,
			[]Step{Decided, Intended, Verified},
			[]string{
				"No request above the ceiling of its use case is approved: the check run `keyreeve / records`, `keyreeve check`.",
				"A grant is of one level for a bounded time, and is read back: `keyreeve leases`.",
			},
			"What an identity holds beside its leases, and whether it uses what it holds, is not examined.",
		},
		{
			"OWASP.NHI/NHI6:2025", "Insecure Cloud Deployment Configurations",
			NotCovered,
			nil, nil,
			"Pipelines, their configurations and their trust in a cloud are not looked at.",
		},
		{
			"OWASP.NHI/NHI7:2025", "Long-Lived Secrets",
			Partly,
			nil,
			[]string{"A record has to say when its identity expires, and no access is given beyond that: `keyreeve check`, the check run `keyreeve / records`."},
			"The age of credentials is not measured, and nothing is rotated.",
		},
		{
			"OWASP.NHI/NHI8:2025", "Environment Isolation",
			Partly,
			[]Step{Decided, Configured},
			[]string{"A request names its environment, and the use case and the policy decide by it: `keyreeve explain`."},
			"A permission on a repository knows no environments, so that an access is used in one alone is not enforced.",
		},
		{
			"OWASP.NHI/NHI9:2025", "NHI Reuse",
			Partly,
			nil,
			[]string{"A record is of one use case, which bounds what its identity may hold: `keyreeve check`."},
			"That one identity's credential is used in several places is not found.",
		},
		{
			"OWASP.NHI/NHI10:2025", "Human Use of NHI",
			NotCovered,
			nil, nil,
			"Who uses an identity's access is not watched.",
		},
	}
}

// ControlsMarkdown is docs/controls.md.
func ControlsMarkdown() string {
	var b []byte
	b = append(b, controlsHead...)
	catalogue := ""
	for _, c := range Catalogue() {
		of, short := c.names()
		if of != catalogue {
			catalogue = of
			b = append(b, "\n## "+catalogueName(of)+"\n"...)
		}
		b = append(b, "\n### "+short+": "+c.Title+"\n\n**"+string(c.Coverage)+"**"...)
		if len(c.Steps) > 0 {
			b = append(b, "; evidence in the log:"...)
			for _, s := range c.Steps {
				b = append(b, " `"+string(s)+"`"...)
			}
		}
		b = append(b, "\n\n"...)
		for _, s := range c.Shows {
			b = append(b, "- "+s+"\n"...)
		}
		b = append(b, "- *Not covered:* "+c.Not+"\n"...)
	}
	return string(b)
}

func catalogueName(id string) string {
	switch id {
	case "NIST.CSF.2.0":
		return "NIST Cybersecurity Framework 2.0 (NIST CSWP 29)"
	case "NIST.SP.800-207":
		return "Zero trust: the tenets of NIST SP 800-207, section 2.1"
	default:
		return "OWASP Non-Human Identities Top 10, 2025"
	}
}

const controlsHead = `# Controls

Which controls keyreeve is a part of meeting, by what, and what it leaves open. Written from ` + "`internal/audit/controls.go`" + `, the
one place where it is decided: ` + "`go test ./internal/audit -run TestControlsPage -update`" + ` writes this page anew. Each entry of the log carries
the ids of those that it is evidence for, and ` + "`keyreeve evidence --control`" + ` collects them for an assessor.

No control is met by a program alone, so none is called met here: *partly* says that keyreeve does what is listed, and no more.
`
