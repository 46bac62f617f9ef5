package forge

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// parseBase reads the base of GitHub's REST API as an operator gives it: "https://api.github.com/",
// "https://HOST/api/v3/" for Enterprise Server, or an http URL on a loopback address. Tokens travel with every call, so
// http is refused elsewhere.
func parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		// The text of url.Parse's error holds the whole input, which may hold a password.
		return nil, errors.New("GitHub's URL can't be read as a URL: write it as https://api.github.com/ or https://HOST/api/v3/")
	}
	switch {
	case u.User != nil:
		return nil, errors.New("GitHub's URL must not hold a user or password")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("GitHub's URL must not have a query or fragment")
	case u.Host == "":
		return nil, fmt.Errorf("GitHub's URL %q names no host: write it as https://api.github.com/ or https://HOST/api/v3/", s)
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return nil, fmt.Errorf("GitHub's URL %q must begin with https:// (http:// only for a loopback address)", s)
	}
	if !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	return u, nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// graphqlURL is where the GraphQL API of a REST base is: https://api.github.com/graphql, https://HOST/api/graphql.
// https://docs.github.com/en/enterprise-server/graphql/guides/managing-enterprise-accounts
func graphqlURL(base *url.URL) string {
	u := *base
	if root, ok := strings.CutSuffix(u.Path, "api/v3/"); ok {
		u.Path = root + "api/graphql"
	} else {
		u.Path += "graphql"
	}
	return u.String()
}
