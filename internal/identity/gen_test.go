package identity_test

import (
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// Generators of records that are valid by themselves.

func genSegment() *rapid.Generator[string] {
	return rapid.StringMatching(`[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?`)
}

func genName() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string { return genSegment().Draw(t, "app") + "/" + genSegment().Draw(t, "name") })
}

func genRepo() *rapid.Generator[string] {
	return rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9-]{0,6}/[A-Za-z0-9][A-Za-z0-9._-]{0,6}`)
}

func genEnvironment() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"production", "on", "2027-01-01", "1.5", "null", "0x10", "True", "Preview EU"}),
		rapid.StringMatching(`[A-Za-z0-9]([A-Za-z0-9 ._/-]{0,6}[A-Za-z0-9])?`),
	)
}

func genDuration() *rapid.Generator[identity.Duration] {
	return rapid.Custom(func(t *rapid.T) identity.Duration {
		return identity.Duration(time.Duration(rapid.IntRange(1, 365*24*3600).Draw(t, "seconds")) * time.Second)
	})
}

func genDate() *rapid.Generator[identity.Date] {
	return rapid.Custom(func(t *rapid.T) identity.Date {
		return identity.DateOf(time.Unix(int64(rapid.IntRange(0, 1<<32).Draw(t, "at")), 0))
	})
}

// genText gives what people write, with all that YAML and Markdown find special.
func genText(longest int) *rapid.Generator[string] {
	pieces := rapid.OneOf(
		rapid.SampledFrom([]string{
			"ship it", " ", "  ", "\n", "\n\n", "\t", ": ", " #", "- ", "'", `"`, "\\", "|", ">", "%", "@a", "`", "&x", "*x", "!", "{", "[", "?", ",", "é", "日本", "😀", "\u200b", "---", "...",
			"null", "~", "1e3", "<b>", "&amp;", "=", "<<", "x\n y", "\n  z", "\u00a0", "\ufeff", "\u0085x",
		}),
		rapid.StringOfN(rapid.Rune(), 0, 5, -1),
	)
	return rapid.Custom(func(t *rapid.T) string {
		s := strings.Join(rapid.SliceOfN(pieces, 1, 12).Draw(t, "pieces"), "")
		s = strings.Map(func(r rune) rune {
			if r == '\n' || r == '\t' {
				return r
			}
			if !identity.Visible(r) {
				return -1
			}
			return r
		}, s)
		if r := []rune(s); len(r) > longest {
			s = string(r[:longest])
		}
		if strings.TrimSpace(s) == "" {
			return "x" + s
		}
		return s
	})
}

func genPermission() *rapid.Generator[identity.Permission] {
	return rapid.Custom(func(t *rapid.T) identity.Permission {
		return identity.Permission(rapid.IntRange(int(identity.Read), int(identity.Admin)).Draw(t, "permission"))
	})
}

func genOwner() *rapid.Generator[string] {
	return rapid.StringMatching(`@[A-Za-z0-9][A-Za-z0-9_-]{0,6}(/[A-Za-z0-9][A-Za-z0-9._-]{0,6})?`)
}

func genKind() *rapid.Generator[identity.Kind] {
	return rapid.SampledFrom([]identity.Kind{
		identity.ServiceAccount, identity.APIKey, identity.DeployKey, identity.AIAgent, identity.GitHubApp, identity.MachineUser,
	})
}

func genGrant() *rapid.Generator[identity.Grant] {
	return rapid.Custom(func(t *rapid.T) identity.Grant {
		return identity.Grant{
			Version:     identity.RecordVersion,
			ID:          rapid.StringMatching(`[a-z0-9][a-z0-9._-]{0,12}`).Draw(t, "id"),
			Identity:    genName().Draw(t, "identity"),
			Provider:    identity.GitHub,
			Resource:    genRepo().Draw(t, "resource"),
			Permission:  genPermission().Draw(t, "permission"),
			Environment: genEnvironment().Draw(t, "environment"),
			Duration:    genDuration().Draw(t, "duration"),
			Reason:      genText(2000).Draw(t, "reason"),
			Requester: identity.Person{
				ID:    rapid.Int64Range(1, 1<<53-1).Draw(t, "requester"),
				Login: rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9_-]{0,6}(\[bot\])?`).Draw(t, "login"),
			},
			Origin: rapid.StringMatching(`([A-Za-z0-9-]{1,5}/[A-Za-z0-9._-]{1,5}#[1-9][0-9]{0,5})?`).Draw(t, "origin"),
		}
	})
}

func genIdentity() *rapid.Generator[identity.Identity] {
	return rapid.Custom(func(t *rapid.T) identity.Identity {
		id := identity.Identity{
			Version: identity.RecordVersion, Name: genName().Draw(t, "name"), Kind: genKind().Draw(t, "kind"),
			Owner: genOwner().Draw(t, "owner"), Purpose: genText(500).Draw(t, "purpose"), UseCase: genSegment().Draw(t, "use case"),
			Environment: genEnvironment().Draw(t, "environment"), Expires: genDate().Draw(t, "expires"), Status: identity.Active,
		}
		id.Risk = rapid.SampledFrom([]identity.Risk{"", identity.LowRisk, identity.MediumRisk, identity.HighRisk, identity.CriticalRisk}).Draw(t, "risk")
		if rapid.Bool().Draw(t, "rotates") {
			id.Rotation = genDuration().Draw(t, "rotation")
		}
		if rapid.Bool().Draw(t, "account") {
			id.Account = &identity.Account{Team: "acme/deployers"}
		}
		if rapid.Bool().Draw(t, "credentials") {
			id.Credentials = []identity.Credential{{
				Kind: "token", PublicID: rapid.StringMatching(`[!-~]{1,9}`).Draw(t, "public id"), Fingerprint: "hmac-sha256:9f86d081",
				Secrets: []identity.Secret{{Name: "N", In: "acme/payments:" + genEnvironment().Draw(t, "place")}},
			}}
		}
		if rapid.Bool().Draw(t, "entitlements") {
			id.Entitlements = []identity.Entitlement{{Provider: identity.GitHub, Resource: genRepo().Draw(t, "resource"), Permission: genPermission().Draw(t, "role"), Environment: genEnvironment().Draw(t, "in")}}
		}
		return id
	})
}
