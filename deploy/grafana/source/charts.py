"""Panels as SVG and HTML: enough to judge a board without Grafana."""

from __future__ import annotations

import html
import math
import re
from dataclasses import dataclass
from datetime import datetime, timezone

from panels import BAND_COLOURS

PALETTE = ("#3274d9", "#e0752d", "#56a64b", "#a352cc", "#37872d", "#e02f44", "#1f9fb4", "#b877d9", "#8f8f8f", "#c4162a", "#f2a900", "#705da0")
NAMED = {"green": "#37872d", "dark-green": "#19600f", "yellow": "#e0b400", "orange": "#fa6400", "red": "#c4162a", "dark-red": "#ad0317", "text": "#24292e"}


@dataclass(frozen=True)
class Series:
    labels: dict[str, str]
    samples: list[tuple[float, str]]

    def values(self) -> list[tuple[float, float]]:
        return [(float(at), float(value)) for at, value in self.samples if math.isfinite(float(value))]


def draw(panel: dict, queries: list[list[Series]], width: int, height: int) -> str:
    match panel["type"]:
        case "timeseries":
            return _timeseries(panel, queries, width, height)
        case "heatmap":
            return _heatmap(panel, queries[0], width, height)
        case "stat":
            return _stat(panel, queries)
        case "bargauge":
            return _bars(panel, queries, width)
        case "table":
            return _table(panel, queries)
    raise ValueError(f"no drawing of {panel['type']}")


def shown(value: float, unit: str) -> str:
    if not math.isfinite(value):
        return "–"
    match unit:
        case "percentunit":
            return f"{100 * value:.1f} %"
        case "s":
            for size, name in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
                if value >= size:
                    return f"{value / size:.3g} {name}"
            return f"{1000 * value:.3g} ms"
        case "bytes":
            return f"{value / 2**20:.4g} MiB" if value >= 2**20 else f"{value / 1024:.3g} KiB"
        case "dateTimeAsIso":
            return datetime.fromtimestamp(value / 1000, timezone.utc).strftime("%Y-%m-%d %H:%M")
    if abs(value) >= 1e6:
        return f"{value / 1e6:.3g} M"
    return f"{value / 1e3:.3g} K" if abs(value) >= 1e4 else f"{value:.4g}"


def _unit(panel: dict) -> str:
    return panel["fieldConfig"]["defaults"]["unit"]


def _named(panel: dict, queries: list[list[Series]]) -> list[tuple[str, Series]]:
    named = []
    for target, answer in zip(panel["targets"], queries):
        for series in answer:
            legend = target["legendFormat"]
            if legend == "__auto":
                legend = ", ".join(series.labels.values()) or panel["title"]
            named.append((re.sub(r"\{\{(\w+)\}\}", lambda label: series.labels.get(label[1], ""), legend), series))
    return named


def _steps(panel: dict) -> list[dict]:
    return panel["fieldConfig"]["defaults"]["thresholds"]["steps"]


def _colour(panel: dict, value: float) -> str:
    passed = [step["color"] for step in _steps(panel) if step["value"] is None or value >= step["value"]]
    return NAMED[passed[-1]]


def _timeseries(panel: dict, queries: list[list[Series]], width: int, height: int) -> str:
    lines = [(name, series.values()) for name, series in _named(panel, queries)]
    times = sorted({at for _, values in lines for at, _ in values})
    if not times:
        return "no data"
    defaults = panel["fieldConfig"]["defaults"]
    stacked = defaults["custom"]["stacking"]["mode"] == "normal"
    tops: dict[float, float] = {}
    drawn = []
    for name, values in lines:
        base = [tops.get(at, 0.0) if stacked else 0.0 for at, _ in values]
        drawn.append((name, [(at, low, low + value) for (at, value), low in zip(values, base)]))
        tops |= {at: low + value for (at, value), low in zip(values, base)}
    ends = [defaults["custom"]["axisSoftMax"]] if "axisSoftMax" in defaults["custom"] else []
    ends += [end for _, points in drawn for _, _, end in points] + [step["value"] for step in _steps(panel) if step["value"] is not None]
    low, high = defaults.get("min", min(ends)), defaults.get("max", max(ends))
    high = high if high > low else low + 1
    left, bottom = 52, 44
    x = lambda at: left + (width - left - 4) * (at - times[0]) / max(times[-1] - times[0], 1)
    y = lambda value: 4 + (height - bottom) * (1 - (min(max(value, low), high) - low) / (high - low))
    out = [f"<svg width={width} height={height - 30}>"]
    for tick in range(5):
        value = low + (high - low) * tick / 4
        out.append(f"<line x1={left} x2={width} y1={y(value):.1f} y2={y(value):.1f} stroke='#eceff2'/><text x={left - 4} y={y(value) + 3:.1f} font-size=9 text-anchor=end fill='#656d76'>{shown(value, _unit(panel))}</text>")
    for place, (name, points) in enumerate(drawn):
        colour = BAND_COLOURS.get(name, PALETTE[place % len(PALETTE)])
        line = " ".join(f"{x(at):.1f},{y(end):.1f}" for at, _, end in points)
        if stacked:
            back = " ".join(f"{x(at):.1f},{y(base):.1f}" for at, base, _ in reversed(points))
            out.append(f"<polygon points='{line} {back}' fill='{colour}' opacity=.4 />")
        out.append(f"<polyline points='{line}' fill=none stroke='{colour}' stroke-width=1.3 />")
    if defaults["custom"]["thresholdsStyle"]["mode"] == "line":
        for step in _steps(panel)[1:]:
            at = y(step["value"])
            out.append(f"<line x1={left} x2={width} y1={at:.1f} y2={at:.1f} stroke='{NAMED[step['color']]}' stroke-dasharray='5 3'/>")
    keys = "".join(f"<i><b style='color:{BAND_COLOURS.get(name, PALETTE[place % len(PALETTE)])}'>━</b> {html.escape(name)}</i>" for place, (name, _) in enumerate(drawn[:24]))
    return "".join(out) + f"</svg><div class=legend>{keys}</div>"


def _heatmap(panel: dict, answer: list[Series], width: int, height: int) -> str:
    """Buckets are cumulative: a cell is the difference to the bucket below."""
    ordered = sorted(answer, key=lambda series: float(series.labels["le"].replace("+Inf", "inf")))
    columns = sorted({at for series in ordered for at, _ in series.values()})[-60:]
    if not columns:
        return "no data"
    rows, below = [], dict.fromkeys(columns, 0.0)
    for series in ordered:
        counts = {at: value for at, value in series.values() if at in below}
        rows.append((series.labels["le"], [max(counts.get(at, 0) - below[at], 0) for at in columns]))
        below |= counts
    most = max(max(cells) for _, cells in rows) or 1
    left, high = 62, (height - 8) / len(rows)
    wide = (width - left) / len(columns)
    out = [f"<svg width={width} height={height}>"]
    for place, (bound, cells) in enumerate(reversed(rows)):
        label = "more" if bound == "+Inf" else "≤ " + shown(float(bound), _unit(panel))
        out.append(f"<text x={left - 4} y={place * high + high / 2 + 3:.1f} font-size=9 text-anchor=end fill='#656d76'>{label}</text>")
        out += [
            f"<rect x={left + number * wide:.1f} y={place * high:.1f} width={wide + 0.5:.1f} height={high - 1:.1f} fill='#1f60c4' opacity={count / most:.2f} />"
            for number, count in enumerate(cells)
            if count > 0
        ]
    return "".join(out) + "</svg>"


def _last(series: Series) -> float:
    return float(series.samples[-1][1])


def _stat(panel: dict, queries: list[list[Series]]) -> str:
    values = [_last(series) for answer in queries for series in answer]
    return "".join(f"<span class=stat style='color:{_colour(panel, value)}'>{shown(value, _unit(panel))}</span>" for value in values)


def _bars(panel: dict, queries: list[list[Series]], width: int) -> str:
    named = [(name, _last(series)) for name, series in _named(panel, queries)]
    most = max((value for _, value in named), default=1) or 1
    row = "<tr><td>{}<td width=60%><div style='background:#3274d9;height:9px;width:{:.0f}%'></div><td>{}"
    return "<table>" + "".join(row.format(html.escape(name), 100 * value / most, shown(value, _unit(panel))) for name, value in named) + "</table>"


def _table(panel: dict, queries: list[list[Series]]) -> str:
    """As the transformations say: rows with the same labels are one, and only the named columns are shown."""
    rows: dict[tuple, dict[str, str]] = {}
    columns = panel["transformations"][2]["options"]["renameByName"]
    units = {override["matcher"]["options"]: override["properties"][0]["value"] for override in panel["fieldConfig"]["overrides"]}
    for target, answer in zip(panel["targets"], queries):
        field = "Value" if len(queries) == 1 else f"Value #{target['refId']}"
        for series in answer:
            shared = next((row for row in rows.values() if all(row.get(label, value) == value for label, value in series.labels.items()) and set(series.labels) & set(row)), None)
            if shared is None:
                shared = rows.setdefault(tuple(sorted(series.labels.items())), {})
            shared |= series.labels | {field: shown(_last(series), units.get(columns.get(field, ""), ""))}
    head = "".join(f"<th>{html.escape(title)}" for title in columns.values())
    body = "".join("<tr>" + "".join(f"<td>{html.escape(row.get(name, ''))[:70]}" for name in columns) for row in rows.values())
    return f"<table><tr>{head}{body}</table>"
