#!/usr/bin/env bash
# Checks the files in deploy/ with the linters of their formats. `./dev check` calls this; tools go to .dev/deploy.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools=.dev/deploy
kustomize_version=v5.7.1

if ! cmp --silent deploy/requirements.txt "$tools/requirements.txt"; then
  python3 -m venv --clear "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check --requirement deploy/requirements.txt
  cp deploy/requirements.txt "$tools/requirements.txt"
fi
if [ ! -x "$tools/bin/kustomize" ]; then
  echo "building kustomize into $tools (once)" >&2
  GOBIN="$PWD/$tools/bin" go install "sigs.k8s.io/kustomize/kustomize/v5@$kustomize_version"
fi

"$tools/bin/yamllint" --strict --config-file deploy/.yamllint deploy docs/api docs/recipes
"$tools/bin/hadolint" deploy/docker/Dockerfile

for overlay in deploy/kubernetes/base deploy/kubernetes/example; do
  manifests="$tools/$(basename "$overlay").yaml"
  "$tools/bin/kustomize" build "$overlay" >"$manifests"
  # The newest version, and the oldest that has every field in use.
  for version in 1.30 1.37; do
    # It has no schemas of the Prometheus operator's kinds, and would only warn about them.
    "$tools/bin/kubernetes-validate" --strict --quiet --no-warn --kubernetes-version "$version" "$manifests"
  done
done
deploy/kubernetes/monitoring/generate.py --check

docker-compose --file deploy/compose/compose.yaml config --quiet

# Verification wants a binary at the path of ExecStart.
unit="$tools/churnwatch.service"
sed 's|/usr/local/bin/churnwatch|/bin/true|' deploy/systemd/churnwatch.service >"$unit"
systemd-analyze verify --man=no "$unit"
systemd-analyze security --offline=true --threshold=20 --no-pager "$unit" >/dev/null
