package forge_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestThreat8Redeliver: what was missed is asked for once, oldest first; not what was accepted by any attempt, nor what was
// refused eight times, nor what GitHub keeps no longer. The list is followed by its cursor up to the moment given.
func TestThreat8Redeliver(t *testing.T) {
	var f *fake
	item := func(id int, guid string, age time.Duration, status int) string {
		return fmt.Sprintf(`{"id":%d,"guid":%q,"delivered_at":%q,"status_code":%d}`, id, guid, f.clock().Add(-age).Format(time.RFC3339), status)
	}
	f = newFake(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		switch {
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, `{}`)
		case r.URL.Query().Get("cursor") == "":
			w.Header().Set("Link", fmt.Sprintf(`<%s/app/hook/deliveries?cursor=c2>; rel="next"`, f.server.URL))
			refused := make([]string, 8)
			for i := range refused {
				refused[i] = item(100-i, "refused", time.Minute, 401)
			}
			_, _ = fmt.Fprintf(w, "[%s,%s,%s]", item(200, "late", time.Minute, 0), strings.Join(refused, ","), item(80, "healed", time.Hour, 202))
		case r.URL.Query().Get("cursor") == "c2":
			w.Header().Set("Link", fmt.Sprintf(`<%s/app/hook/deliveries?cursor=c3>; rel="next"`, f.server.URL))
			_, _ = fmt.Fprintf(w, "[%s,%s,%s]", item(70, "healed", 2*time.Hour, 503), item(60, "early", 2*time.Hour, 502), item(50, "gone", 80*time.Hour, 502))
		default:
			t.Errorf("it reads on behind what GitHub keeps: %s", r.URL)
		}
	})
	asked, err := f.forge.Redeliver(t.Context(), time.Time{})
	if err != nil || asked != 2 {
		t.Fatalf("asked for %d: %v", asked, err)
	}
	var posts []string
	for _, c := range f.calls {
		if c.method == http.MethodPost {
			posts = append(posts, c.path)
		}
	}
	if want := []string{"/app/hook/deliveries/60/attempts", "/app/hook/deliveries/200/attempts"}; !slices.Equal(posts, want) {
		t.Errorf("it asked for %v, want %v", posts, want)
	}
}
