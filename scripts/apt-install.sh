#!/usr/bin/env bash
# apt-install.sh NAME WITHOUT PACKAGE: installs a package of the distribution (Debian; as root or with a sudo that asks nothing).
# One line says why it cannot; WITHOUT is what does not work then.
set -euo pipefail
name=$1 without=$2 package=$3

fail() { echo "$without: $name is missing, and $1." >&2; exit 1; }

command -v apt-get >/dev/null || fail "there is no apt-get to install it"
as=()
if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || fail "installing it takes root (apt-get install $package)"
    as=(sudo -n)
fi

said=$(mktemp)
trap 'rm -f "$said"' EXIT
apt() { "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null >"$said" 2>&1; }

echo "Installing $name …"
apt install --yes --no-install-recommends "$package" && exit 0
# The lists of packages may be missing, or older than what they point to.
apt update && apt install --yes --no-install-recommends "$package" && exit 0
tail -n 5 "$said" >&2
fail "apt-get cannot install it"
