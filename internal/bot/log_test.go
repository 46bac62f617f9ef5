package bot

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/ledger"
	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// TestLogIsServed: a bot makes the key of its log at its first start, serves the signed head, and keeps the last one.
func TestLogIsServed(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(t.TempDir(), "k.db")
	c := Config{
		AppID: 12, PrivateKey: pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		WebhookSecrets: [][]byte{[]byte("a secret of the test")}, GitHubURL: "http://127.0.0.1:1/", DatabaseURL: "sqlite://" + db, Registry: "identities",
		LogToken: "a token of the test", Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	var public string
	for start := range 2 {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		b, err := Start(t.Context(), c, l)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := ledger.ReadKeys(ledger.KeyFile(c.DatabaseURL))
		if err != nil || start == 1 && keys.Public[0] != public {
			t.Errorf("start %d: keys %v, %v", start, keys, err)
		}
		public = keys.Public[0]
		if status, body := get(t, b.URL()+"/log/checkpoint"); status != http.StatusOK {
			t.Errorf("start %d: %d %s", start, status, body)
		} else if head, err := audit.OpenCheckpoint([]byte(body), public); err != nil || head.Origin != "keyreeve.invalid/app/12" {
			t.Errorf("start %d: %+v, %v", start, head, err)
		}
		for path, want := range map[string]int{"/log/tile/entries/000": http.StatusUnauthorized, "/log/": http.StatusNotFound, "/log/tile/0/000": http.StatusNotFound} {
			if status, body := get(t, b.URL()+path); status != want {
				t.Errorf("%s: %d %s", path, status, body)
			}
		}
		if err := b.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
	c.LogOrigin = "elsewhere.example/log"
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if _, err := Start(t.Context(), c, l); err == nil || !strings.Contains(err.Error(), "another log") {
		t.Errorf("another name: %v", err)
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// TestLogIsStreamed: what is logged reaches the SIEM, and a wrong address stops the start.
func TestLogIsStreamed(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "k.db"), store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Commit(t.Context(), workflow.Commit{Entries: []audit.Entry{{At: time.Unix(1, 0), Step: audit.Decided, What: "decided approved"}}}); err != nil {
		t.Fatal(err)
	}
	took := make(chan string, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		took <- string(body)
	}))
	defer srv.Close()
	c := Config{AppID: 12, SIEMURL: srv.URL, Log: slog.New(slog.DiscardHandler)}
	sink, err := sinkOf(c)
	if err != nil {
		t.Fatal(err)
	}
	end := streamLog(t.Context(), c, db, sink, 10*time.Millisecond)
	if body := <-took; !strings.Contains(body, "decided approved") || !strings.Contains(body, "keyreeve.invalid/app/12") {
		t.Errorf("it took %s", body)
	}
	end()
	streamLog(t.Context(), c, db, nil, 0)() // nowhere
	c.SIEMURL, c.Registry = "http://siem.example", "identities"
	if _, err := Start(t.Context(), c, nil); err == nil || !strings.Contains(err.Error(), "SIEM") {
		t.Errorf("a wrong address: %v", err)
	}
}
