#!/usr/bin/python3
"""A web server for tests, on loopback: the files of a folder, ranges of them, and with --user a password.

    web_server.py PORT FOLDER [--user NAME --password WORD]

Prints "ready" when it listens.
"""
import argparse
import base64
import functools
import http.server
import os
import re


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    extensions_map = {
        ".m3u8": "application/vnd.apple.mpegurl", ".ts": "video/mp2t", ".mp4": "video/mp4", ".webm": "video/webm",
        "": "application/octet-stream",
    }

    def __init__(self, *arguments, wanted, **others):
        self.wanted = wanted
        super().__init__(*arguments, **others)

    def log_message(self, format, *arguments):
        pass

    def do_GET(self):
        self.answer(True)

    def do_HEAD(self):
        self.answer(False)

    def answer(self, with_body):
        if self.wanted and self.headers.get("Authorization") != self.wanted:
            return self.refuse(401, ("WWW-Authenticate", 'Basic realm="test"'))
        path = self.translate_path(self.path)
        if not os.path.isfile(path):
            return self.refuse(404)
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            first, last, status = 0, size - 1, 200
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if asked:
                first, last, status = int(asked[1]), min(int(asked[2] or last), last), 206
                if first > last:
                    return self.refuse(416, ("Content-Range", f"bytes */{size}"))
            self.send_response(status)
            self.send_header("Content-Type", self.guess_type(path))
            self.send_header("Content-Length", str(last - first + 1))
            self.send_header("Accept-Ranges", "bytes")
            if status == 206:
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            self.end_headers()
            file.seek(first)
            left = last - first + 1 if with_body else 0
            while left > 0:
                piece = file.read(min(left, 1 << 16))
                if not piece:
                    break
                self.wfile.write(piece)
                left -= len(piece)

    def refuse(self, status, *headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        """A client that goes away in the middle is no error."""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("folder")
    parser.add_argument("--user")
    parser.add_argument("--password", default="")
    options = parser.parse_args()
    wanted = None
    if options.user:
        wanted = "Basic " + base64.b64encode(f"{options.user}:{options.password}".encode()).decode()
    server = Server(("127.0.0.1", options.port), functools.partial(Handler, wanted=wanted, directory=options.folder))
    print("ready", flush=True)
    server.serve_forever()


main()
