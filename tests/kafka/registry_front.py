"""Stands in front of a schema registry: TLS, and a user with a password. Arguments: port, registry's port, certificate and key, USER:PASSWORD."""

import base64
import http.server
import ssl
import sys
import urllib.error
import urllib.request

PORT, REGISTRY, STORE, USER = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
AUTHORIZATION = "Basic " + base64.b64encode(USER.encode()).decode()


class Front(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.headers.get("Authorization") != AUTHORIZATION:
            self.answer(401, b"{}")
            return
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{REGISTRY}{self.path}") as registry:
                self.answer(registry.status, registry.read())
        except urllib.error.HTTPError as error:
            self.answer(error.code, error.read())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Front)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(STORE)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
