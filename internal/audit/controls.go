package audit

import "slices"

// The controls that a step of the log is evidence for, by their own catalogue's ids:
//
//   - "NIST.CSF.2.0/…": NIST Cybersecurity Framework 2.0 (NIST CSWP 29), appendix A.
//   - "NIST.SP.800-207/tenet-…": the tenets of zero trust in section 2.1 of SP 800-207, by their number there.
//   - "OWASP.NHI/…": the OWASP Non-Human Identities Top 10, 2025.
//
// This file is the whole mapping: to change what an entry claims, change it here, in review.
const (
	// Identities and credentials for authorized users, services, and hardware are managed by the organization.
	managedIdentities = "NIST.CSF.2.0/PR.AA-01"
	// Users, services, and hardware are authenticated.
	authenticated = "NIST.CSF.2.0/PR.AA-03"
	// Access permissions, entitlements, and authorizations are defined in a policy, managed, enforced, and reviewed,
	// and incorporate the principles of least privilege and separation of duties.
	managedAccess = "NIST.CSF.2.0/PR.AA-05"
	// Log records are generated and made available for continuous monitoring.
	logRecords = "NIST.CSF.2.0/PR.PS-04"

	// Access to individual enterprise resources is granted on a per-session basis.
	perSession = "NIST.SP.800-207/tenet-3"
	// Access to resources is determined by dynamic policy.
	dynamicPolicy = "NIST.SP.800-207/tenet-4"
	// The enterprise monitors and measures the integrity and security posture of all owned and associated assets.
	monitored = "NIST.SP.800-207/tenet-5"
	// All resource authentication and authorization are dynamic and strictly enforced before access is allowed.
	enforcedFirst = "NIST.SP.800-207/tenet-6"

	improperOffboarding = "OWASP.NHI/NHI1:2025"
	overprivileged      = "OWASP.NHI/NHI5:2025"
)

// Controls returns the ids of the controls that an entry of this step is
// evidence for, in a fixed order; an unknown step gives none. The slice is the
// caller's own.
func Controls(s Step) []string {
	for _, row := range controls() {
		if row.step == s {
			return slices.Clone(row.controls)
		}
	}
	return nil
}

type controlRow struct {
	step     Step
	controls []string
}

func controls() []controlRow {
	return []controlRow{
		{Received, []string{authenticated, logRecords}},
		{Decided, []string{managedAccess, dynamicPolicy, overprivileged}},
		{Intended, []string{managedAccess, enforcedFirst}},
		{Applied, []string{managedAccess, logRecords}},
		{Failed, []string{logRecords}},
		{Verified, []string{managedAccess, monitored, improperOffboarding, overprivileged}},
		{Changed, []string{managedIdentities, perSession}},
		{IsStuck, []string{logRecords, improperOffboarding}},
		{Archived, []string{logRecords}},
	}
}
