"""Writes deploy/grafana/boards from the boards in this directory; with --check, fails if a file there differs.

Usage: python3 deploy/grafana/source/generate.py [--check]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import customer_health
import pipeline
import portfolio
import product_usage
import support
from panels import Board

BOARDS: tuple[Board, ...] = (portfolio.BOARD, customer_health.BOARD, product_usage.BOARD, support.BOARD, pipeline.BOARD)
FOLDER = Path(__file__).resolve().parents[1] / "boards"


def main() -> int:
    written = {FOLDER / f"{board.uid}.json": json.dumps(board.json(), indent=1) + "\n" for board in BOARDS}
    there = {path: path.read_text() for path in FOLDER.glob("*.json")}
    if "--check" in sys.argv[1:]:
        stale = sorted(path.name for path in written.keys() | there.keys() if written.get(path) != there.get(path))
        if stale:
            print(f"{', '.join(stale)}: not what deploy/grafana/source says. Run python3 deploy/grafana/source/generate.py", file=sys.stderr)
        return 1 if stale else 0
    for path in there.keys() - written.keys():
        path.unlink()
    for path, text in written.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
