"""Calls a deployment of modelstudio-jobs, and verifies its webhooks. Needs Python 3.9 alone: copy this file.

    client = ModelStudioJobsClient("https://abc.execute-api.eu-central-1.amazonaws.com", os.environ["CLIENT_KEY"])
    job = client.run({"model_id": "my-model", "messages": [[{"role": "user", "content": "Hello"}]]})
    print(job["results"][0]["result"])

A client may be shared by threads and by processes that are forked. Proxies and certificates are those of the
environment (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE), as urllib takes them.
"""

from __future__ import annotations

import ast
import base64
import binascii
import datetime
import email.utils
import hashlib
import hmac
import http.client
import inspect
import json
import logging
import math
import os
import random
import re
import shutil
import ssl
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from typing import (
    IO,
    Any,
    BinaryIO,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    TypedDict,
    TypeVar,
    Union,
    cast,
)

__version__ = "0.1.0"
__all__ = [
    "ApiConnectionError",
    "ApiError",
    "CompletedJob",
    "Delivery",
    "Job",
    "JobError",
    "ModelStudioJobsClient",
    "ModelStudioJobsError",
    "Problem",
    "Result",
    "StillRunningError",
    "Submission",
    "WebhookError",
    "WebhookEvent",
    "verify_webhook",
]

_log = logging.getLogger("modelstudio_jobs")


# What the API takes and answers: docs/api.md explains every field, and a test compares these with the OpenAPI document.


class _Model(TypedDict):
    model_id: str


class Submission(_Model, total=False):
    """A request of ModelStudio's, and where to send its results."""

    messages: List[List[Mapping[str, Any]]]
    messages_from: str
    temperature: Optional[float]
    max_tokens: Optional[int]
    webhook_url: Optional[str]
    destination: Optional[str]
    metadata: Optional[Mapping[str, str]]
    expires_in: Optional[int]
    queue_for: Optional[int]
    on_unknown: Optional[str]
    task_retries: Optional[int]


class Result(TypedDict, total=False):
    """What ModelStudio gave for one conversation, unchanged."""

    task_index: int
    status: str
    result: Optional[str]
    error: Any
    attempts: int


class _RequiredFault(TypedDict):
    message: str


class Fault(_RequiredFault, total=False):
    line: int
    pointer: str


class _RequiredJobFailure(TypedDict):
    code: str
    message: str


class JobFailure(_RequiredJobFailure, total=False):
    details: List[Fault]


class Webhook(TypedDict):
    id: str
    url: str
    status: str
    attempts: int
    last_attempt_at: Optional[str]
    last_status: Optional[int]
    next_attempt_at: Optional[str]
    held_until: Optional[str]


class _QueuedFields(TypedDict, total=False):
    queued_until: str
    submissions: int


class _JobFields(_QueuedFields):
    job_id: str
    status: str
    model_id: str
    total_tasks: Optional[int]
    completed_tasks: int
    failed_tasks: int
    created_at: str
    updated_at: str
    finished_at: Optional[str]
    expires_at: str
    metadata: Dict[str, str]
    results_url: Optional[str]
    error: Optional[JobFailure]


class JobData(_JobFields):
    """A job without its webhook, as an event has it."""

    results: Optional[List[Result]]


class Job(JobData):
    webhook: Optional[Webhook]


class CompletedJob(_JobFields):
    """A job whose results have been read, however large."""

    results: List[Result]
    webhook: Optional[Webhook]


class WebhookEvent(TypedDict):
    type: str
    timestamp: str
    data: JobData


class Delivery(TypedDict):
    """An attempt to deliver a webhook."""

    attempt: int
    at: str
    status: Optional[int]
    duration_ms: float
    error: Optional[str]
    location: Optional[str]
    next_attempt_at: Optional[str]


class _RequiredProblem(TypedDict):
    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str


class Problem(_RequiredProblem, total=False):
    """A refusal, as RFC 9457 defines it."""

    errors: List[Fault]
    job_id: str


# What is raised. All of it can be pickled, so that it comes back from another process.


class ModelStudioJobsError(Exception):
    """Whatever this library raises, but for arguments that are wrong, which are a ValueError or a TypeError."""


class ApiError(ModelStudioJobsError):
    """The API refused a call, or was not able to answer it until the deadline."""

    status: int = 0
    #: Such as `invalid_request`; None if the answer comes from something before the API, such as its gateway.
    code: Optional[str] = None
    #: The whole answer, with every fault of the request in `errors`.
    problem: Optional[Problem] = None
    #: To be given to the operator.
    request_id: Optional[str] = None
    #: Seconds after which another try may succeed, as far as the API has said.
    retry_after: Optional[float] = None
    #: How often it was tried in all.
    attempts: int = 1
    #: Of a submission: the same request with this key gets the same job, so that it is safe to try again.
    idempotency_key: Optional[str] = None


class ApiConnectionError(ModelStudioJobsError, ConnectionError):
    """No answer came, or only a part of one; `__cause__` says why."""

    attempts: int = 1
    #: Of a submission: the same request with this key gets the same job, so that it is safe to try again.
    idempotency_key: Optional[str] = None


class _WithJob(ModelStudioJobsError):
    def __init__(self, message: str, job: Job) -> None:
        super().__init__(message)
        self.job = job

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (str(self), self.job)


class JobError(_WithJob):
    """The job, which is in `job`, has not completed: it is `failed`, `cancelled` or `expired`."""


class StillRunningError(_WithJob, TimeoutError):
    """The job has not ended within the time that its caller had for it. It goes on: wait for it again, or cancel it."""


class WebhookError(ModelStudioJobsError):
    """A webhook is refused. `reason` is one word for it, such as `body_parsed`, and the message says what is wrong."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (self.reason, str(self))


# Calls, and their repeats.

_DEADLINE_SECONDS = 120.0
#: The gateway answers within 30 s.
_ANSWER_SECONDS = 35.0
_BACKOFF_FIRST_SECONDS = 0.5
_BACKOFF_MAX_SECONDS = 20.0
#: However soon it may be repeated.
_WAIT_MIN_SECONDS = 0.1
_SAID_MAX_LENGTH = 300
_CHUNK_BYTES = 65_536

_T = TypeVar("_T")
_Body = Union[bytes, Iterable[bytes], None]


class _Call(NamedTuple):
    method: str
    #: A path of the API, or the URL of a store, which does not get the key.
    path: str
    headers: Mapping[str, str] = {}
    body: _Body = None

    def __str__(self) -> str:
        # What follows the question mark is a signature, in the link to a store.
        return f"{self.method} {self.path.partition('?')[0]}"


class _Answer(NamedTuple):
    body: Any
    retry_after: Optional[float]
    attempts: int


class _Connection:
    """Calls the API, and the stores that it names. Whatever it raises does not hold the key."""

    def __init__(self, url: str, key: str, context: Optional[ssl.SSLContext]) -> None:
        self.url = _checked_url(url)
        self._key = _checked_key(key)
        # Made by hand, without what follows redirects: the key would go along. Nor does it open files, or ftp.
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.UnknownHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(context=context or ssl.create_default_context()),
        ):
            self._opener.add_handler(handler)

    def json(self, call: _Call, deadline_at: float) -> _Answer:
        """The answer's JSON; None if it has no body. Calls again what may pass: only safe for what is."""

        def attempt(attempts: int) -> _Answer:
            with self._send(call, attempts, deadline_at) as response:
                text = b"".join(self._read(response, call, attempts, deadline_at))
                retry_after = _retry_after_in(response.headers)
            if not text:
                return _Answer(None, retry_after, attempts)
            try:
                return _Answer(json.loads(text), retry_after, attempts)
            except ValueError:
                kind = response.headers.get("content-type") or "no content type"
            said = f"with {kind}, which is not JSON: is the URL right?"
            raise _api_error(call, attempts, response, said)

        return _repeat(attempt, call, deadline_at)

    def open(self, call: _Call, deadline_at: float) -> http.client.HTTPResponse:
        """An answer of any size: only its head has come. It is to be closed by its reader."""
        return _repeat(lambda attempts: self._send(call, attempts, deadline_at), call, deadline_at)

    def _send(self, call: _Call, attempts: int, deadline_at: float) -> http.client.HTTPResponse:
        is_api = call.path.startswith("/")
        url = self.url + call.path if is_api else call.path
        if not is_api and not url.startswith(("https://", self.url.partition("://")[0] + "://")):
            raise ModelStudioJobsError("The API named a store whose URL is not https")
        # Firewalls refuse the name that urllib gives itself.
        headers = {"User-Agent": f"modelstudio-jobs-python/{__version__}", **call.headers}
        if is_api:
            headers["Authorization"] = f"Bearer {self._key}"
        if call.body is not None:
            headers.setdefault("Content-Type", "application/json")
        # mypy's list of what urllib takes as data has no iterables; urllib does, with their length in a header.
        request = urllib.request.Request(url, cast(Any, call.body), headers, method=call.method)
        timeout = max(0.001, min(_ANSWER_SECONDS, deadline_at - time.monotonic()))
        try:
            response = cast(http.client.HTTPResponse, self._opener.open(request, timeout=timeout))
        except (OSError, http.client.HTTPException) as error:
            raise _connection_error(call, attempts, error) from error
        if 200 <= response.status < 300:
            return response
        with response:
            text = b"".join(self._read(response, call, attempts, deadline_at))
        raise _api_error(call, attempts, response, self._refusal_in(text, response))

    def _read(
        self, response: http.client.HTTPResponse, call: _Call, attempts: int, deadline_at: float
    ) -> Iterator[bytes]:
        try:
            yield from _chunks(response, deadline_at)
        except (OSError, http.client.HTTPException) as error:
            raise _connection_error(call, attempts, error) from error

    def _refusal_in(self, text: bytes, response: http.client.HTTPResponse) -> Union[Problem, str]:
        shown = text.decode("utf-8", "replace")
        try:
            answer = json.loads(shown)
        except ValueError:
            answer = None
        if isinstance(answer, dict):
            if isinstance(answer.get("code"), str) and isinstance(answer.get("detail"), str):
                return cast(Problem, answer)
            shown = str(answer.get("message") or shown)
        shown = " ".join(shown.replace(self._key, "msj_…").split())[:_SAID_MAX_LENGTH]
        location = (response.headers.get("location") or "").partition("?")[0]
        return (shown or response.reason or "no body") + (f" to {location}" if location else "")


def _chunks(response: http.client.HTTPResponse, deadline_at: float) -> Iterator[bytes]:
    """What has come, as it comes. http.client notices only in some of its methods that there should have been more."""
    left = response.length
    while left is None or left > 0:
        if time.monotonic() > deadline_at:
            raise TimeoutError("the answer did not end in time")
        chunk = response.read1(_CHUNK_BYTES if left is None else min(left, _CHUNK_BYTES))
        if not chunk:
            break
        left = left and left - len(chunk)
        yield chunk
    if left:
        raise http.client.IncompleteRead(b"", left)


def _repeat(attempt: Callable[[int], _T], call: _Call, deadline_at: float) -> _T:
    """Calls until it succeeds, fails for good, or the deadline would pass before the next try."""
    attempts = 0
    while True:
        attempts += 1
        try:
            return attempt(attempts)
        except (ApiError, ApiConnectionError) as error:
            wait = _wait_seconds(attempts, getattr(error, "retry_after", None))
            if not _may_pass(error) or time.monotonic() + wait >= deadline_at:
                raise
            _log.warning("%s; again in %.1f s", error, wait)
        time.sleep(wait)


def _may_pass(error: ModelStudioJobsError) -> bool:
    """Whether the same call may succeed later. What the API has decided it will decide again."""
    if not isinstance(error, ApiError):
        cause = _reason_of(error.__cause__)
        is_lost = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
        is_tls = isinstance(cause, ssl.SSLError) and not isinstance(cause, is_lost)
        return not is_tls and "Tunnel connection failed: 4" not in str(cause)
    if error.code is None:
        return error.status in (408, 429) or (error.status >= 500 and error.status not in (501, 505))
    return error.code == "submission_in_progress" or error.status in (500, 503)


def _wait_seconds(attempts: int, retry_after: Optional[float]) -> float:
    """Up to a half of it is left to chance, so that those who failed together do not come back together."""
    if retry_after is not None:
        return max(_WAIT_MIN_SECONDS, retry_after) * (1 + random.random() / 10)
    backoff = min(_BACKOFF_MAX_SECONDS, _BACKOFF_FIRST_SECONDS * 2.0 ** min(attempts - 1, 30))
    return backoff * (0.5 + random.random() / 2)


def _retry_after_in(headers: http.client.HTTPMessage) -> Optional[float]:
    """Seconds, fractions too, or one of HTTP's three forms of a date, by the clock of who sent it."""
    text = (headers.get("retry-after") or "").strip()
    if re.fullmatch(r"\d+(\.\d*)?|\.\d+", text, re.ASCII):
        return float(text)
    at = _date_in(text)
    now = _date_in(headers.get("date") or "") or datetime.datetime.now(datetime.timezone.utc)
    return None if at is None else max(0.0, (at - now).total_seconds())


def _date_in(text: str) -> Optional[datetime.datetime]:
    try:
        at = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    # The form of asctime has no zone, and means UTC.
    return at if at.tzinfo else at.replace(tzinfo=datetime.timezone.utc)


def _api_error(
    call: _Call, attempts: int, response: http.client.HTTPResponse, said: Union[Problem, str]
) -> ApiError:
    problem = None if isinstance(said, str) else said
    request_id = problem.get("request_id") if problem else response.headers.get("apigw-requestid")
    if problem is not None:
        faults = [
            f"{fault.get('pointer') or 'body'}: {fault['message']}" for fault in problem.get("errors") or []
        ]
        detail = problem["detail"].rstrip(".") if faults else problem["detail"]
        said = ": ".join([problem["code"], detail, *(["; ".join(faults)] if faults else [])])
    notes = [str(call), *([f"attempt {attempts}"] if attempts > 1 else [])]
    notes += [f"request id {request_id}"] if request_id else []
    error = ApiError(f"{response.status} {said} ({', '.join(notes)})")
    error.status = response.status
    error.code = problem and problem["code"]
    error.problem = problem
    error.request_id = request_id
    error.retry_after = _retry_after_in(response.headers)
    error.attempts = attempts
    return error


def _connection_error(call: _Call, attempts: int, cause: BaseException) -> ApiConnectionError:
    reason = _reason_of(cause)
    times = f", attempt {attempts}" if attempts > 1 else ""
    error = ApiConnectionError(f"No answer to {call}{times}: {str(reason) or type(reason).__name__}")
    error.attempts = attempts
    return error


def _reason_of(error: Optional[BaseException]) -> object:
    return error.reason if isinstance(error, urllib.error.URLError) else error


def _checked_url(url: str) -> str:
    text = url.strip() if isinstance(url, str) else ""
    try:
        parts = urllib.parse.urlsplit(text)
        # urllib would find fault with these only when it calls.
        _port, _path, host = parts.port, parts.path.encode("ascii"), (parts.hostname or "").encode("idna")
        is_url = parts.scheme in ("http", "https") and host and not re.search(r"\s", text)
    except ValueError:
        is_url = False
    if not is_url:
        example = "https://abc.execute-api.eu-central-1.amazonaws.com"
        raise ValueError(f"url must be where the API is, such as {example}")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("url must be an address alone, without a user, a query or a fragment")
    return re.sub(r"(/+v1(/jobs)?)?/*$", "", text, count=1)


def _checked_key(key: str) -> str:
    """A key with a line break at its end would be quoted by the error of whoever takes it for a header."""
    if not isinstance(key, str) or not key:
        raise ValueError("key is missing: it is the client key, msj_…")
    if key.startswith("whsec_"):
        raise ValueError(
            "key is a webhook secret: the client key begins with msj_, and npm run keys makes one"
        )
    if not re.fullmatch(r"msj_[!-~]+", key):
        raise ValueError(
            "key must be the client key as it was shown: msj_…, without spaces, quotes or line breaks"
        )
    return key


# The client.

_POLL_SECONDS = 2.0
#: However soon or late the API says.
_POLL_MIN_SECONDS, _POLL_MAX_SECONDS = 0.5, 900.0
_FAULTS_SHOWN = 3
#: What a look at a job, or at its results, is given even at the deadline.
_LOOK_SECONDS = 5.0
_PAGE_JOBS = 100
#: The link to the store takes a file for so long.
_SENDING_SECONDS = 900.0
_FORMATS = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}

#: A job by its id, or as it was answered.
_Which = Union[str, Job, JobData, CompletedJob]
_File = Union[str, "os.PathLike[str]", bytes, bytearray, BinaryIO]
_When = Union[str, datetime.datetime]


class ModelStudioJobsClient:
    """Calls the API of a deployment.

    Each call is repeated after what may pass: 429, 500, 503, lost connections, and 409 while the same key is being
    submitted; as `Retry-After` says, until its deadline. What has then failed raises an `ApiError` or an
    `ApiConnectionError`. Repeats are logged as warnings of the logger `modelstudio_jobs`.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        deadline_seconds: float = _DEADLINE_SECONDS,
        context: Optional[ssl.SSLContext] = None,
    ) -> None:
        """
        :param url: where the API is: the stack's output ApiUrl
        :param key: the client key, `msj_…`
        :param deadline_seconds: after which a call is given up, its repeats included
        :param context: for a certificate authority or a client certificate of your own
        :raises ValueError: if the URL or the key is none
        """
        self._connection = _Connection(url, key, context)
        self.deadline_seconds = deadline_seconds

    def __repr__(self) -> str:
        return f"ModelStudioJobsClient({self._connection.url!r}, 'msj_…')"

    def submit(
        self,
        request: Submission,
        *,
        idempotency_key: Optional[str] = None,
        deadline_seconds: Optional[float] = None,
    ) -> Job:
        """Submits a job, once, however often it has to ask.

        If nobody knows whether ModelStudio has created it, that job is returned, as `failed` with `submission_unknown`:
        submitting it again might bill it twice, and is yours to decide.

        :param idempotency_key: an id of your own, such as that of the order: the same key and request get the same job,
            even from another process. Without it, a key is made that holds for this call and its repeats.
        :raises ApiError: `submission_unknown` with the `job_id` in `problem`, if that job cannot be read either;
            `__cause__` says why
        """
        key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
        if not re.fullmatch(r"[!-+\--~]{1,255}", key):
            raise ValueError("idempotency_key must be 1 to 255 visible ASCII characters without a comma")
        call = _Call("POST", "/v1/jobs", {"Idempotency-Key": key}, _json_of(request))
        try:
            return self._job(call, deadline_seconds)
        except (ApiError, ApiConnectionError) as error:
            error.idempotency_key = key
            problem = error.problem if isinstance(error, ApiError) else None
            if problem is None or problem["code"] != "submission_unknown" or "job_id" not in problem:
                raise
            try:
                return self.get(problem["job_id"], deadline_seconds=deadline_seconds)
            except ModelStudioJobsError as cause:
                # Which job it was, and under which key, nobody else can say.
                raise error from cause

    def get(self, job: _Which, *, deadline_seconds: Optional[float] = None) -> Job:
        return self._job(_Call("GET", _path_of(job)), deadline_seconds)

    def wait(
        self,
        job: _Which,
        *,
        deadline_seconds: Optional[float] = None,
        on_progress: Optional[Callable[[Job], object]] = None,
    ) -> Job:
        """Reads a job, as often as the API says, until it has ended: `completed`, `failed`, `cancelled` or `expired`.

        :param deadline_seconds: after which it is no longer waited for. A job ends by itself at its `expires_at`.
        :param on_progress: called with the job each time that it was read; what it raises ends the waiting
        :raises StillRunningError: at the deadline
        """
        end_at = time.monotonic() + (float("inf") if deadline_seconds is None else deadline_seconds)
        while True:
            left = end_at - time.monotonic()
            call = _Call("GET", _path_of(job))
            answer = self._call(call, self._look_seconds(left))
            seen = _job_in(answer, call)
            if on_progress:
                on_progress(seen)
            if seen["finished_at"] is not None:
                return seen
            left = end_at - time.monotonic()
            if left <= 0:
                total = "?" if seen["total_tasks"] is None else seen["total_tasks"]
                done = f"with {seen['completed_tasks']} of {total} tasks done"
                raise StillRunningError(
                    f"{seen['job_id']} is still {seen['status']} at the deadline, {done}", seen
                )
            said = _POLL_SECONDS if answer.retry_after is None else answer.retry_after
            wait = min(_POLL_MAX_SECONDS, max(_POLL_MIN_SECONDS, said))
            time.sleep(min(left, wait * (1 + random.random() / 10)))

    def run(
        self,
        request: Submission,
        *,
        idempotency_key: Optional[str] = None,
        deadline_seconds: Optional[float] = None,
        on_progress: Optional[Callable[[Job], object]] = None,
    ) -> CompletedJob:
        """Submits a job, waits for its end and reads its results, however large.

        A completed job may hold failed tasks: see `failed_tasks`.

        :param deadline_seconds: of all three; results that have begun to come by then are read to their end
        :raises JobError: with the job, if it has ended otherwise; and what `submit` and `wait` raise
        """
        end_at = time.monotonic() + (float("inf") if deadline_seconds is None else deadline_seconds)
        job = self.submit(request, idempotency_key=idempotency_key, deadline_seconds=deadline_seconds)
        if job["finished_at"] is None:
            left = max(0.0, end_at - time.monotonic())
            job = self.wait(job, deadline_seconds=left, on_progress=on_progress)
        if job["status"] != "completed":
            failure = job["error"]
            why = f", {failure['code']}: {failure['message']}" if failure else ""
            # Of the faults of an upload; the job has more.
            details = (failure.get("details") if failure else None) or []
            faults = "; ".join(_fault_of(each) for each in details[:_FAULTS_SHOWN])
            why += f" {faults}" if faults else ""
            raise JobError(f"{job['job_id']} is {job['status']}{why}", job)
        look = self._look_seconds(end_at - time.monotonic())
        return cast(CompletedJob, {**job, "results": self.results(job, deadline_seconds=look)})

    def results(self, job: _Which, *, deadline_seconds: Optional[float] = None) -> List[Result]:
        """A finished job's results in the order of its conversations; of an expired job, what there was by then."""
        if not isinstance(job, str) and job.get("results"):
            return cast(List[Result], job["results"])
        return list(self.each_result(job, deadline_seconds=deadline_seconds))

    def each_result(self, job: _Which, *, deadline_seconds: Optional[float] = None) -> Iterator[Result]:
        """The same one after the other, as they come, without all of them in memory: for large jobs.

        After a lost connection it goes on where it was.

        :param deadline_seconds: after which a connection is given up that cannot be made
        """
        given = 0
        losses = 0
        while True:
            try:
                for result in self._results_from(given, _path_of(job), deadline_seconds):
                    given += 1
                    losses = 0
                    yield result
                return
            except _Loss as loss:
                losses += 1
                if losses > _LOSSES_MAX:
                    cause = loss.__cause__ or loss
                    raise _connection_error(
                        _Call("GET", f"{_path_of(job)}/results"), losses, cause
                    ) from cause
            time.sleep(losses * _LOSS_WAIT_SECONDS)

    def _results_from(self, place: int, path: str, deadline_seconds: Optional[float]) -> Iterator[Result]:
        # Nothing follows a redirect: the key goes to the API alone.
        call = _Call("GET", f"{path}/results?redirect=false", {"Accept": "application/jsonl"})
        with self._connection.open(call, self._deadline_at(deadline_seconds)) as response:
            if response.headers.get_content_type() == "application/jsonl":
                yield from _passing(place, _objects_in(_streamed(response)))
                return
            answer = _loads(b"".join(_streamed(response)))
        if isinstance(answer, list):
            yield from answer[place:]
            return
        link = _Call("GET", _object_in(answer, call, "results", "url")["url"])
        with self._connection.open(link, self._deadline_at(deadline_seconds)) as response:
            yield from _passing(place, _objects_in(_streamed(response)))

    def list(
        self,
        *,
        status: Optional[str] = None,
        webhook_status: Optional[str] = None,
        created_after: Optional[_When] = None,
        created_before: Optional[_When] = None,
        deadline_seconds: Optional[float] = None,
    ) -> Iterator[Job]:
        """The client's jobs, newest first, without results; page after page, as they are asked for."""
        query = {
            "limit": _PAGE_JOBS,
            "status": status,
            "webhook_status": webhook_status,
            "created_after": _time_of("created_after", created_after),
            "created_before": _time_of("created_before", created_before),
        }
        return self._pages({name: v for name, v in query.items() if v is not None}, deadline_seconds)

    def _pages(self, query: Dict[str, Any], deadline_seconds: Optional[float]) -> Iterator[Job]:
        while True:
            call = _Call("GET", f"/v1/jobs?{urllib.parse.urlencode(query)}")
            page = self._object(call, deadline_seconds, "a list of jobs", "jobs")
            yield from page["jobs"]
            query["cursor"] = page.get("next_cursor")
            if not query["cursor"]:
                return

    def cancel(self, job: _Which, *, deadline_seconds: Optional[float] = None) -> Job:
        """Cancels a job that has not finished. What ModelStudio has begun, it goes on with."""
        return self._job(_Call("POST", f"{_path_of(job)}/cancel"), deadline_seconds)

    def delete(self, job: _Which, *, deadline_seconds: Optional[float] = None) -> None:
        """Deletes a finished job, its event and its results."""
        self._delete(_path_of(job), deadline_seconds)

    def deliveries(self, job: _Which, *, deadline_seconds: Optional[float] = None) -> List[Delivery]:
        """The attempts to deliver a job's webhook."""
        call = _Call("GET", f"{_path_of(job)}/deliveries")
        answer = self._object(call, deadline_seconds, "a list of deliveries", "deliveries")
        return cast(List[Delivery], answer["deliveries"])

    def redeliver(
        self, job: _Which, *, webhook_url: Optional[str] = None, deadline_seconds: Optional[float] = None
    ) -> Job:
        """Delivers a job's webhook again, with the same `webhook-id`, to another URL if you give one."""
        body = None if webhook_url is None else _json_of({"webhook_url": webhook_url})
        call = _Call("POST", f"{_path_of(job)}/redeliver", body=body)
        try:
            return self._job(call, deadline_seconds)
        except ApiError as error:
            # Not within a minute of the attempt before, which was accepted although its answer was lost.
            if error.code != "too_many_redeliveries" or error.attempts == 1:
                raise
        return self.get(job, deadline_seconds=deadline_seconds)

    def redeliver_all(
        self,
        webhook_status: str,
        *,
        created_after: Optional[_When] = None,
        created_before: Optional[_When] = None,
        deadline_seconds: Optional[float] = None,
    ) -> int:
        """Delivers again all webhooks of this status, but those of which that was done within the last minute.

        :returns: how many
        """
        query: Dict[str, Optional[str]] = {
            "webhook_status": webhook_status,
            "created_after": _time_of("created_after", created_after),
            "created_before": _time_of("created_before", created_before),
            "cursor": None,
        }
        count = 0
        while True:
            call = _Call("POST", "/v1/redeliveries", body=_json_of(query))
            begun = self._object(call, deadline_seconds, "a count", "count")
            count += cast(int, begun["count"])
            query["cursor"] = begun.get("next_cursor")
            if not query["cursor"]:
                return count

    def upload(
        self, file: _File, *, format: Optional[str] = None, deadline_seconds: Optional[float] = None
    ) -> str:
        """Uploads a file of conversations that is too large for a request: up to 200 MiB, which are not held in memory.

        A file that is there already is not sent again.

        :param file: a path, bytes, or a file that was opened as binary, from where it stands
        :param format: `jsonl`, a conversation a line, or `json`, one array of them; by default as the path ends
        :param deadline_seconds: by default 900
        :returns: the id for a job's `messages_from`
        """
        name = file if isinstance(file, (str, os.PathLike)) else getattr(file, "name", "")
        kind = format or _FORMATS.get(os.path.splitext(str(name))[1].lower())
        if kind is None:
            raise ValueError("format is missing: jsonl, a conversation a line, or json, one array of them")
        if isinstance(file, (str, os.PathLike)):
            with open(file, "rb") as opened:
                return self._upload(opened, kind, deadline_seconds)
        if not isinstance(file, (bytes, bytearray)) and file.seekable():
            return self._upload(file, kind, deadline_seconds)
        # Its length must be known before it is sent, and a repeat must be able to read it again.
        with tempfile.TemporaryFile() as spooled:
            if isinstance(file, (bytes, bytearray)):
                spooled.write(file)
            else:
                shutil.copyfileobj(file, spooled)
            spooled.seek(0)
            return self._upload(spooled, kind, deadline_seconds)

    def _upload(
        self, file: Union[BinaryIO, IO[bytes]], format: str, deadline_seconds: Optional[float]
    ) -> str:
        start = file.tell()
        sha256 = hashlib.sha256()
        length = 0
        for block in iter(lambda: file.read(_CHUNK_BYTES), b""):
            if not isinstance(block, bytes):
                raise TypeError("file was opened as text: open it with mode 'rb'")
            sha256.update(block)
            length += len(block)
        wanted = {"bytes": length, "format": format, "sha256": sha256.hexdigest()}
        ask = _Call("POST", "/v1/uploads", body=_json_of(wanted))
        deadline_at = self._deadline_at(_SENDING_SECONDS if deadline_seconds is None else deadline_seconds)

        def send(attempts: int) -> str:
            # Asked each time: with its hash, what the attempt before has sent is there already.
            left = min(self.deadline_seconds, deadline_at - time.monotonic())
            upload = self._object(ask, left, "an upload", "upload_id", "url")
            if upload["url"] is not None:
                file.seek(start)
                headers = {**(upload.get("headers") or {}), "Content-Length": str(length)}
                headers["Content-Type"] = "application/octet-stream"
                put = _Call("PUT", upload["url"], headers, _blocks(file, length))
                try:
                    self._connection._send(put, attempts, deadline_at).close()
                except ApiError as error:
                    # It takes a file once: the attempt whose answer was lost has succeeded.
                    if error.status != 412:
                        raise
            return cast(str, upload["upload_id"])

        return _repeat(send, ask, deadline_at)

    def delete_upload(self, upload_id: str, *, deadline_seconds: Optional[float] = None) -> None:
        """Deletes an upload that no unfinished job names."""
        self._delete(f"/v1/uploads/{urllib.parse.quote(upload_id, safe='')}", deadline_seconds)

    def _delete(self, path: str, deadline_seconds: Optional[float]) -> None:
        try:
            self._call(_Call("DELETE", path), deadline_seconds)
        except ApiError as error:
            # What is gone at a repeat was deleted by the attempt before, whose answer was lost.
            if error.status != 404 or error.attempts == 1:
                raise

    def _job(self, call: _Call, deadline_seconds: Optional[float]) -> Job:
        return _job_in(self._call(call, deadline_seconds), call)

    def _object(
        self, call: _Call, deadline_seconds: Optional[float], what: str, *members: str
    ) -> Dict[str, Any]:
        return _object_in(self._call(call, deadline_seconds).body, call, what, *members)

    def _call(self, call: _Call, deadline_seconds: Optional[float]) -> _Answer:
        return self._connection.json(call, self._deadline_at(deadline_seconds))

    def _look_seconds(self, left: float) -> float:
        return min(self.deadline_seconds, max(_LOOK_SECONDS, left))

    def _deadline_at(self, deadline_seconds: Optional[float]) -> float:
        seconds = self.deadline_seconds if deadline_seconds is None else deadline_seconds
        # The call would never end.
        if math.isnan(seconds):
            raise ValueError("deadline_seconds must be a number of seconds")
        return time.monotonic() + seconds


def _job_in(answer: _Answer, call: _Call) -> Job:
    return cast(Job, _object_in(answer.body, call, "a job", "job_id", "finished_at"))


def _object_in(body: object, call: _Call, what: str, *members: str) -> Dict[str, Any]:
    """Without one of these members, something else than the API has answered."""
    if isinstance(body, dict) and all(name in body for name in members):
        return body
    raise ModelStudioJobsError(f"The answer to {call} is not {what}: is the URL right?")


def _json_of(value: Any) -> bytes:
    """Made once, before the first attempt: what its caller changes meanwhile must not go out under the same key."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        # A half of a character, whose place the API's refusal names.
        return json.dumps(value, allow_nan=False).encode()


def _fault_of(detail: Mapping[str, Any]) -> str:
    line = detail.get("line")
    return f"{f'line {line}' if line else detail.get('pointer') or 'file'}: {detail['message']}"


def _path_of(job: _Which) -> str:
    return f"/v1/jobs/{urllib.parse.quote(job if isinstance(job, str) else job['job_id'], safe='')}"


def _time_of(name: str, at: Optional[_When]) -> Optional[str]:
    if not isinstance(at, datetime.datetime):
        return at
    if at.tzinfo is None:
        raise ValueError(f"{name} has no time zone: give it one, such as datetime.now(timezone.utc)")
    utc = at.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds") + "Z"


def _blocks(file: Union[BinaryIO, IO[bytes]], length: int) -> Iterator[bytes]:
    """No more than was announced, whatever is appended meanwhile; the hash tells what was changed."""
    while length > 0:
        block = file.read(min(length, _CHUNK_BYTES))
        if not block:
            raise ModelStudioJobsError("The file has become shorter while it was sent")
        length -= len(block)
        yield block


# Large results.

#: How often in turn a connection may be lost before it has brought another result.
_LOSSES_MAX = 3
_LOSS_WAIT_SECONDS = 0.5

_IN_TEXT = re.compile(rb'["\\]')
_OUTSIDE_TEXT = re.compile(rb'["{}\]]')


class _Loss(Exception):
    """The answer has ended in the middle, or is another one."""


def _streamed(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """However long it takes, as long as something comes."""
    try:
        yield from _chunks(response, float("inf"))
    except (OSError, http.client.HTTPException) as error:
        raise _Loss() from error


def _loads(text: bytes) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _Loss() from error


def _passing(place: int, results: Iterator[Result]) -> Iterator[Result]:
    for at, result in enumerate(results):
        if at >= place:
            yield result


def _objects_in(chunks: Iterator[bytes]) -> Iterator[Result]:
    """The objects of JSON Lines, or of one array: a job whose results came all at once may have no lines."""
    # What has come of an object: one text that grows would be copied with each chunk.
    pieces: List[bytes] = []
    # Where to look on: in the next chunk, if a backslash ends this one.
    at = depth = 0
    is_text = False
    is_array: Optional[bool] = None
    for chunk in chunks:
        start = 0
        if is_array is None and chunk.strip():
            is_array = chunk.lstrip().startswith(b"[")
            if not is_array and not chunk.lstrip().startswith(b"{"):
                raise _Loss() from ValueError("these are no results")
        while True:
            mark = (_IN_TEXT if is_text else _OUTSIDE_TEXT).search(chunk, at)
            if mark is None:
                break
            sign = mark.group()
            # A backslash takes its next character with it.
            at = mark.end() + (sign == b"\\")
            if sign == b'"':
                is_text = not is_text
            elif sign == b"{":
                if depth == 0:
                    start = mark.start()
                depth += 1
            elif sign == b"}":
                depth -= 1
                if depth == 0:
                    found = b"".join([*pieces, chunk[start:at]])
                    pieces = []
                    yield cast(Result, _loads(found))
            elif sign == b"]" and depth == 0:
                is_array = False
        if depth > 0:
            pieces.append(chunk[start:])
        at = max(at - len(chunk), 0)
    if depth > 0 or is_array:
        raise _Loss() from EOFError("the results end in the middle")


# Webhooks.

_TOLERANCE_SECONDS = 300
#: Of larger ones it is not worth the time to find out what was done to them.
_EXAMINED_MAX_BYTES = 1024 * 1024
#: How a body begins that nobody has touched.
_BEGINNING = '{"type":"job.'
#: A repeated header arrives joined by commas.
_SIGNATURE = re.compile(r"(?:^|[\s,])(v\d\w*),([^\s,]+)", re.ASCII)
#: Of HMAC with SHA-256.
_SIGNATURE_BYTES = 32
_RAW = "take the bytes as they came: request.get_data() in Flask, request.body in Django, await request.body() in FastAPI"
#: Serializers may sort the members of an object; these were written in this order.
_MEMBERS = (
    "type timestamp data job_id status model_id total_tasks completed_tasks failed_tasks created_at updated_at "
    "finished_at expires_at queued_until submissions metadata results results_url error"
).split()

_Headers = Union[Mapping[str, Any], Iterable[Tuple[Any, Any]]]


def verify_webhook(
    body: Union[bytes, bytearray, str],
    headers: _Headers,
    secrets: Union[str, Sequence[str]],
    *,
    tolerance_seconds: float = _TOLERANCE_SECONDS,
    now: Optional[float] = None,
) -> WebhookEvent:
    """Verifies a webhook.

    :param body: as it came: the bytes or the text, not parsed
    :param headers: of the request, with names in any case; or a WSGI environment
    :param secrets: the client's `whsec_…`; several while it is being changed
    :param tolerance_seconds: how far the time of the signature may be from now
    :param now: Unix seconds, by default those of the clock
    :returns: the event
    :raises WebhookError: whose `reason` and message say why it is refused
    """
    keys = _keys_of(secrets)
    content = _bytes_of(body)
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    webhook_id, timestamp, listed = (_header_of(headers, name) for name in names)
    signatures = _signatures_in(listed)

    def is_signed(candidate: bytes) -> bool:
        signed = f"{webhook_id}.{timestamp}.".encode("utf-8", "replace") + candidate
        digests = [hmac.new(key, signed, hashlib.sha256).digest() for key in keys]
        return any([hmac.compare_digest(digest, each) for digest in digests for each in signatures])

    if not is_signed(content):
        raise _mismatch(content, len(keys), is_signed)
    # Only of a signature that is right can a time be trusted to be its own.
    _check_time(timestamp, time.time() if now is None else now, tolerance_seconds)
    try:
        event = json.loads(content)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise WebhookError("not_an_event", "The signature is right, but the body is not a JSON object")
    return cast(WebhookEvent, event)


def _keys_of(secrets: Union[str, Sequence[str]]) -> List[bytes]:
    listed = [secrets] if isinstance(secrets, (str, bytes)) or not secrets else list(secrets)
    count = len(listed)
    names = [f"Secret {place} of {count}" if count > 1 else "The secret" for place in range(1, count + 1)]
    return [_key_of(secret, name) for secret, name in zip(listed, names)]


def _key_of(secret: object, name: str) -> bytes:
    if not secret:
        raise WebhookError("secret_missing", f"{name} is missing: is the variable set that it is read from?")
    text = secret.strip() if isinstance(secret, str) else ""
    encoded = re.fullmatch(r"whsec_([\w+/-]+)=*", text, re.ASCII)
    key = _from_base64(encoded.group(1)) if encoded else None
    if key:
        return key
    what = "is a client key" if text.startswith("msj_") else "is not whsec_ and base64"
    raise WebhookError(
        "secret_malformed",
        f"{name} {what}: take it as it was shown with the client key, whsec_ included and without quotes",
    )


def _bytes_of(body: object) -> bytes:
    if isinstance(body, (bytes, bytearray, memoryview)) and len(body) > 0:
        return bytes(body)
    if isinstance(body, str) and body:
        return body.encode("utf-8", "surrogatepass")
    if body is None or isinstance(body, (bytes, bytearray, memoryview, str)):
        raise WebhookError(
            "body_missing", "The body is empty: something has read it before, such as a middleware"
        )
    if inspect.isawaitable(body):
        what = "was not awaited: write await request.body()"
    elif hasattr(body, "read"):
        what = "is a stream: read as many bytes of it as the header content-length says"
    else:
        what = f"is a {type(body).__name__}: it was parsed before. The signature is over the text as it came: {_RAW}"
    raise WebhookError("body_parsed", f"The body {what}")


def _header_of(headers: _Headers, name: str) -> str:
    pairs = headers.items() if hasattr(headers, "items") else headers or ()
    for each, value in cast(Iterable[Tuple[Any, Any]], pairs):
        # ASGI has bytes, and WSGI has HTTP_WEBHOOK_ID.
        known = each.decode("latin-1") if isinstance(each, bytes) else str(each)
        if known.lower().replace("_", "-") not in (name, f"http-{name}"):
            continue
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        text = " ".join(map(str, text)) if isinstance(text, (list, tuple)) else text
        if text:
            return str(text)
    raise WebhookError(
        "header_missing",
        f"The header {name} is missing: this is no webhook of modelstudio-jobs, or something on the way has removed it",
    )


def _signatures_in(listed: str) -> List[bytes]:
    found = _SIGNATURE.findall(listed)
    known = [_from_base64(text) for version, text in found if version == "v1"]
    readable = [signature for signature in known if signature and len(signature) == _SIGNATURE_BYTES]
    if readable:
        return readable
    if found and not known:
        raise WebhookError(
            "version_unknown", f"The webhook-signature is {found[0][0]}, and only v1 is known here"
        )
    raise WebhookError(
        "signature_malformed", "The webhook-signature is not v1, and base64: it was cut or rewritten"
    )


def _check_time(timestamp: str, now: float, tolerance_seconds: float) -> None:
    if not re.fullmatch(r"\d{1,12}", timestamp, re.ASCII):
        raise WebhookError(
            "timestamp_malformed", "The webhook-timestamp is not a number of seconds since 1970"
        )
    if not tolerance_seconds >= 0:
        raise ValueError("tolerance_seconds must be a number of seconds")
    age = int(now) - int(timestamp)
    if age > tolerance_seconds:
        raise WebhookError(
            "too_old",
            f"The webhook was signed {_spoken(age)} ago: it was held up or sent again by somebody else, or the clock "
            f"here is {_spoken(age)} fast",
        )
    if age < -tolerance_seconds:
        raise WebhookError(
            "clock_behind",
            f"The webhook was signed {_spoken(-age)} from now: the clock here is {_spoken(-age)} slow",
        )


def _spoken(seconds: int) -> str:
    amount, unit = (seconds / 60, "minute") if seconds < 7200 else (seconds / 3600, "hour")
    return f"{amount:.0f} {unit}{'' if f'{amount:.0f}' == '1' else 's'}"


def _mismatch(body: bytes, count: int, is_signed: Callable[[bytes], bool]) -> WebhookError:
    found = _misread(body, is_signed) if len(body) <= _EXAMINED_MAX_BYTES else None
    if found:
        return WebhookError(*found)
    which = "the secret" if count == 1 else f"any of the {count} secrets"
    return WebhookError(
        "signature_mismatch",
        f"The signature was not made with {which}: it was made with another secret, such as that of another client or "
        "of a deployment before, or the body, the webhook-id or the webhook-timestamp were altered on the way",
    )


def _misread(body: bytes, is_signed: Callable[[bytes], bool]) -> Optional[Tuple[str, str]]:
    """Finds out why a signature does not fit a body, as far as that can be told from the body."""
    text = body.decode("utf-8", "replace")
    for reason, sentence, original in _ORIGINALS:
        try:
            candidate = original(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if is_signed(candidate):
            return reason, sentence
    if "\ufffd" in text:
        return "body_misread", f"The body is not UTF-8 any more: it was decoded and encoded again; {_RAW}"
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return "body_misread", f"The body is not JSON: it was cut or altered; {_RAW}"
    if not text.startswith(_BEGINNING):
        why = "The body was parsed and written again, or is not of modelstudio-jobs"
        return "body_rewritten", f"{why}; {_RAW}"
    return None


def _in_order(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    event = {**value, **({"data": _sorted(value["data"])} if "data" in value else {})}
    return _sorted(event)


def _sorted(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    places = {name: place for place, name in enumerate(_MEMBERS)}
    return dict(sorted(value.items(), key=lambda item: places.get(item[0], len(places))))


def _unquoted(text: str) -> bytes:
    # One literal alone: the interpreter may not survive an expression of any length.
    if text[:2] not in ("b'", 'b"') or text[1] in re.sub(r"\\.", "", text[2:-1]):
        raise ValueError
    return cast(bytes, ast.literal_eval(text))


#: Each makes of a text what it may have been before, or raises an error if it cannot have been that.
_ORIGINALS: List[Tuple[str, str, Callable[[str], bytes]]] = [
    (
        "body_rewritten",
        f"Spaces or line breaks were added around the body; {_RAW}",
        lambda text: text.strip("\ufeff \t\r\n").encode(),
    ),
    (
        "body_rewritten",
        f"The body was parsed and written again, with other spaces, escapes or order; {_RAW}",
        lambda text: _json_of(_in_order(json.loads(text))),
    ),
    (
        "body_misread",
        "The body was made text by str(), and begins with b': use the bytes themselves, or body.decode()",
        _unquoted,
    ),
    (
        "body_misread",
        "The body is still in base64: decode it first, as the event of a Lambda function says with isBase64Encoded",
        lambda text: base64.b64decode(text, validate=True),
    ),
    (
        "body_misread",
        "The body was decoded as Latin-1, and it is UTF-8: take the bytes, or decode them as UTF-8",
        lambda text: text.encode("latin-1"),
    ),
]


def _from_base64(text: str) -> Optional[bytes]:
    standard = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
