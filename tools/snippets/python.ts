import { literal, type Notation, quoted } from './literal.ts';
import type { Parts, Templates } from './template.ts';

export const python = { submit, read, receive } satisfies Templates;

const PYTHON_NOTATION: Notation = {
  string: quoted,
  key: quoted,
  words: { true: 'True', false: 'False', null: 'None' },
  indent: '    ',
  bracePadding: '',
  trailingComma: ',',
};

function submit({ jobsUrl, request }: Parts): string {
  return `# CLIENT_KEY=msj_… python3 submit.py
import json
import os
import sys
import urllib.error
import urllib.request
import uuid

request = ${literal(request, PYTHON_NOTATION)}

post = urllib.request.Request(
    ${quoted(jobsUrl)},
    data=json.dumps(request).encode(),
    headers={
        "Authorization": f"Bearer {os.environ['CLIENT_KEY']}",
        "Content-Type": "application/json",
        # With an IDEMPOTENCY_KEY of yours, run it again after a timeout, a 500 or a 503: it gets the same job.
        "Idempotency-Key": os.environ.get("IDEMPOTENCY_KEY") or str(uuid.uuid4()),
    },
)
try:
    with urllib.request.urlopen(post, timeout=35) as response:
        job = json.load(response)
except urllib.error.HTTPError as problem:
    sys.exit(f"{problem.code} {problem.read().decode()}")

print(job["job_id"], job["status"])
`;
}

function read({ jobsUrl }: Parts): string {
  return `# CLIENT_KEY=msj_… JOB_ID=job_… python3 read.py
import json
import os
import sys
import time
import urllib.error
import urllib.request


def get(url):
    request = urllib.request.Request(url)
    # Not to be sent along to where a redirect leads.
    request.add_unredirected_header("Authorization", f"Bearer {os.environ['CLIENT_KEY']}")
    try:
        with urllib.request.urlopen(request, timeout=35) as response:
            return json.load(response), response.headers
    except urllib.error.HTTPError as problem:
        sys.exit(f"{problem.code} {problem.read().decode()}")


def finished(job_id):
    while True:
        job, headers = get(${quoted(`${jobsUrl}/`)} + job_id)
        if job["status"] not in ("submitting", "running"):
            return job
        time.sleep(int(headers.get("Retry-After", 1)))


job = finished(os.environ["JOB_ID"])
# Large results are not in the job, but behind a URL.
if job["results_url"]:
    job["results"], _ = get(job["results_url"])
print(json.dumps(job, indent=2))
`;
}

function receive(): string {
  return `# WEBHOOK_SECRET=whsec_… PORT=3000 python3 receive.py
import base64
import hashlib
import hmac
import json
import logging
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_SECONDS = 300
BODY_MAX_BYTES = 1024 * 1024

logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)

secret = base64.b64decode(os.environ.get("WEBHOOK_SECRET", "").removeprefix("whsec_"))
if not secret:
    sys.exit("WEBHOOK_SECRET is not set")

# In more than one process, a table with a unique key takes their place.
seen = set()
seen_lock = threading.Lock()


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


def is_first(webhook_id):
    with seen_lock:
        is_new = webhook_id not in seen
        seen.add(webhook_id)
        return is_new


def work(event):
    data = event["data"]
    results = json.dumps(data["results"] or data["results_url"])
    logging.info("%s %s %s", event["type"], data["job_id"], results)


class Receiver(BaseHTTPRequestHandler):
    timeout = 15

    def do_POST(self):
        try:
            body = self.read_body()
            if body is None:
                return self.answer(413)
            if not is_genuine(self.headers, body):
                logging.info("Refused: it is old, or was not signed with this WEBHOOK_SECRET")
                return self.answer(400)
            event = json.loads(body)
        except ValueError:
            logging.info("Refused: its length, its timestamp or its body cannot be read")
            return self.answer(400)
        # Answer within 15 s, and work afterwards. What must survive a crash is to be stored before this line.
        is_new = is_first(self.headers["webhook-id"])
        self.answer(204)
        if is_new:
            work(event)

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
        self.wfile.flush()


server = ThreadingHTTPServer(("", int(os.environ.get("PORT", 3000))), Receiver)
logging.info("Listening on port %d", server.server_port)
server.serve_forever()
`;
}
