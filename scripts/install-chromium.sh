#!/usr/bin/env bash
# Installs the distribution's Chromium for the browser tests, where it is missing (Debian; as root or with a sudo that asks nothing).
# Says nothing where all is well; otherwise one line why not, and fails.
set -euo pipefail
command -v chromium >/dev/null && exit 0

fail() { echo "No browser tests: Chromium is missing, and $1." >&2; exit 1; }

command -v apt-get >/dev/null || fail "there is no apt-get to install it"
as=()
if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || fail "installing it takes root (apt-get install chromium)"
    as=(sudo -n)
fi

said=$(mktemp)
trap 'rm -f "$said"' EXIT
apt() { "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null >"$said" 2>&1; }

echo "Installing Chromium for the browser tests …"
apt install --yes --no-install-recommends chromium && exit 0
# The lists of packages may be missing, or older than what they point to.
apt update && apt install --yes --no-install-recommends chromium && exit 0
tail -n 5 "$said" >&2
fail "apt-get cannot install it"
