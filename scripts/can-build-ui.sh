#!/usr/bin/env bash
# Says why the web application cannot be built here, and fails; says nothing where it can.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
test -f ui/package-lock.json || { echo "its source is not here (ui/)"; exit 1; }
command -v node >/dev/null || { echo "there is no Node (20.19 or newer)"; exit 1; }
command -v npm >/dev/null || { echo "there is no npm"; exit 1; }
node -e 'const [major, minor] = process.versions.node.split(".").map(Number)
if (major < 20 || (major === 20 && minor < 19)) { console.log(`this is Node ${process.versions.node}, and it takes 20.19 or newer`); process.exit(1) }'
