"""Boards, rows and panels as types, and the JSON that Grafana reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["timeseries", "stat", "bargauge", "table", "heatmap"]
Json = dict[str, Any]

DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
BAND_COLOURS = {"green": "#2e8b57", "yellow": "#e0a800", "red": "#c9372c", "unknown": "#8b949e", "churned": "#57606a"}


@dataclass(frozen=True)
class Query:
    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Line:
    """A benchmark, drawn as a line; values on its good side are green."""

    value: float
    colour: str


@dataclass(frozen=True)
class Link:
    title: str
    url: str


@dataclass(frozen=True)
class Panel:
    title: str
    kind: Kind
    queries: tuple[Query, ...]
    description: str
    unit: str = "short"
    width: int = 8
    height: int = 8
    stacked: bool = False
    lines: tuple[Line, ...] = ()
    below: str = "text"
    """Colour of values below the first line."""
    minimum: float | None = None
    maximum: float | None = None
    soft_maximum: float | None = None
    """The axis reaches at least this far, so that benchmarks are in sight."""
    decimals: int | None = None
    columns: dict[str, str] = field(default_factory=dict)
    """Of a table: the columns to show, in order, and their titles."""
    units: dict[str, str] = field(default_factory=dict)
    """Of a table: units by title."""
    links: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Variable:
    name: str
    label: str
    query: str


@dataclass(frozen=True)
class Board:
    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = ()

    def json(self) -> Json:
        panels: list[Json] = []
        y = 0
        for row in self.rows:
            panels.append({"type": "row", "title": row.title, "collapsed": False, "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}, "panels": []})
            y = _place(row, y + 1, panels)
        for number, panel in enumerate(panels, start=1):
            panel["id"] = number
        job = Variable("job", "Group", "label_values(churnwatch_ready, job)")
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["churnwatch"],
            "schemaVersion": 39,
            "version": 1,
            "editable": True,
            "graphTooltip": 1,
            "refresh": "1m",
            "time": {"from": "now-24h", "to": "now"},
            "timezone": "browser",
            "links": [{"type": "dashboards", "title": "churnwatch", "tags": ["churnwatch"], "asDropdown": False, "includeVars": True, "keepTime": True}],
            "annotations": {"list": [_model_changes()]},
            "templating": {"list": [_datasource(), *(_variable(variable) for variable in (job, *self.variables))]},
            "panels": panels,
        }


def _place(row: Row, y: int, panels: list[Json]) -> int:
    """Places panels from left to right; returns the next free line."""
    x = height = 0
    for panel in row.panels:
        if x + panel.width > COLUMNS:
            x, y, height = 0, y + height, 0
        panels.append(_panel(panel) | {"gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height}})
        x, height = x + panel.width, max(height, panel.height)
    return y + height


def _datasource() -> Json:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "hide": 0}


def _variable(variable: Variable) -> Json:
    return {
        "name": variable.name,
        "label": variable.label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": variable.query, "refId": variable.name},
        "refresh": 2,
        "sort": 1,
        "includeAll": True,
        "allValue": ".*",
        "multi": False,
        "current": {"text": "All", "value": "$__all"},
    }


def _model_changes() -> Json:
    return {
        "name": "Model reloads",
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": "purple",
        "expr": 'increase(churnwatch_model_reloads_total{job=~"$job",outcome="applied"}[2m]) > 0',
        "titleFormat": "a new model",
    }


def _panel(panel: Panel) -> Json:
    instant = panel.kind in ("table", "stat", "bargauge")
    form = {"table": "table", "heatmap": "heatmap"}.get(panel.kind, "time_series")
    targets = [
        {
            "refId": chr(ord("A") + place),
            "datasource": DATASOURCE,
            "expr": query.expr,
            "legendFormat": query.legend or "__auto",
            "format": form,
            "instant": instant,
            "range": not instant,
        }
        for place, query in enumerate(panel.queries)
    ]
    made: Json = {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _overrides(panel)},
        "options": _options(panel),
    }
    if panel.kind == "table":
        made["transformations"] = _columns(panel)
    return made


def _defaults(panel: Panel) -> Json:
    steps: list[Json] = [{"color": panel.below, "value": None}]
    steps += [{"color": line.colour, "value": line.value} for line in panel.lines]
    defaults: Json = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}, "custom": {}}
    if panel.minimum is not None:
        defaults["min"] = panel.minimum
    if panel.maximum is not None:
        defaults["max"] = panel.maximum
    if panel.decimals is not None:
        defaults["decimals"] = panel.decimals
    if panel.links:
        defaults["links"] = [{"title": link.title, "url": link.url, "targetBlank": True} for link in panel.links]
    if panel.kind == "timeseries":
        defaults["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 40 if panel.stacked else 8,
            "showPoints": "never",
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "line" if panel.lines else "off"},
        }
        if panel.soft_maximum is not None:
            defaults["custom"]["axisSoftMax"] = panel.soft_maximum
    return defaults


def _overrides(panel: Panel) -> list[Json]:
    bands = [
        {"matcher": {"id": "byName", "options": band}, "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}]}
        for band, colour in BAND_COLOURS.items()
        if any(query.legend == "{{band}}" for query in panel.queries)
    ]
    units = [
        {"matcher": {"id": "byName", "options": title}, "properties": [{"id": "unit", "value": unit}]} for title, unit in panel.units.items()
    ]
    return bands + units


def _options(panel: Panel) -> Json:
    calculation = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
    match panel.kind:
        case "timeseries":
            return {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}, "tooltip": {"mode": "multi", "sort": "desc"}}
        case "stat":
            return {**calculation, "colorMode": "value", "graphMode": "none", "textMode": "auto", "wideLayout": True}
        case "bargauge":
            return {**calculation, "orientation": "horizontal", "displayMode": "basic", "showUnfilled": True}
        case "heatmap":
            return {
                "calculate": False,
                "yAxis": {"unit": panel.unit, "axisPlacement": "left"},
                "rowsFrame": {"layout": "le"},
                "color": {"mode": "scheme", "scheme": "Blues", "steps": 32},
                "cellGap": 1,
                "tooltip": {"mode": "single", "yHistogram": True},
                "legend": {"show": True},
            }
        case "table":
            return {"showHeader": True, "cellHeight": "sm"}


def _columns(panel: Panel) -> list[Json]:
    """Joins the queries by their labels, and shows the named columns in order."""
    return [
        {"id": "merge", "options": {}},
        {"id": "filterFieldsByName", "options": {"include": {"names": list(panel.columns)}}},
        {
            "id": "organize",
            "options": {"renameByName": panel.columns, "indexByName": {name: place for place, name in enumerate(panel.columns)}},
        },
    ]
