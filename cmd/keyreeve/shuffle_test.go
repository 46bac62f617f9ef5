package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// mailman stands between GitHub and the bot. It takes each delivery and keeps it back until the bot has nothing left to do;
// then it brings all that it has in another order, each one twice, the second time under its own id or another one (THREATS
// 5, 6 and 7). While the bot is down it takes nothing, so that GitHub sees that nobody does. A nil mailman has nothing.
type mailman struct {
	door   string
	server *httptest.Server

	mu     sync.Mutex
	random *mathrand.Rand
	bag    []letter
	moved  int // letters that were brought after one that came later
}

type letter struct {
	header http.Header
	body   []byte
}

func newMailman(door string, seed uint64) *mailman {
	m := &mailman{door: door, random: mathrand.New(mathrand.NewPCG(seed, seed))}
	m.server = httptest.NewServer(m)
	return m
}

func (m *mailman) url() string { return m.server.URL }

func (m *mailman) close() {
	if m != nil {
		m.server.Close()
	}
}

// ServeHTTP takes a delivery from GitHub.
func (m *mailman) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if !m.open() {
		http.Error(w, "nobody is in", http.StatusBadGateway)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	again := r.Header.Clone()
	if m.random.IntN(2) == 0 {
		again.Set("X-GitHub-Delivery", rand.Text())
	}
	m.bag = append(m.bag, letter{r.Header.Clone(), body}, letter{again, body})
	w.WriteHeader(http.StatusAccepted)
}

// open says whether the bot would take a delivery.
func (m *mailman) open() bool {
	resp, err := http.Get(strings.TrimSuffix(m.door, "/webhook") + "/readyz")
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// bringMail brings what was kept back, once the bot has nothing in hand.
func (th *theatre) bringMail() error {
	if th.mail == nil {
		return nil
	}
	if quiet, err := th.quiet(); err != nil || !quiet {
		return err
	}
	_, err := th.mail.deliver()
	return err
}

// shuffled says how many letters were brought after one that came later.
func (m *mailman) shuffled() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.moved
}

// deliver brings all that was kept back, and says how much it was. What the bot can't take stays in the bag.
func (m *mailman) deliver() (int, error) {
	if m == nil {
		return 0, nil
	}
	m.mu.Lock()
	kept := m.bag
	m.bag = nil
	bag := make([]letter, len(kept))
	for i, from := range m.random.Perm(len(bag)) {
		bag[i] = kept[from]
		if from < i {
			m.moved++
		}
	}
	m.mu.Unlock()
	for i, l := range bag {
		if !m.open() {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.bag = append(bag[i:], m.bag...)
			return i, nil
		}
		req, err := http.NewRequest(http.MethodPost, m.door, bytes.NewReader(l.body))
		if err != nil {
			return 0, err
		}
		req.Header = l.header
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, err
		}
		_ = resp.Body.Close()
		if resp.StatusCode > 299 {
			return 0, fmt.Errorf("the door answered %s", resp.Status)
		}
	}
	return len(bag), nil
}

// TestStoriesShuffled plays each story again with every delivery doubled and out of order: the same end.
func TestStoriesShuffled(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var stories []string
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if script := string(b); strings.Contains(script, "\nworld\n") {
			stories = append(stories, file)
		}
	}
	if len(stories) < 10 {
		t.Fatalf("found %d stories", len(stories))
	}
	seeds := []uint64{1, 2}
	if raced { // make test plays all of them without the race detector
		seeds, stories = seeds[:1], stories[:3]
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			playStories(t, testscript.Params{Files: stories}, seed)
		})
	}
}
