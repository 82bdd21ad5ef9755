# CLIENT_KEY=msj_… python3 submit.py
import json
import os
import sys
import time
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
        # The same key gets the same job: with an IDEMPOTENCY_KEY of yours, run it again after a timeout, too.
        "Idempotency-Key": os.environ.get("IDEMPOTENCY_KEY") or str(uuid.uuid4()),
    },
)
for attempt in range(1, 6):
    try:
        with urllib.request.urlopen(post, timeout=35) as response:
            job = json.load(response)
        break
    except urllib.error.HTTPError as problem:
        if problem.code not in (429, 500, 503) or attempt == 5:
            sys.exit(f"{problem.code} {problem.read().decode()}")
        time.sleep(float(problem.headers.get("Retry-After", attempt)))

print(job["job_id"], job["status"])
