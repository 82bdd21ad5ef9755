# CLIENT_KEY=msj_… JOB_ID=job_… python3 read.py
import json
import os
import sys
import time
import urllib.error
import urllib.request

JOBS_URL = "http://127.0.0.1:8787/v1/jobs"


def get(url):
    request = urllib.request.Request(url)
    # Not to be sent along to where a redirect leads.
    request.add_unredirected_header("Authorization", f"Bearer {os.environ['CLIENT_KEY']}")
    for attempt in range(1, 6):
        try:
            with urllib.request.urlopen(request, timeout=35) as response:
                return json.load(response), response.headers
        except urllib.error.HTTPError as problem:
            if problem.code not in (429, 500, 503) or attempt == 5:
                sys.exit(f"{problem.code} {problem.read().decode()}")
            time.sleep(float(problem.headers.get("Retry-After", attempt)))


def finished(job_id):
    while True:
        job, headers = get(f"{JOBS_URL}/{job_id}")
        if job["finished_at"]:
            return job
        time.sleep(float(headers.get("Retry-After", 1)))


job = finished(os.environ["JOB_ID"])
# Large results are not in the job, but behind a URL.
if job["results_url"]:
    job["results"], _ = get(job["results_url"])
print(json.dumps(job, indent=2))
