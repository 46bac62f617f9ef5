package identity

import (
	"fmt"
	"strconv"
	"strings"
)

// Person is a GitHub account. Two persons are the same when their ids are:
// a login can be given up and taken by somebody else.
type Person struct {
	ID    int64  `json:"id" yaml:"id"`
	Login string `json:"login" yaml:"login"`
}

// Same reports whether p and q are one account; an unknown account (id 0) is
// never the same as anybody.
func (p Person) Same(q Person) bool { return p.ID != 0 && p.ID == q.ID }

// Repo names a GitHub repository. ID is its numeric id where it is known,
// else 0; it survives renames and transfers.
type Repo struct {
	ID    int64  `json:"id,omitempty" yaml:"id,omitempty"`
	Owner string `json:"owner" yaml:"owner"`
	Name  string `json:"name" yaml:"name"`
}

// String returns "owner/name".
func (r Repo) String() string { return r.Owner + "/" + r.Name }

// IsZero reports whether r names nothing.
func (r Repo) IsZero() bool { return r.Owner == "" && r.Name == "" }

// ParseRepo reads "owner/name" by GitHub's rules for both: letters, digits,
// '-', '_' and '.', the owner without '_' and '.', neither empty, no "." or
// "..", at most 39 and 100 characters.
func ParseRepo(s string) (Repo, error) {
	owner, name, ok := strings.Cut(s, "/")
	if !ok || !validName(owner, 39, "-") || !validName(name, 100, "-_.") || name == "." || name == ".." {
		return Repo{}, fmt.Errorf("%q is not a repository: write it as owner/name", s)
	}
	return Repo{Owner: owner, Name: name}, nil
}

func validName(s string, longest int, extra string) bool {
	if s == "" || len(s) > longest {
		return false
	}
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(extra, c) {
			return false
		}
	}
	return true
}

// Permission is a repository role, in GitHub's order: each holds all of the
// ones before it. The zero value is no access.
// https://docs.github.com/en/organizations/managing-user-access-to-your-organizations-repositories/managing-repository-roles/repository-roles-for-an-organization
type Permission int

// The repository roles. Their spellings are those of GitHub's role_name;
// the API's writes say "pull" for read and "push" for write.
const (
	None Permission = iota
	Read
	Triage
	Write
	Maintain
	Admin
)

var permissionNames = [...]string{"none", "read", "triage", "write", "maintain", "admin"}

// ParsePermission reads a role's name, or the API's "pull" and "push".
// A custom role is an error: what it holds is unknown here.
func ParsePermission(s string) (Permission, error) {
	switch s {
	case "pull":
		return Read, nil
	case "push":
		return Write, nil
	}
	for i, name := range permissionNames {
		if s == name {
			return Permission(i), nil
		}
	}
	return None, fmt.Errorf("%q is not a repository role: use read, triage, write, maintain or admin", s)
}

// String returns the role's name ("write").
func (p Permission) String() string {
	if p < 0 || int(p) >= len(permissionNames) {
		return "permission(" + strconv.Itoa(int(p)) + ")"
	}
	return permissionNames[p]
}

// MarshalText writes the role's name.
func (p Permission) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (p *Permission) UnmarshalText(b []byte) (err error) {
	*p, err = ParsePermission(string(b))
	return err
}

// PrincipalKind says what kind of GitHub subject holds an access.
type PrincipalKind string

// The kinds of principal.
const (
	User PrincipalKind = "user"
	Team PrincipalKind = "team"
)

// Principal is who or what holds access at GitHub: a user (a machine user's
// login), or a team (Name is "org/slug").
type Principal struct {
	Kind PrincipalKind `json:"kind"`
	Name string        `json:"name"`
}

// String returns "user:deploy-bot" or "team:acme/deployers".
func (p Principal) String() string { return string(p.Kind) + ":" + p.Name }

// Access is one thing that can be held: a principal's access to a resource of a
// provider. Leases on the same Access share one truth, so they are walked together.
type Access struct {
	Provider  string    `json:"provider"` // "github"
	Resource  string    `json:"resource"` // "acme/payments"
	Principal Principal `json:"principal"`
}

// String returns "github/acme/payments/user:deploy-bot", which is unique.
func (a Access) String() string { return a.Provider + "/" + a.Resource + "/" + a.Principal.String() }
