#!/usr/bin/env python3
"""Wraps the rules of deploy/prometheus into prometheus-rule.yaml, for the Prometheus operator.

    deploy/kubernetes/monitoring/generate.py            # writes the file
    deploy/kubernetes/monitoring/generate.py --check    # fails if the file differs
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).parent
RULES = HERE.parents[1] / "prometheus" / "rules"
HEAD = """\
# Written by generate.py from deploy/prometheus/rules: change those instead.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: churnwatch
  labels:
    app.kubernetes.io/name: churnwatch
spec:
  groups:
"""


def groups(path: pathlib.Path) -> str:
    """The lines below `groups:`, two columns further in."""
    _, found, below = path.read_text().partition("\ngroups:\n")
    if not found:
        sys.exit(f"{path} has no groups")
    return "".join(f"  {line}\n" if line else "\n" for line in below.rstrip("\n").split("\n"))


def main() -> None:
    text = HEAD + "".join(groups(path) for path in sorted(RULES.glob("*.yml")))
    target = HERE / "prometheus-rule.yaml"
    if sys.argv[1:] != ["--check"]:
        target.write_text(text)
    elif target.read_text() != text:
        sys.exit(f"{target} is not what {__file__} writes: run it")


if __name__ == "__main__":
    main()
