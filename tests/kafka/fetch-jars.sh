#!/usr/bin/env bash
# Fetches the jars of the test broker (pom.xml next to this file) into .dev/kafka/lib, once. CHURNWATCH_KAFKA_VERSION selects another version.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=${CHURNWATCH_KAFKA_VERSION:-4.1.1}
lib=$here/../../.dev/kafka/lib
mark=$lib/.version-$version

if [ -e "$mark" ] && [ "$mark" -nt "$here/pom.xml" ]; then exit 0; fi
command -v java > /dev/null || { echo "java (17 or newer) is not installed" >&2; exit 1; }
command -v mvn > /dev/null || { echo "mvn (Apache Maven) is not installed" >&2; exit 1; }
rm -rf "$lib"
mkdir -p "$lib"
mvn -q -B -f "$here/pom.xml" -Dkafka.version="$version" dependency:copy-dependencies -DoutputDirectory="$lib"
touch "$mark"
echo "the jars of Apache Kafka $version are in $lib" >&2
