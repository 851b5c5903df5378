#!/usr/bin/env python3
"""Prints the alerts that Alertmanager sends: a stand-in for Slack and PagerDuty while you try the rules.

    python3 deploy/prometheus/webhook.py [PORT]     # 9095 unless given, as in alertmanager.yml
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for alert in message["alerts"]:
            notes = alert["annotations"]
            print(f'{self.path} {alert["status"]} {alert["labels"]["alertname"]}: {notes.get("summary", "")}')
            for name in ("description", "driver", "page_url", "dashboard_url", "runbook_url"):
                if notes.get(name):
                    print(f"    {name}: {notes[name]}")
        sys.stdout.flush()
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """The alerts are enough."""


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9095
    print(f"waiting for alerts on http://127.0.0.1:{port}/", flush=True)
    try:
        HTTPServer(("127.0.0.1", port), Receiver).serve_forever()
    except KeyboardInterrupt:
        pass
