"""Expressions over families that docs/metrics.md lists: an unknown family, label or scope is an error when the boards are written."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SUFFIXES = ("_bucket", "_sum", "_count")


def _documented() -> dict[str, set[str]]:
    families = {}
    for line in (ROOT / "docs/metrics.md").read_text().splitlines():
        if line.startswith("| `churnwatch_"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            families[cells[0].strip("`")] = {label.strip(" `") for label in cells[2].split(",") if label.strip()}
    return families


FAMILIES = _documented()


def _labels(series: str) -> set[str]:
    if series in FAMILIES:
        return FAMILIES[series]
    for suffix in SUFFIXES:
        family = series.removesuffix(suffix)
        if family != series and family in FAMILIES:
            return FAMILIES[family] | ({"le"} if suffix == "_bucket" else set())
    raise KeyError(f"{series} is not in docs/metrics.md")


def series(name: str, **match: str) -> str:
    """A selector. A value may begin with an operator: `status="!~a|b"`; without one it must be equal."""
    name = f"churnwatch_{name}"
    unknown = set(match) - _labels(name)
    if unknown:
        raise KeyError(f"{name} has no label {', '.join(sorted(unknown))}")
    matchers = ['job=~"$job"']
    for label, value in match.items():
        operator = next((operator for operator in ("!~", "=~", "!=") if value.startswith(operator)), "")
        matchers.append(f'{label}{operator or "="}"{value[len(operator):]}"')
    return f"{name}{{{','.join(matchers)}}}"


def grouped(function: str, by: str, expression: str) -> str:
    return f"{function} by ({by}) ({expression})" if by else f"{function}({expression})"


def total(name: str, by: str = "", **match: str) -> str:
    """The sum over the instances, by labels that the family has."""
    unknown = {label.strip() for label in by.split(",") if label} - _labels(f"churnwatch_{name}") - {"job", "instance"}
    if unknown:
        raise KeyError(f"churnwatch_{name} has no label {', '.join(sorted(unknown))}")
    return grouped("sum", by, series(name, **match))


def portfolio(name: str, by: str = "", **match: str) -> str:
    """The same for a family of the portfolio: all accounts, unless a scope is given."""
    return total(f"portfolio_{name}", by, **{"scope": "all", **match})


def ratio(numerator: str, denominator: str) -> str:
    return f"{numerator} / {denominator}"


def quantile(q: float, name: str, by: str = "", **match: str) -> str:
    """A quantile of a histogram of the portfolio, whose buckets are gauges."""
    return f"histogram_quantile({q}, {portfolio(name + '_bucket', ', '.join(part for part in (by, 'le') if part), **match)})"


def increase(name: str, by: str = "", window: str = "$__rate_interval", **match: str) -> str:
    return grouped("sum", by, f"increase({series(name, **match)}[{window}])")


def rate(name: str, by: str = "", **match: str) -> str:
    return grouped("sum", by, f"rate({series(name, **match)}[$__rate_interval])")
