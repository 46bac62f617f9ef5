#!/bin/sh
# Makes octokit-examples.json.gz afresh: example payloads of GitHub's webhooks, from the npm package named below.
# Needs npm, tar, gzip and sha256sum. Run it in this directory, or pass it a tarball that is there already.
set -eu
cd "$(dirname "$0")"

package=@octokit/webhooks-examples
version=7.6.1
sum=89e6cb1c6345d32e3dd775617fa54effbdc26c859e514898d7728e95e9738280

tarball=${1:-}
if [ -z "$tarball" ]; then
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	npm pack --silent --pack-destination "$dir" "$package@$version" >/dev/null
	tarball=$(echo "$dir"/*.tgz)
fi
echo "$sum  $tarball" | sha256sum --check --quiet

# The file as it is; -n leaves name and time out, so that the result is the same each time.
tar -xzOf "$tarball" package/api.github.com/index.json | gzip -9n >octokit-examples.json.gz
