package hub

import (
	"net/url"
	"strings"
)

// route is one operation: what it matches, who may call it, and what it does.
type route struct {
	method  string
	pattern string // "/repos/{owner}/{repo}/contents/{path+}"; {x+} takes any number of segments
	need    need
	handle  func(*call) (answer, error)

	segments []string
}

// need is what a route asks of its caller.
type need struct {
	// accept is the value of X-Accepted-GitHub-Permissions: alternatives split by ";", what each needs by ",", as
	// "issues=write; pull_requests=write". Empty means that any token does.
	accept string
	auth   authKind
	anyOf  [][]permission // accept, parsed
}

type permission struct {
	name  string
	write bool
}

// authKind says which credentials a route takes.
type authKind int

const (
	authToken  authKind = iota // an installation's or a person's token, or nobody where a public repository is read
	authJWT                    // the App itself
	authPerson                 // a person's token only
	authAny                    // everybody, nobody included
)

// perm makes a need of a header value.
func perm(accept string) need {
	n := need{accept: accept}
	for alternative := range strings.SplitSeq(accept, ";") {
		var all []permission
		for one := range strings.SplitSeq(alternative, ",") {
			name, lvl, _ := strings.Cut(strings.TrimSpace(one), "=")
			all = append(all, permission{name: name, write: lvl == "write"})
		}
		n.anyOf = append(n.anyOf, all)
	}
	return n
}

// router finds routes by their first two segments, then in the order of the table.
type router struct {
	routes map[string][]*route
}

func newRouter() *router {
	r := &router{routes: map[string][]*route{}}
	for _, rt := range allRoutes() {
		rt.segments = strings.Split(strings.TrimPrefix(rt.pattern, "/"), "/")
		key := rt.method + " " + rt.segments[0]
		r.routes[key] = append(r.routes[key], rt)
	}
	return r
}

// find returns the route and the values of its pattern, unescaped; or nil.
func (r *router) find(method, escapedPath string) (*route, map[string]string) {
	parts := strings.Split(strings.Trim(escapedPath, "/"), "/")
	for i, p := range parts {
		plain, err := url.PathUnescape(p)
		if err != nil {
			return nil, nil
		}
		parts[i] = plain
	}
	for _, rt := range r.routes[method+" "+parts[0]] {
		if vars, ok := match(rt.segments, parts); ok {
			return rt, vars
		}
	}
	return nil, nil
}

// match compares segment by segment; a {x+} takes what the literal segments after it leave over.
func match(pattern, parts []string) (map[string]string, bool) {
	vars := map[string]string{}
	for i, p := range pattern {
		name, isVar := strings.CutPrefix(p, "{")
		name = strings.TrimSuffix(name, "}")
		if many, ok := strings.CutSuffix(name, "+"); ok && isVar {
			after := len(pattern) - i - 1
			last := len(parts) - after
			if last < i {
				return nil, false
			}
			for k := range after {
				if parts[last+k] != pattern[i+1+k] {
					return nil, false
				}
			}
			vars[many] = strings.Join(parts[i:last], "/")
			return vars, true
		}
		switch {
		case i >= len(parts):
			return nil, false
		case isVar && parts[i] == "":
			return nil, false
		case isVar:
			vars[name] = parts[i]
		case p != parts[i]:
			return nil, false
		}
	}
	return vars, len(parts) == len(pattern)
}
