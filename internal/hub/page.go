package hub

import (
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"
)

// pageOf says which page the caller asked for: per_page is 30 when absent and at most 100.
func (c *call) pageOf() (page, size int) {
	page, size = 1, 30
	if n, err := strconv.Atoi(c.query("page")); err == nil && n > 0 {
		page = n
	}
	if n, err := strconv.Atoi(c.query("per_page")); err == nil && n > 0 {
		size = min(n, 100)
	}
	return page, size
}

// paged cuts the page out of all items, and sets the Link header:
// https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api.
func paged[T any](c *call, all []T) []T {
	page, size := c.pageOf()
	last := max(1, (len(all)+size-1)/size)
	var links []string
	link := func(n int, rel string) {
		links = append(links, c.pageLink(map[string]string{"page": itoa(n)}, rel))
	}
	if page > 1 {
		link(page-1, "prev")
	}
	if page < last {
		link(page+1, "next")
		link(last, "last")
	}
	if page > 1 {
		link(1, "first")
	}
	if len(links) > 0 {
		c.header.Set("Link", strings.Join(links, ", "))
	}
	from := min((page-1)*size, len(all))
	return all[from:min(from+size, len(all))]
}

func (c *call) pageLink(set map[string]string, rel string) string {
	q := url.Values{}
	maps.Copy(q, c.req.URL.Query())
	for k, v := range set {
		q.Set(k, v)
	}
	return fmt.Sprintf(`<%s%s?%s>; rel=%q`, c.apiURL(), c.req.URL.EscapedPath(), q.Encode(), rel)
}

// each builds a JSON list of one page of items; it is never null.
func each[T any](c *call, all []T, build func(T) any) []any {
	return list(paged(c, all), build)
}

// list builds a JSON list; it is never null.
func list[T any](all []T, build func(T) any) []any {
	out := make([]any, 0, len(all))
	for _, one := range all {
		out = append(out, build(one))
	}
	return out
}
