package forge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

// commitFile writes a file by one commit. GitHub compares the blob that is named with the one that is there; where they
// differ, somebody wrote it meanwhile, which is ErrConflict.
// https://docs.github.com/en/rest/repos/contents#create-or-update-file-contents
func (f *Forge) commitFile(ctx context.Context, e workflow.CommitFile) error {
	s, err := f.at(e.At.Installation, e.At.Repo, writeFiles)
	if err != nil {
		return err
	}
	body := struct {
		Message string `json:"message"`
		Content []byte `json:"content"` // base64, as encoding/json writes bytes
		Branch  string `json:"branch"`
		SHA     string `json:"sha,omitempty"`
	}{e.Message, e.Content, e.Branch, e.Old}
	segments := strings.Split(e.Path, "/")
	for i, one := range segments {
		segments[i] = url.PathEscape(one)
	}
	_, err = send(ctx, s.gh, http.MethodPut, repoPath(e.At.Repo)+"/contents/"+strings.Join(segments, "/"), body, nil)
	if refusal, ok := refused(err, http.StatusUnprocessableEntity); ok && refusal.says("sha") {
		return fmt.Errorf("%w: %w", workflow.ErrConflict, err)
	}
	return err
}
