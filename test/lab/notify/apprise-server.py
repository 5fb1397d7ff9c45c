"""An Apprise API server around the real apprise library: what /notify answers, as caronc/apprise-api (api/views.py) does.

Usage: apprise-server.py ADDRESS KEY=YAML-FILE …; prints its port.
"""

import io
import json
import logging
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import apprise

configurations = dict(argument.split("=", 1) for argument in sys.argv[2:])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        size = int(self.headers.get("Content-Length", 0))
        content = json.loads(self.rfile.read(size))
        parts = self.path.strip("/").split("/")
        if parts[0] != "notify" or len(parts) > 2:
            return self.answer(404, "Not Found")
        if not content.get("body") or content.get("type", "info") not in apprise.NOTIFY_TYPES:
            return self.answer(400, "Payload lacks minimum requirements")
        if not re.fullmatch(r"[a-zA-Z0-9\s| ,_:+&-]*", content.get("tag") or ""):
            return self.answer(400, "Unsupported characters found in tag definition")
        target = apprise.Apprise()
        if len(parts) == 2:
            file = configurations.get(parts[1])
            if file is None:
                return self.answer(204, "")
            target.add(apprise.AppriseConfig(paths=file))
        else:
            target.add(content.get("urls", ""))
            if len(target) == 0:
                return self.answer(204, "")
        with apprise.LogCapture(level=logging.INFO, fmt="%(asctime)s - %(levelname)s - %(message)s") as logs:
            is_sent = target.notify(
                content["body"],
                title=content.get("title", ""),
                notify_type=content.get("type", "info"),
                tag=content.get("tag") or (None if len(parts) == 2 else "all"),
            )
            log = logs.getvalue()
        self.answer(200 if is_sent else 424, log or ("" if is_sent else "One or more notification could not be sent"))

    def answer(self, status, text):
        accepts_json = "application/json" in self.headers.get("Accept", "application/json")
        body = (json.dumps({"error": text}) if accepts_json else text).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", "application/json" if accepts_json else "text/plain")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer((sys.argv[1], 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
