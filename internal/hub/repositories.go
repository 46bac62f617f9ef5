package hub

import "github.com/keyreeve/keyreeve/internal/hub/githost"

// Git finds the git repository of owner/name, to be read; pages show files and commits from it. It may be called
// concurrently.
func (h *Hub) Git(owner, name string) (*githost.Repo, bool) { return h.host.Repo(owner, name) }
