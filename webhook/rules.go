package webhook

// Rule names why a delivery is ignored. It is kept with the delivery, so that a person can ask why nothing happened.
type Rule string

// The rules, in the order in which they are asked.
const (
	// RuleNotWatched: no walk reads anything that this kind of event tells of.
	RuleNotWatched Rule = "event not watched"
	// RuleNoInstallation: the payload names no installation, so there is no token to look with. GitHub sends such
	// payloads for hooks of a repository or organization, and for the App's own events (ping).
	RuleNoInstallation Rule = "no installation"
	// RuleForeignRepository: the installation's account does not own the repository that the payload is about.
	RuleForeignRepository Rule = "repository not of the installation's account"
	// RuleInstallationGone: the App was uninstalled or suspended. Nothing can be read or changed there any more; the
	// walks that are under way find out by themselves.
	RuleInstallationGone Rule = "installation gone"
	// RuleNotRegistry: pull requests and checks matter on a registry only.
	RuleNotRegistry Rule = "not a registry"
	// RuleNotDefaultBranch: a push anywhere but to a registry's default branch. What it means for a pull request is told
	// by that one's own event.
	RuleNotDefaultBranch Rule = "push outside the registry's default branch"
	// RuleOwnComment: this App wrote, edited or deleted its own comment. When a person edits the App's comment, that is
	// looked at.
	RuleOwnComment Rule = "own comment"
	// RuleCheckReport: a check was created or completed, or a suite completed: nobody asks for anything.
	RuleCheckReport Rule = "check report"
	// RuleForeignCheck: the check belongs to another App.
	RuleForeignCheck Rule = "check of another App"
	// RuleUnknownButton: a check run of an older version had this button, and nothing is done for it any more.
	RuleUnknownButton Rule = "unknown button"
	// RuleNoPull: the check has no pull request in this repository. GitHub lists none for heads in forks.
	RuleNoPull Rule = "check without a pull request"
)
