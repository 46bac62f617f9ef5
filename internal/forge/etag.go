package forge

import (
	"bytes"
	"container/list"
	"io"
	"net/http"
	"regexp"
	"sync"
)

// etags keeps answers of reads for conditional requests: one that GitHub answers 304 costs nothing of the limit.
// https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate
//
// A key holds installation, repository, permissions and URL, so nothing read with one token is shown to a holder of
// another. It is bounded by bytes; what was not used for longest goes first.
type etags struct {
	mu    sync.Mutex
	most  int
	bytes int
	order *list.List // of *kept, newest first
	byKey map[string]*list.Element
}

// kept is one answer. It is never changed once it is stored.
type kept struct {
	key    string
	etag   string
	header http.Header
	body   []byte
}

const largestKept = 2 << 20

func newETags(most int) *etags {
	return &etags{most: most, order: list.New(), byKey: map[string]*list.Element{}}
}

func (e *etags) get(key string) *kept {
	e.mu.Lock()
	defer e.mu.Unlock()
	el := e.byKey[key]
	if el == nil {
		return nil
	}
	e.order.MoveToFront(el)
	return el.Value.(*kept)
}

func (e *etags) put(k *kept) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.drop(k.key)
	if len(k.body) > largestKept {
		return
	}
	e.byKey[k.key] = e.order.PushFront(k)
	e.bytes += k.size()
	for e.bytes > e.most {
		e.drop(e.order.Back().Value.(*kept).key)
	}
}

func (e *etags) drop(key string) {
	if el := e.byKey[key]; el != nil {
		e.bytes -= el.Value.(*kept).size()
		e.order.Remove(el)
		delete(e.byKey, key)
	}
}

// size counts the headers roughly.
func (k *kept) size() int { return len(k.body) + len(k.key) + 512 }

func keep(key string, resp *http.Response, body []byte) *kept {
	header := http.Header{}
	for _, name := range []string{"Content-Type", "Link", "X-GitHub-Request-Id"} {
		if v := resp.Header.Get(name); v != "" {
			header.Set(name, v)
		}
	}
	return &kept{key: key, etag: resp.Header.Get("ETag"), header: header, body: body}
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
