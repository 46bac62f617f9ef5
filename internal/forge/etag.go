package forge

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
)

// kept is one answer of a read, for a conditional request: one that GitHub answers 304 costs nothing of the limit.
// https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate
//
// It is never changed once it is stored, by a key that holds installation, repository, permissions and URL: nothing
// read with one token is shown to a holder of another.
type kept struct {
	etag   string
	header http.Header
	body   []byte
}

const largestKept = 2 << 20

// size counts the key and the headers roughly.
func (k *kept) size() int { return len(k.body) + 1024 }

func keep(resp *http.Response, body []byte) *kept {
	header := http.Header{}
	for _, name := range []string{"Content-Type", "Link", "X-GitHub-Request-Id"} {
		if v := resp.Header.Get(name); v != "" {
			header.Set(name, v)
		}
	}
	return &kept{etag: resp.Header.Get("ETag"), header: header, body: body}
}

// answer makes the answer again. fresh is the 304 that allowed it, or nil; its request id is the one to show as evidence.
func (k *kept) answer(req *http.Request, fresh *http.Response) *http.Response {
	header := k.header.Clone()
	if fresh != nil {
		if id := requestID(fresh); id != "" {
			header.Set("X-GitHub-Request-Id", id)
		}
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(k.body)), ContentLength: int64(len(k.body)), Request: req,
	}
}

var byContent = regexp.MustCompile(`/git/(trees|blobs|commits)/([0-9a-f]{40}|[0-9a-f]{64})$`)

// immutable says that a URL names its content by hash, so that a kept answer needs no asking.
func immutable(req *http.Request) bool {
	return req.Method == http.MethodGet && req.URL.RawQuery == "" && byContent.MatchString(req.URL.Path)
}
