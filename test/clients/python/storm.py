"""Submits jobs from many threads, each waiting for its own; prints what became of them. The system comes on standard input."""

import json
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "clients/python"))

from modelstudio_jobs import JobError, ModelStudioJobsClient


class Count(logging.Handler):
    repeats = 0

    def emit(self, _record):
        self.repeats += 1


system = json.load(sys.stdin)
count = Count()
logging.getLogger("modelstudio_jobs").addHandler(count)
client = ModelStudioJobsClient(system["api_url"], system["client_keys"][0], deadline_seconds=600)


def call(i):
    messages = [[{"role": "user", "content": f"job{i}"}]]
    request = {
        "model_id": "sandbox-instant",
        "messages": messages,
        "webhook_url": system["webhook_inbox_url"],
    }
    # Every other one may not wait in the queue, so that the client itself must ask again.
    if i % 2:
        request["queue_for"] = 0
    try:
        job = client.run(request)
    except JobError as error:
        return [i, error.job["job_id"], error.job["error"]["code"], None]
    return [i, job["job_id"], None, job["results"][0]["result"]]


with ThreadPoolExecutor(20) as threads:
    jobs = list(threads.map(call, range(int(sys.argv[1]))))
listed = [job["job_id"] for job in client.list()]
print(
    json.dumps({"jobs": jobs, "listed": listed, "repeats": count.repeats, "version": sys.version.split()[0]})
)
