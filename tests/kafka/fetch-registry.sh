#!/usr/bin/env bash
# Fetches the schema registry of the tests (Apicurio) into .dev/registry, once.
set -euo pipefail
version=2.6.13.Final
folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/.dev/registry

if [ -e "$folder/.version-$version" ]; then exit 0; fi
command -v mvn > /dev/null || { echo "mvn (Apache Maven) is not installed" >&2; exit 1; }
rm -rf "$folder"
mkdir -p "$folder"
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
  -Dartifact="io.apicurio:apicurio-registry-app:$version:tar.gz:all" -DoutputDirectory="$folder"
tar -xzf "$folder/apicurio-registry-app-$version-all.tar.gz" -C "$folder"
rm "$folder/apicurio-registry-app-$version-all.tar.gz"
touch "$folder/.version-$version"
echo "Apicurio Registry $version is in $folder" >&2
