package hub

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// AppConfig says what a GitHub App is.
type AppConfig struct {
	Slug          string // its bot is <slug>[bot]
	Name          string // default: the slug
	WebhookURL    string // "" : no deliveries
	WebhookSecret string
	Permissions   map[string]string // as {"issues": "write"}; metadata: read is added
	Events        []string          // names of webhook events
}

// App is a GitHub App as its owner sees it once.
type App struct {
	ID            int64
	Slug          string
	ClientID      string
	PrivateKeyPEM []byte // PKCS #1
}

// AddApp registers an App and makes its key.
func (h *Hub) AddApp(cfg AppConfig) (App, error) {
	// https://docs.github.com/en/webhooks/webhook-events-and-payloads#merge_group
	if slices.Contains(cfg.Events, "merge_group") && !enough(cfg.Permissions["merge_queues"], "read") {
		return App{}, fmt.Errorf("add App %s: the event merge_group needs the permission merge_queues", cfg.Slug)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return App{}, fmt.Errorf("make the key of App %s: %w", cfg.Slug, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return App{}, fmt.Errorf("add App %s: the hub is closed", cfg.Slug)
	}
	bot, err := h.addAccount(cfg.Slug+"[bot]", "Bot")
	if err != nil {
		return App{}, err
	}
	perms := map[string]string{"metadata": "read"}
	maps.Copy(perms, cfg.Permissions)
	a := &app{
		id: h.nextID(), slug: cfg.Slug, name: cfg.Name, bot: bot, public: &key.PublicKey, hookID: h.nextID(),
		hookURL: cfg.WebhookURL, secret: cfg.WebhookSecret, perms: perms, events: slices.Clone(cfg.Events), created: h.now(),
	}
	if a.name == "" {
		a.name = cfg.Slug
	}
	a.clientID = "Iv23" + fmt.Sprintf("%016x", a.id)
	a.outbox = newOutbox()
	bot.app = a
	h.apps[a.id] = a
	h.workers.Add(1)
	go h.deliverAll(a)
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	return App{ID: a.id, Slug: a.slug, ClientID: a.clientID, PrivateKeyPEM: pem.EncodeToMemory(block)}, nil
}

// SetWebhookURL changes where an App's webhooks go; those that are queued go there too.
func (h *Hub) SetWebhookURL(appID int64, url string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a := h.apps[appID]; a != nil {
		a.hookURL = url
	}
}

// SetWebhookSecret changes the secret that later deliveries are signed with.
func (h *Hub) SetWebhookSecret(appID int64, secret string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a := h.apps[appID]; a != nil {
		a.secret = secret
	}
}

// Install puts an App on an account, with some of its repositories (by name, without the owner) or, with none, all.
// It returns the installation's id.
func (h *Hub) Install(appID int64, accountLogin string, repos ...string) (int64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, acct := h.apps[appID], h.account(accountLogin)
	switch {
	case a == nil:
		return 0, unknown("App", itoa(appID))
	case acct == nil:
		return 0, unknown("account", accountLogin)
	}
	i := &installation{
		id: h.nextID(), app: a, acct: acct, all: len(repos) == 0, repos: map[int64]bool{}, perms: maps.Clone(a.perms),
		created: h.now(), updated: h.now(),
	}
	for _, name := range repos {
		r := h.repo(accountLogin, name)
		if r == nil {
			return 0, unknown("repository", accountLogin+"/"+name)
		}
		i.repos[r.id] = true
	}
	h.installs[i.id] = i
	h.happen(Event{Kind: "app.installed", Text: a.slug, Detail: map[string]string{"account": acct.login}})
	h.hookInstallation(i, "created", map[string]any{"repositories": h.installedRefs(i), "requester": nil})
	return i.id, nil
}

// Suspend stops an installation: its tokens get 403, and no webhooks are sent for it. Unsuspend undoes it.
func (h *Hub) Suspend(installationID int64) error { return h.suspend(installationID, true) }

// Unsuspend undoes Suspend.
func (h *Hub) Unsuspend(installationID int64) error { return h.suspend(installationID, false) }

func (h *Hub) suspend(id int64, on bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.installs[id]
	if i == nil {
		return unknown("installation", itoa(id))
	}
	h.mark(i, on)
	return nil
}

// mark suspends an installation or undoes that.
func (h *Hub) mark(i *installation, suspended bool) {
	action := "unsuspend"
	i.suspended, i.updated = time.Time{}, h.now()
	if suspended {
		action, i.suspended = "suspend", h.now()
	}
	h.happen(Event{Kind: "app." + action + "ed", Text: i.app.slug, Detail: map[string]string{"account": i.acct.login}})
	h.hookInstallation(i, action, map[string]any{})
}

// Uninstall removes an installation; its tokens are dead at once.
func (h *Hub) Uninstall(installationID int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.installs[installationID]
	if i == nil {
		return unknown("installation", itoa(installationID))
	}
	h.uninstall(i)
	return nil
}

func (h *Hub) uninstall(i *installation) {
	delete(h.installs, i.id)
	h.happen(Event{Kind: "app.uninstalled", Text: i.app.slug, Detail: map[string]string{"account": i.acct.login}})
	h.hookInstallation(i, "deleted", map[string]any{"repositories": h.installedRefs(i)})
}

// SetInstalledRepos changes which repositories an installation has; none means all.
func (h *Hub) SetInstalledRepos(installationID int64, repos ...string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.installs[installationID]
	if i == nil {
		return unknown("installation", itoa(installationID))
	}
	before := h.installed(i)
	want := map[int64]bool{}
	for _, name := range repos {
		r := h.repo(i.acct.login, name)
		if r == nil {
			return unknown("repository", i.acct.login+"/"+name)
		}
		want[r.id] = true
	}
	i.all, i.repos, i.updated = len(repos) == 0, want, h.now()
	after := h.installed(i)
	added, removed := difference(after, before), difference(before, after)
	h.hookInstallationRepos(i, added, removed)
	return nil
}

func difference(a, b []*repo) []*repo {
	return slices.DeleteFunc(slices.Clone(a), func(r *repo) bool { return slices.Contains(b, r) })
}

// installed lists an installation's repositories by id.
func (h *Hub) installed(i *installation) []*repo {
	var out []*repo
	for _, r := range sortedBy(h.repoIDs, func(r *repo) int64 { return r.id }) {
		if i.covers(r) {
			out = append(out, r)
		}
	}
	return out
}

func (h *Hub) appJSON(a *app) map[string]any {
	owner := h.appOwner(a)
	count := 0
	for _, i := range h.installs {
		if i.app == a {
			count++
		}
	}
	return map[string]any{
		"id": a.id, "slug": a.slug, "client_id": a.clientID, "node_id": nodeID("App", a.id), "owner": h.userJSON(owner), "name": a.name,
		"description": "", "external_url": h.base + "/apps/" + a.slug, "html_url": h.base + "/apps/" + a.slug,
		"created_at": stamp(a.created), "updated_at": stamp(a.created), "permissions": a.perms, "events": nonNil(a.events),
		"installations_count": count,
	}
}

// appOwner is the account that the App is installed on first, or the bot itself: the hub does not model App owners.
func (h *Hub) appOwner(a *app) *account {
	var first *installation
	for _, i := range h.installs {
		if i.app == a && (first == nil || i.id < first.id) {
			first = i
		}
	}
	if first != nil {
		return first.acct
	}
	return a.bot
}

func (h *Hub) installationJSON(i *installation) map[string]any {
	var suspendedBy any
	if !i.suspended.IsZero() {
		suspendedBy = h.userJSON(i.acct)
	}
	kind := "orgs"
	if i.acct.org == nil {
		kind = "users"
	}
	api := h.apiURL()
	return map[string]any{
		"id": i.id, "account": h.userJSON(i.acct), "repository_selection": selection(i.all),
		"access_tokens_url": fmt.Sprintf("%s/app/installations/%d/access_tokens", api, i.id),
		"repositories_url":  api + "/installation/repositories",
		"html_url":          fmt.Sprintf("%s/%s/%s/settings/installations/%d", h.base, kind, i.acct.login, i.id),
		"app_id":            i.app.id, "app_slug": i.app.slug, "client_id": i.app.clientID, "target_id": i.acct.id,
		"target_type": i.acct.kind, "permissions": i.perms, "events": nonNil(i.app.events), "created_at": stamp(i.created),
		"updated_at": stamp(i.updated), "single_file_name": nil, "has_multiple_single_files": false,
		"single_file_paths": []string{}, "suspended_by": suspendedBy, "suspended_at": stamp(i.suspended),
	}
}

// installedRefs lists repositories in the short form of installation events.
func (h *Hub) installedRefs(i *installation) []any {
	return list(h.installed(i), h.repoRef)
}

func (h *Hub) repoRef(r *repo) any {
	return map[string]any{
		"id": r.id, "node_id": nodeID("Repository", r.id), "name": r.name, "full_name": r.full(), "private": r.visibility != "public",
	}
}

func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// hasEvent says whether the App is subscribed; installation events come unasked.
func (a *app) hasEvent(event string) bool {
	return strings.HasPrefix(event, "installation") || slices.Contains(a.events, event)
}
