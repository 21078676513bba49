#!/usr/bin/env bash
# Installs the distribution's PostgreSQL for the tests with a real server, where it is missing. The tests start servers of their own;
# the one that Debian's package may start as a service is not used.
# Says nothing where all is well; otherwise one line why not, and fails.
set -euo pipefail
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && exit 0
command -v initdb >/dev/null && exit 0
exec "$(dirname "${BASH_SOURCE[0]}")/apt-install.sh" PostgreSQL "No tests with PostgreSQL" postgresql
