# Python 3.9 or later: WEBHOOK_SECRET=whsec_… PORT=3000 INBOX=inbox.sqlite3 python3 receive.py
import base64
import hashlib
import hmac
import json
import os
import sqlite3
import sys
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_SECONDS = 300
BODY_MAX_BYTES = 1024 * 1024

# The inbox of one process, which outlives it. Several share a table of a database server: the statement there is
# INSERT INTO inbox (webhook_id, body) VALUES ($1, $2) ON CONFLICT DO NOTHING.
INBOX = os.environ.get("INBOX", "inbox.sqlite3")

secret = base64.b64decode(os.environ.get("WEBHOOK_SECRET", "").removeprefix("whsec_"))
has_work = threading.Event()


def is_genuine(headers, body):
    webhook_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    digest = hmac.digest(secret, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256)
    expected = b"v1," + base64.b64encode(digest)
    # While the secret is being changed, there are two signatures.
    signatures = headers.get("webhook-signature", "").encode().split(b" ")
    if not any(hmac.compare_digest(expected, signature) for signature in signatures):
        return False
    return abs(time.time() - float(timestamp)) <= TOLERANCE_SECONDS


def open_inbox():
    # Each statement is a transaction of its own.
    inbox = sqlite3.connect(INBOX, isolation_level=None, timeout=10)
    inbox.execute(
        "CREATE TABLE IF NOT EXISTS inbox (webhook_id TEXT PRIMARY KEY, body BLOB, done INTEGER DEFAULT 0)"
    )
    return inbox


def store_once(webhook_id, body):
    """The first to come is stored for the worker; a repeat changes nothing."""
    inbox = open_inbox()
    try:
        inbox.execute("INSERT OR IGNORE INTO inbox (webhook_id, body) VALUES (?, ?)", (webhook_id, body))
    finally:
        inbox.close()
    has_work.set()


def work(event):
    data = event["data"]
    print(event["type"], data["job_id"], json.dumps(data["results"] or data["results_url"]), flush=True)


def keep_working():
    """One after the other; what a crash has interrupted is done again at the next start."""
    inbox = open_inbox()
    while True:
        has_work.clear()
        for webhook_id, body in inbox.execute("SELECT webhook_id, body FROM inbox WHERE done = 0").fetchall():
            try:
                work(json.loads(body))
            except Exception:
                traceback.print_exc()  # It stays in the inbox, and is tried again with the next webhook.
            else:
                inbox.execute("UPDATE inbox SET done = 1, body = NULL WHERE webhook_id = ?", (webhook_id,))
        has_work.wait()


class Receiver(BaseHTTPRequestHandler):
    timeout = 15  # seconds for a sender to be silent

    def do_POST(self):
        try:
            body = self.read_body()
            if body is None:
                return self.answer(413)
            if not is_genuine(self.headers, body):
                self.log_message("Refused: it is old, or was not signed with this WEBHOOK_SECRET")
                return self.answer(400)
            json.loads(body)
        except ValueError:
            # A length, a timestamp or a body that nobody can read: it must not get into the inbox.
            return self.answer(400)
        # Within 15 s, or it is sent again: the work comes after.
        store_once(self.headers["webhook-id"], body)
        self.answer(204)

    def read_body(self):
        """The bytes as they came, or None if there are too many. Some proxies send them in chunks, without a length."""
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            length = int(self.headers.get("content-length", 0))
            return self.rfile.read(length) if 0 <= length <= BODY_MAX_BYTES else None
        body = bytearray()
        while True:
            size = int(self.rfile.readline(100).split(b";")[0], 16)
            if not 0 <= size <= BODY_MAX_BYTES - len(body):
                return None
            body += self.rfile.read(size)
            self.rfile.readline(100)
            if size == 0:
                return bytes(body)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()


if __name__ == "__main__":
    if not secret:
        sys.exit("WEBHOOK_SECRET is not set")
    threading.Thread(target=keep_working, daemon=True).start()
    ThreadingHTTPServer.request_queue_size = 128  # more than five may knock at once
    server = ThreadingHTTPServer(("", int(os.environ.get("PORT", 3000))), Receiver)
    print("Listening on port", server.server_port, flush=True)
    server.serve_forever()
