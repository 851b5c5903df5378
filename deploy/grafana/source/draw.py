"""Draws every panel of the boards from a demo's Prometheus on one HTML page, in the layout of the boards.

Usage: python3 deploy/grafana/source/draw.py --binary target/release/churnwatch [--seconds 120] [--out target/boards.html]
"""

from __future__ import annotations

import argparse
import html
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from charts import Series, draw
from generate import BOARDS
from metrics import ROOT

STEP_SECONDS = 1
READY_SECONDS = 180
STYLE = """
body { margin: 0; background: #f4f5f5; color: #24292e; font: 13px/1.4 system-ui, sans-serif; }
h1 { margin: 24px 16px 0; font-size: 20px; } p { margin: 2px 16px 8px; color: #656d76; }
.board { position: relative; margin: 0 12px; }
.panel, .row { position: absolute; box-sizing: border-box; overflow: hidden; }
.panel { background: #fff; border: 1px solid #d8dbe0; border-radius: 3px; padding: 6px 8px; }
.row { font-weight: 600; padding-top: 10px; } .title { font-weight: 600; font-size: 12px; }
table { border-collapse: collapse; font-size: 11px; width: 100%; } td, th { text-align: left; padding: 2px 6px; border-bottom: 1px solid #eceff2; white-space: nowrap; }
.fault { color: #c9372c; } .legend { font-size: 10px; color: #57606a; line-height: 1.25; max-height: 26px; overflow: hidden; } .legend i { font-style: normal; margin-right: 8px; }
.stat { font-size: 26px; font-weight: 600; margin-right: 14px; } svg { display: block; }
"""
WIDTH, LINE, GAP = 1560, 34, 6


@dataclass(frozen=True)
class Prometheus:
    url: str
    start: float
    end: float

    def ask(self, path: str, **parameters: object) -> list[dict]:
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}") as response:
                return json.load(response)["data"]["result"]
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error)["error"]) from error

    def series(self, target: dict) -> list[Series]:
        expr = target["expr"].replace("$job", ".*").replace("$account", ".*").replace("$__rate_interval", "10s")
        if target["instant"]:
            answer = self.ask("query", query=expr, time=self.end)
            return [Series(one["metric"], [one["value"]]) for one in answer]
        answer = self.ask("query_range", query=expr, start=self.start, end=self.end, step=STEP_SECONDS)
        return [Series(one["metric"], one["values"]) for one in answer]


def page(prometheus: Prometheus) -> str:
    parts = [f"<!doctype html><meta charset=utf-8><title>Boards</title><style>{STYLE}</style>"]
    for board in BOARDS:
        made = board.json()
        bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in made["panels"])
        parts.append(f"<h1 id={board.uid}>{html.escape(board.title)}</h1><p>{html.escape(board.description)}</p><div class=board style='height:{bottom * LINE}px'>")
        parts += [placed(panel, prometheus) for panel in made["panels"]]
        parts.append("</div>")
    return "".join(parts)


def placed(panel: dict, prometheus: Prometheus) -> str:
    at = panel["gridPos"]
    width, height = at["w"] * WIDTH // 24 - GAP, at["h"] * LINE - GAP
    place = f"left:{at['x'] * WIDTH // 24}px;top:{at['y'] * LINE}px;width:{width}px;height:{height}px"
    title = html.escape(panel["title"])
    if panel["type"] == "row":
        return f"<div class=row style='{place}'>{title}</div>"
    try:
        queries = [prometheus.series(target) for target in panel["targets"]]
        body = draw(panel, queries, width - 18, height - 32)
        if not all(queries):
            body += "<span class=fault>a query is empty</span>"
    except ValueError as error:
        body = f"<span class=fault>{html.escape(str(error))}</span>"
    return f"<div class=panel title='{html.escape(panel['description'], quote=True)}' style='{place}'><div class=title>{title}</div>{body}</div>"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(prometheus: Prometheus, expr: str) -> None:
    limit = time.monotonic() + READY_SECONDS
    while time.monotonic() < limit:
        try:
            if prometheus.ask("query", query=expr):
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.2)
    sys.exit(f"{expr} had no answer within {READY_SECONDS} s")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", required=True)
    options.add_argument("--seconds", type=int, default=120, help="how long the demo runs before the boards are drawn")
    options.add_argument("--out", type=Path, default=ROOT / "target/boards.html")
    given = options.parse_args()
    target, listen = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory() as folder:
        config = (ROOT / "deploy/prometheus/prometheus.yml").read_text().replace("127.0.0.1:9400", target).replace("15s", "1s")
        Path(folder, "prometheus.yml").write_text(config.replace("rules/", f"{ROOT}/deploy/prometheus/rules/"))
        run = [
            subprocess.Popen([given.binary, "demo", "--listen", target], stderr=subprocess.DEVNULL),
            subprocess.Popen(
                ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data", f"--web.listen-address={listen}"],
                stderr=subprocess.DEVNULL,
            ),
        ]
        try:
            asked = Prometheus(f"http://{listen}", 0, 0)
            wait_for(asked, "churnwatch_account_band_worsened == 1")
            print(f"the demo runs for {given.seconds} s", file=sys.stderr)
            time.sleep(given.seconds)
            end = time.time()
            given.out.parent.mkdir(exist_ok=True)
            given.out.write_text(page(Prometheus(asked.url, end - given.seconds, end)))
            print(given.out)
        finally:
            for process in run:
                process.terminate()
            for process in run:
                process.wait()


if __name__ == "__main__":
    main()
