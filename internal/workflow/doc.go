// Package workflow is the walk: observe everything → decide → plan the difference → commit intent and audit entry →
// apply → read back → seal. A webhook, a cron tick and a person at the command line all say only "look at this subject
// again"; there is one file for each kind of subject and no second code path.
//
// The package owns the interfaces through which it reads and writes the world (ports.go) and the facts, effects and
// rows that cross them; package forge, package provider and package store implement them.
package workflow
