# CLIENT_KEY=msj_… python3 submit.py
import json
import os
import sys
import urllib.error
import urllib.request
import uuid

request = {
    "model_id": "sandbox-instant",
    "messages": [[{"role": "user", "content": "Name the capital of France."}]],
}

post = urllib.request.Request(
    "http://127.0.0.1:8787/v1/jobs",
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
