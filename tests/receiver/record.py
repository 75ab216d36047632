"""Answers every POST with 200 and keeps it: record.py DIRECTORY

Request N becomes N.json (path and headers) and then N.body; the port is in the file `port`.
"""

import gzip
import json
import pathlib
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

directory = pathlib.Path(sys.argv[1])
count = 0


class Recorder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        global count
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        headers = [[name.lower(), value] for name, value in self.headers.items()]
        (directory / f"{count}.json").write_text(json.dumps({"path": self.path, "headers": headers}))
        keep(directory / f"{count}.body", body)
        count += 1
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def keep(path, content):
    """Whoever sees the file sees all of it."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(content)
    partial.rename(path)


server = HTTPServer(("127.0.0.1", 0), Recorder)
keep(directory / "port", str(server.server_port).encode())
server.serve_forever()
