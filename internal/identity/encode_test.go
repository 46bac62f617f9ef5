package identity_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyreeve/keyreeve/internal/identity"
)

func TestEncodedGrantParsesBackWithTheSameDigest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := genGrant().Draw(t, "grant")
		data := identity.Encode(g)
		back, problems := identity.ParseGrant(g.Path(), data)
		if len(problems) > 0 {
			t.Fatalf("%s\n%s", identity.Report(problems), data)
		}
		if back != g {
			t.Fatalf("read %+v, wrote %+v\n%s", back, g, data)
		}
		if back.Digest() != g.Digest() {
			t.Fatalf("digests differ:\n%s", data)
		}
		if again := identity.Encode(back); string(again) != string(data) {
			t.Fatalf("encoded again as\n%s\nafter\n%s", again, data)
		}
	})
}

func TestEncodedIdentityParsesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := genIdentity().Draw(t, "identity")
		data := identity.Encode(id)
		back, problems := identity.ParseIdentity(identity.IdentityPath(id.Name), data)
		if len(problems) > 0 {
			t.Fatalf("%s\n%s", identity.Report(problems), data)
		}
		if !reflect.DeepEqual(back, id) {
			t.Fatalf("read %+v, wrote %+v\n%s", back, id, data)
		}
	})
}

func TestEncodedPolicyAndUseCaseParseBack(t *testing.T) {
	hours := identity.Duration(time.Hour)
	p := identity.Policy{
		Version: 1, Environments: []string{"production", "on"}, Grants: identity.Limits{MinDuration: hours, MaxDuration: 48 * hours},
		Rules: []identity.Rule{
			{Name: "all", MaxDuration: 8 * hours},
			{
				Name: "some", When: identity.When{Environments: []string{"on"}, Kinds: []identity.Kind{identity.AIAgent}, Permission: identity.Maintain},
				Require: []identity.Quorum{{From: []string{"@acme/security"}, Count: 2}},
			},
		},
	}
	back, problems := identity.ParsePolicy(identity.PolicyPath, identity.Encode(p))
	if len(problems) > 0 || !reflect.DeepEqual(back, p) {
		t.Errorf("%s\nread %+v of\n%s", identity.Report(problems), back, identity.Encode(p))
	}
	uc := identity.UseCase{
		Version: 1, Name: "deploy", Owner: "@acme/security", Purpose: "Deploys", Kinds: []identity.Kind{identity.MachineUser}, MaxDuration: hours,
		Ceiling: []identity.Bound{{Provider: identity.GitHub, Resource: "acme/*", Permission: identity.Write, Environments: []string{"on"}}},
	}
	backCase, problems := identity.ParseUseCase(identity.UseCasePath("deploy"), identity.Encode(uc))
	if len(problems) > 0 || !reflect.DeepEqual(backCase, uc) {
		t.Errorf("%s\nread %+v of\n%s", identity.Report(problems), backCase, identity.Encode(uc))
	}
}

// goldenGrant is the grant whose YAML and digest are kept: a change of either would void approvals that were given.
func goldenGrant() identity.Grant {
	return identity.Grant{
		Version: 1, ID: "acme-identities-12", Identity: "payments/deploy-bot", Provider: "github", Resource: "acme/payments",
		Permission: identity.Write, Environment: "production", Duration: identity.Duration(8 * time.Hour),
		Reason: "Ship the fix: #7.\nThen <remove> it & rest.", Requester: identity.Person{ID: 583231, Login: "octocat"}, Origin: "acme/identities#12",
	}
}

func TestGoldenGrant(t *testing.T) {
	golden(t, "grant.golden.yaml", string(identity.Encode(goldenGrant())))
	const want = "sha256:002b55c236f87bf3b265444fa00df4f240d328a6ac43576dd22ac4b5f70917af"
	if got := goldenGrant().Digest(); got != want {
		t.Errorf("digest is %s, want %s", got, want)
	}
}

// TestDigestCoversEveryField changes each field of a grant, those within the requester included, and wants another digest.
func TestDigestCoversEveryField(t *testing.T) {
	g := goldenGrant()
	seen := map[string]string{g.Digest(): "nothing"}
	var change func(v reflect.Value, name string)
	change = func(v reflect.Value, name string) {
		for i := range v.NumField() {
			field, name := v.Field(i), name+"."+v.Type().Field(i).Name
			before := reflect.ValueOf(field.Interface())
			switch field.Kind() {
			case reflect.String:
				field.SetString(field.String() + "x")
			case reflect.Int, reflect.Int64:
				field.SetInt(field.Int() - field.Int()/2) // stays a role and a duration
			case reflect.Struct:
				change(field, name)
				continue
			default:
				t.Fatalf("%s: %s is not changed by this test", name, field.Kind())
			}
			if reflect.DeepEqual(before.Interface(), field.Interface()) {
				field.SetInt(field.Int() + 1)
			}
			if other, twice := seen[g.Digest()]; twice {
				t.Errorf("changing %s gives the digest of changing %s", name, other)
			}
			seen[g.Digest()] = name
			field.Set(before)
		}
	}
	change(reflect.ValueOf(&g).Elem(), "grant")
	if g != goldenGrant() || len(seen) != 14 {
		t.Errorf("%d digests, want 14: one for each field and one for none", len(seen))
	}
}

func TestDigestIgnoresLayout(t *testing.T) {
	const other = `# a comment
origin: acme/identities#12
requester: {login: octocat, id: 583231}
reason: "Ship the fix: #7.\nThen <remove> it & rest."
duration: 7h60m
environment: 'production'
permission: write
resource: acme/payments
provider: github
identity: payments/deploy-bot
id: acme-identities-12
version: 1
`
	g, problems := identity.ParseGrant("grants/payments/deploy-bot/acme-identities-12.yaml", []byte(other))
	if len(problems) > 0 {
		t.Fatal(identity.Report(problems))
	}
	if g.Digest() != goldenGrant().Digest() {
		t.Errorf("the digest depends on the layout")
	}
}

func TestGrantRoundTripsThroughJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := genGrant().Draw(t, "grant")
		if rapid.Bool().Draw(t, "unset") {
			g.Duration = 0
		}
		data, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		var back identity.Grant
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		if back != g {
			t.Fatalf("read %+v, wrote %+v", back, g)
		}
	})
}

func FuzzParseGrant(f *testing.F) {
	f.Add(string(identity.Encode(goldenGrant())))
	for _, text := range hostileYAML() {
		f.Add(text[:min(len(text), 300)])
	}
	f.Fuzz(func(t *testing.T, text string) {
		g, problems := identity.ParseGrant(goldenGrant().Path(), []byte(text))
		if len(problems) > 0 {
			if g != (identity.Grant{}) {
				t.Error("a grant with problems is not the zero value")
			}
			for _, p := range problems {
				if strings.Contains(p.What, "can't be read:") {
					t.Errorf("the schema accepts what can't be decoded: %s", p)
				}
				if p.String() == "" || p.File == "" || p.Line > 1+strings.Count(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n").Replace(text), "\n") {
					t.Errorf("place of %s", p)
				}
			}
			return
		}
		data := identity.Encode(g)
		back, problems := identity.ParseGrant(g.Path(), data)
		if len(problems) > 0 || back != g || back.Digest() != g.Digest() {
			t.Errorf("does not parse back: %v\n%s", problems, data)
		}
	})
}
