package identity_test

import (
	"fmt"

	"github.com/keyreeve/keyreeve/internal/identity"
)

func ExampleParsePolicy() {
	_, problems := identity.ParsePolicy("keyreeve.yaml", []byte(`version: 1
environments: [production]
grants:
  minDuration: 15m
  maxDuration: 3 weeks
`))
	fmt.Print(identity.Report(problems))
	// Output:
	// keyreeve.yaml:5:16: "3 weeks" is not a duration: write it as 30m, 8h or 5d
}

func ExampleExceeds() {
	deploy := identity.UseCase{Ceiling: []identity.Bound{
		{Provider: "github", Resource: "acme/pay*", Permission: identity.Write, Environments: []string{"production"}},
	}}
	for _, p := range []identity.Permission{identity.Write, identity.Admin} {
		if exceeds, dimension := identity.Exceeds(deploy, "github", "acme/payments", p, "production"); exceeds {
			fmt.Println(p, "exceeds by its", dimension)
		} else {
			fmt.Println(p, "fits")
		}
	}
	// Output:
	// write fits
	// admin exceeds by its permission
}
