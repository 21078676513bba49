#!/usr/bin/env bash
# Installs the distribution's Chromium for the browser tests, where it is missing.
# Says nothing where all is well; otherwise one line why not, and fails.
set -euo pipefail
command -v chromium >/dev/null && exit 0
exec "$(dirname "${BASH_SOURCE[0]}")/apt-install.sh" Chromium "No browser tests" chromium
