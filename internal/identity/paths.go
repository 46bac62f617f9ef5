package identity

import (
	"fmt"
	"strings"
)

// GitHub is the provider of repository access at GitHub.
const GitHub = "github"

// RecordVersion is the version of the format of all records.
const RecordVersion = 1

// Places in the registry.
const (
	PolicyPath     = "keyreeve.yaml"
	PolicyTestPath = "keyreeve.test.yaml"
	CodeownersPath = ".github/CODEOWNERS"
	SchemaDir      = ".keyreeve/schema"
	useCasesDir    = "use-cases"
	identitiesDir  = "identities"
	grantsDir      = "grants"
)

// RecordKind says which record a path of the registry holds.
type RecordKind string

// The kinds of record. NoRecord is any other file.
const (
	NoRecord       RecordKind = ""
	PolicyRecord   RecordKind = "policy"
	UseCaseRecord  RecordKind = "use-case"
	IdentityRecord RecordKind = "identity"
	GrantRecord    RecordKind = "grant"
)

// RecordAt returns the kind of record that lives at a path of the registry, and its name: a use case's, an identity's
// ("payments/deploy-bot") or a grant's id; for the policy "". A path within the records' folders that can hold no record
// is NoRecord, as is any other.
func RecordAt(path string) (kind RecordKind, name string) {
	if path == PolicyPath {
		return PolicyRecord, ""
	}
	parts := strings.Split(strings.TrimSuffix(path, ".yaml"), "/")
	if !strings.HasSuffix(path, ".yaml") {
		return NoRecord, ""
	}
	switch {
	case len(parts) == 2 && parts[0] == useCasesDir && validSegment(parts[1]):
		return UseCaseRecord, parts[1]
	case len(parts) == 3 && parts[0] == identitiesDir && validSegment(parts[1]) && validSegment(parts[2]):
		return IdentityRecord, parts[1] + "/" + parts[2]
	case len(parts) == 4 && parts[0] == grantsDir && validSegment(parts[1]) && validSegment(parts[2]) && validGrantID(parts[3]):
		return GrantRecord, parts[3]
	}
	return NoRecord, ""
}

// IdentityPath returns where the identity of a name lives.
func IdentityPath(name string) string { return identitiesDir + "/" + name + ".yaml" }

// UseCasePath returns where the use case of a name lives.
func UseCasePath(name string) string { return useCasesDir + "/" + name + ".yaml" }

// GrantPath returns where a grant for an identity lives.
func GrantPath(identity, id string) string { return grantsDir + "/" + identity + "/" + id + ".yaml" }

// Path returns where the grant lives in the registry.
func (g Grant) Path() string { return GrantPath(g.Identity, g.ID) }

// GrantID returns the id of the grant that an issue or pull request asks for: "acme-identities-12". It is unique within
// the repositories of one owner.
func GrantID(origin Repo, number int) string {
	return lower(fmt.Sprintf("%s-%s-%d", origin.Owner, origin.Name, number))
}

// Origin returns the spelling of Grant.Origin: "acme/identities#12".
func Origin(repo Repo, number int) string { return fmt.Sprintf("%s#%d", repo, number) }

// validSegment reports whether s is a name that is a file name too: the pattern of the schemas' segmentName.
func validSegment(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	return onlyBytes(s, "-")
}

// validGrantID is the pattern of the schemas' grantId.
func validGrantID(s string) bool {
	return s != "" && len(s) <= 200 && !strings.ContainsAny(s[:1], "._-") && onlyBytes(s, "._-")
}

func onlyBytes(s, extra string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte(extra, c) < 0 {
			return false
		}
	}
	return true
}
