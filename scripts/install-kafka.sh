#!/usr/bin/env bash
# Fetches a broker of Apache Kafka for the tests with a real one, by Maven, and writes its class path down. It takes Java 17.
# Says nothing where all is well; otherwise one line why not, and fails.
set -euo pipefail
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$scripts/../tests/services/kafka"
path=build/classpath.txt

fail() { echo "No tests with Kafka: $1." >&2; exit 1; }

fetched() {
    [ -f "$path" ] && [ ! pom.xml -nt "$path" ] || return 1
    local jars jar
    IFS=: read -ra jars <"$path" || true
    for jar in "${jars[@]}"; do [ -f "$jar" ] || return 1; done
}

# Debian's Maven brings a Java along.
command -v mvn >/dev/null || "$scripts/apt-install.sh" Maven "No tests with Kafka" maven
command -v java >/dev/null || fail "there is no Java (17 or newer)"
version=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
[ "${version:-0}" -ge 17 ] || fail "it takes Java 17 or newer, and this is ${version:-unknown}"
fetched && exit 0

said=$(mktemp)
trap 'rm -f "$said"' EXIT
echo "Fetching Apache Kafka …"
if ! mvn --quiet --batch-mode dependency:build-classpath </dev/null >"$said" 2>&1; then
    tail -n 5 "$said" >&2
    fail "Maven cannot fetch it"
fi
touch "$path"
