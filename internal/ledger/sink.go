package ledger

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/keyreeve/keyreeve/internal/audit"
)

// sinkTimeout bounds one batch.
const sinkTimeout = 30 * time.Second

// NewSink makes the sink that address names:
//
//   - "https://host/path": OCSF events, one a line (application/x-ndjson), by POST; token goes along as a bearer token
//     where there is one. Any answer of 2xx is that they were taken. Redirects are not followed.
//   - "syslog+tls://host:6514": messages of RFC 5424 over TLS, framed by their length (RFC 5425), an OCSF event in each.
//
// "http://" and "syslog://" (TCP, RFC 6587) are for this machine alone: entries name people, and don't cross a network in
// the clear. roots are the certificates that are trusted beside the system's; nil for those alone. An address is an error
// when it is none of these, or holds a user.
func NewSink(address, token string, roots *tls.Config) (Sink, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, errors.New("the address of the SIEM is not of the form https://host/path or syslog+tls://host:6514, without a user")
	}
	near := u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
	switch {
	case u.Scheme == "https", u.Scheme == "http" && near:
		t := &http.Transport{TLSClientConfig: roots, ForceAttemptHTTP2: true, Proxy: http.ProxyFromEnvironment}
		return &httpSink{u.String(), token, &http.Client{
			Transport: t, Timeout: sinkTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}}, nil
	case u.Port() == "" && strings.HasPrefix(u.Scheme, "syslog"):
		return nil, errors.New("the address of the SIEM names no port")
	case u.Scheme == "syslog+tls", u.Scheme == "syslog" && near:
		host, _ := os.Hostname() // "" is written as "-"
		return &syslogSink{address: u.Host, secure: u.Scheme == "syslog+tls", tls: roots, host: host}, nil
	}
	return nil, fmt.Errorf("the SIEM's address has the scheme %q: https and syslog+tls are taken, http and syslog on this machine alone", u.Scheme)
}

type httpSink struct {
	url, token string
	client     *http.Client
}

// Send implements Sink. The answer's body is not told: it may quote what was sent.
func (s *httpSink) Send(ctx context.Context, events []Event) error {
	var body bytes.Buffer
	for _, e := range events {
		body.Write(e.OCSF)
		body.WriteByte('\n')
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, &body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the address, whose query may hold a key
		}
		return err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection is used again
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the SIEM answered %d", resp.StatusCode)
	}
	return nil
}

type syslogSink struct {
	address string
	secure  bool
	tls     *tls.Config
	host    string

	mu   sync.Mutex
	conn net.Conn
}

// Send implements Sink. Syslog has no answer, so what a connection that breaks had not delivered is lost to it, and
// nobody knows how much that was: after a failure the whole batch is sent again on a new connection. Before each batch
// it is looked whether the other side has closed, which is the usual end of one.
func (s *syslogSink) Send(ctx context.Context, events []Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil && closed(s.conn) {
		s.drop()
	}
	if s.conn == nil {
		if err := s.dial(ctx); err != nil {
			return err
		}
	}
	var body bytes.Buffer
	for _, e := range events {
		message := syslogMessage(e, s.host)
		fmt.Fprintf(&body, "%d %s", len(message), message)
	}
	deadline, ok := ctx.Deadline()
	if limit := time.Now().Add(sinkTimeout); !ok || limit.Before(deadline) { // a connection's deadline is of the real clock
		deadline = limit
	}
	err := s.conn.SetWriteDeadline(deadline)
	if err == nil {
		_, err = s.conn.Write(body.Bytes())
	}
	if err != nil {
		s.drop()
	}
	return err
}

func (s *syslogSink) dial(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, sinkTimeout)
	defer cancel()
	if s.secure {
		s.conn, err = (&tls.Dialer{Config: s.tls}).DialContext(ctx, "tcp", s.address)
	} else {
		s.conn, err = new(net.Dialer).DialContext(ctx, "tcp", s.address)
	}
	return err
}

func (s *syslogSink) drop() {
	_ = s.conn.Close() // it is of no use any more
	s.conn = nil
}

// closed tells whether the other side, which never sends anything, has closed the connection. It waits long enough
// that a busy machine comes to read at all: Go does not read once the deadline is past.
func closed(c net.Conn) bool {
	if c.SetReadDeadline(time.Now().Add(100*time.Millisecond)) != nil { // a connection's deadline is of the real clock
		return true
	}
	_, err := c.Read(make([]byte, 1))
	timeout, ok := errors.AsType[net.Error](err)
	return err != nil && (!ok || !timeout.Timeout())
}

// syslogMessage is an event as a message of RFC 5424: facility 13 (log audit), the entry's number and step as structured
// data, and the event as its text.
func syslogMessage(e Event, host string) []byte {
	severity := 6 // informational
	switch e.Step {
	case audit.Failed:
		severity = 4 // warning
	case audit.IsStuck:
		severity = 3 // error
	default:
	}
	const facility = 13
	// 32473 is the enterprise number that RFC 5612 keeps for documents: we have none of our own.
	return fmt.Appendf(nil, "<%d>1 %s %s keyreeve - %s [entry@32473 seq=\"%d\" step=\"%s\"] \ufeff%s",
		facility*8+severity, e.At.UTC().Format("2006-01-02T15:04:05.000000Z"), printable(host, 255), printable(string(e.Step), 32),
		e.Row.Seq, printable(string(e.Step), 32), e.OCSF)
}

// printable is a field of a header: ASCII without spaces, "-" where there is nothing.
func printable(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || r == '"' || r == '\\' || r == ']' {
			return -1
		}
		return r
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), most)]
}
