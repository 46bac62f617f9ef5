#!/usr/bin/env bash
# Makes conversation.png: the pull request of `keyreeve demo`, as it stands on the simulated GitHub when the story has
# ended. It needs Go and git for the demo, chromium with an emoji font, and ImageMagick, on Debian:
#
#   apt-get install chromium fonts-noto-color-emoji imagemagick
#
# Where things are on the page depends on the machine's fonts: look at the picture before it is committed, and set CROP
# (width x height + left + top, in pixels) if it does not end at both ends of the conversation.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# From the bot's answer down to the merge, without the column beside it.
CROP=${CROP:-920x1522+40+776}
PULL=acme/identities/pull/2

for tool in go git chromium mogrify; do
	command -v "$tool" >/dev/null || { echo "$0: there is no $tool" >&2; exit 1; }
done

work=$(mktemp -d)
demo=
finish() {
	if [ -n "$demo" ]; then
		kill "$demo" 2>/dev/null || true
		wait "$demo" 2>/dev/null || true
	fi
	rm -rf "$work"
}
trap finish EXIT

go build -o "$work/keyreeve" ./cmd/keyreeve
"$work/keyreeve" demo >"$work/out" &
demo=$!
# It says where it stays up once the story has ended and its end state was checked.
for _ in $(seq 120); do
	if grep -q '^The simulated GitHub stays up' "$work/out"; then break; fi
	kill -0 "$demo" 2>/dev/null || { cat "$work/out" >&2; exit 1; }
	sleep 0.5
done
url=$(sed -n 's,^The simulated GitHub stays up at \(http://[^/]*\)/.*,\1,p' "$work/out")
[ -n "$url" ] || { echo "$0: the demo did not come to its end" >&2; exit 1; }

browse() {
	chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
		--disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$work/profile" "$@" 2>/dev/null
}

browse --window-size=1280,2600 --screenshot="$work/conversation.png" "$url/$PULL" >/dev/null
mogrify -crop "$CROP" +repage -strip +dither -colors 128 "$work/conversation.png"
mv "$work/conversation.png" docs/images/conversation.png
ls -l docs/images/conversation.png
