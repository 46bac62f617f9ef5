// Package hub is a simulated GitHub: the REST surface that keyreeve uses, the one GraphQL query, signed webhooks and git
// smart HTTP, served over real HTTP with state behind them. Tests and `keyreeve demo` run on it.
//
//	h, err := hub.New(hub.Options{Dir: dir})
//	url, err := h.Start("127.0.0.1:0")
//	h.AddOrg("acme")
//	h.AddUser("dana")
//	h.AddMember("acme", "dana", "member")
//	h.AddRepo("acme", "identities", map[string]string{"README.md": "hello\n"})
//	h.AddCollaborator("acme", "identities", "dana", "read")
//	app, err := h.AddApp(hub.AppConfig{Slug: "keyreeve", WebhookURL: "…", Permissions: …, Events: …})
//	h.Install(app.ID, "acme")
//	n, err := h.As("dana").OpenIssue("acme/identities", "Access", "…")
//
// It keeps state and rejects what GitHub rejects: a permission that the token lacks is a 403, an unknown or invisible
// thing a 404, a bad body a 422. Answers carry every property that GitHub's published REST description requires.
// Git data are real: each repository is a bare git repository on disk, kept by package githost.
//
// One mutex guards the whole state; a handler runs under it from start to end, so each call is atomic, and webhooks are
// delivered outside it, in order, by one goroutine per App. All exported methods may be called concurrently.
package hub
