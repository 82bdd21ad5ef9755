"""A server that answers as it is told, and a clock that goes on only when somebody sleeps."""

import contextlib
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: An answer that is none: the connection ends.
CUT = object()
#: The connection stays silent until the client gives up.
SILENCE = object()

JOB = {
    "job_id": "job_1",
    "status": "running",
    "total_tasks": 3,
    "completed_tasks": 1,
    "finished_at": None,
    "results": None,
    "results_url": None,
    "error": None,
}
DONE = {**JOB, "status": "completed", "finished_at": "2026-01-01T00:00:00.000Z", "completed_tasks": 3}


def answer(status, body=b"", **headers):
    """The names of headers have underscores in the place of hyphens."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = {} if isinstance(body, bytes) else {"content_type": "application/json"}
    return status, {"content_length": str(len(data)), **kind, **headers}, data


def problem(status, code, detail="That did not work.", headers=None, **more):
    body = {
        "type": "urn:x",
        "title": "T",
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": "r-1",
        **more,
    }
    return answer(status, body, **(headers or {}))


class Server(ThreadingHTTPServer):
    """Gives the answers of `script` in turn, and the last one for ever; keeps what was asked in `seen`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *script):
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = list(script)
        self.seen = []
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """A client that goes away is none."""


class Handler(BaseHTTPRequestHandler):
    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        with self.server.lock:
            self.server.seen.append((f"{self.command} {self.path}", self.headers, body))
            script = self.server.script
            told = script.pop(0) if len(script) > 1 else script[0]
        if callable(told):
            told = told(self, body)
        if told is SILENCE:
            self.connection.recv(1)
            told = CUT
        if told is CUT:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        status, headers, data = told
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def log_message(self, *_args):
        """Nobody reads it."""


@contextlib.contextmanager
def serving(*script):
    server = Server(*script)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Clock:
    """In the place of the module `time`."""

    def __init__(self):
        self.slept = []
        self.ahead = 0.0

    def monotonic(self):
        return time.monotonic() + self.ahead

    def time(self):
        return time.time() + self.ahead

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.ahead += seconds
