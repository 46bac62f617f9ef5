// Package gitobj reads the objects of a git repository: packs and loose objects, alternates included, of SHA-1 and SHA-256
// repositories alike. It runs no git, and nothing of the repository's: all that it reads is data, and data that is wrong is
// an error with the object's or the pack's name.
//
// Walk visits every object once, each delta chain from its base, and says of an object that is a delta which of its bytes
// are new. That is what makes a search of a whole history cheap: what a delta copies was looked at in its base.
//
// The formats: https://git-scm.com/docs/gitformat-pack, https://git-scm.com/docs/gitrepository-layout
package gitobj
