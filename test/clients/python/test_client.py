import datetime
import io
import json
import logging
import os
import pickle
import re
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "clients/python"), str(Path(__file__).parent)]

import modelstudio_jobs as library
from modelstudio_jobs import ApiConnectionError, ApiError, JobError, ModelStudioJobsClient, StillRunningError
from scripted import CUT, DONE, JOB, SILENCE, Clock, answer, problem, serving

KEY = "msj_abc_SECRET"
#: Reading the certificates takes most of the time of making a client.
CONTEXT = library.ssl.create_default_context()
REQUEST = {"model_id": "m", "messages": [[{"role": "user", "content": "é 😀"}]]}
ACCEPTED = answer(202, JOB)
RESULTS = [
    {"task_index": i, "status": "completed", "result": f'"}}]\\ {{é 😀 {i}', "error": None} for i in range(3)
]
LINES = b"".join(json.dumps(result, ensure_ascii=False).encode() + b"\n" for result in RESULTS)


class ClientTest(unittest.TestCase):
    def setUp(self):
        logging.disable(logging.CRITICAL)
        self.clock = Clock()
        patch = mock.patch.object(library, "time", self.clock)
        patch.start()
        self.addCleanup(patch.stop)

    def client(self, server, **options):
        return ModelStudioJobsClient(server.url, KEY, context=CONTEXT, **options)

    def serve(self, *script):
        context = serving(*script)
        self.addCleanup(context.__exit__, None, None, None)
        return context.__enter__()


class Submitting(ClientTest):
    def test_repeats_what_may_pass_with_the_same_key_and_body(self):
        server = self.serve(
            problem(409, "submission_in_progress", headers={"retry_after": "1"}),
            answer(429, {"message": "Too Many Requests"}),
            problem(503, "modelstudio_unavailable", headers={"retry_after": "2.5"}),
            problem(500, "internal_error"),
            answer(502, b"<html>Bad Gateway</html>"),
            answer(504, {"message": "Endpoint request timed out"}),
            CUT,
            answer(202, b'{"job_id": "jo', content_length="1000"),
            ACCEPTED,
        )
        self.assertEqual(self.client(server).submit(REQUEST)["job_id"], "job_1")
        self.assertEqual(len(server.seen), 9)
        self.assertEqual(len({headers["idempotency-key"] for _, headers, _ in server.seen}), 1)
        self.assertEqual({body for _, _, body in server.seen}, {server.seen[0][2]})
        self.assertEqual(json.loads(server.seen[0][2]), REQUEST)
        self.assertTrue(
            1 <= self.clock.slept[0] <= 1.1 and 2.5 <= self.clock.slept[2] <= 2.75, self.clock.slept
        )

    def test_each_submission_has_a_key_of_its_own_unless_one_is_given(self):
        server = self.serve(ACCEPTED)
        client = self.client(server)
        client.submit(REQUEST)
        client.submit(REQUEST)
        client.submit(REQUEST, idempotency_key="order-1")
        keys = [headers["idempotency-key"] for _, headers, _ in server.seen]
        self.assertEqual(len(set(keys)), 3)
        self.assertEqual(keys[2], "order-1")
        for key in ("", "a,b", "a\n", "é"):
            with self.assertRaisesRegex(ValueError, "idempotency_key must be"):
                client.submit(REQUEST, idempotency_key=key)

    def test_what_the_request_becomes_meanwhile_does_not_go_out(self):
        request = {**REQUEST, "metadata": {"a": "1"}}

        def change(_handler, _body):
            request["metadata"]["a"] = "2"
            return answer(429)

        server = self.serve(change, ACCEPTED)
        self.client(server).submit(request)
        self.assertEqual([json.loads(body)["metadata"]["a"] for _, _, body in server.seen], ["1", "1"])

    def test_does_not_repeat_what_is_decided(self):
        for status, code in [
            (400, "invalid_request"),
            (401, "unauthenticated"),
            (403, "insufficient_scope"),
            (404, "model_not_found"),
            (409, "job_deleted"),
            (413, "too_large"),
            (422, "idempotency_key_reused"),
            (429, "too_many_uploads"),
            (502, "modelstudio_rejected"),
            (502, "modelstudio_refused"),
        ]:
            faults = [{"pointer": "/messages", "message": "Must be nested"}]
            server = self.serve(problem(status, code, errors=faults))
            with self.assertRaises(ApiError) as raised:
                self.client(server).submit(REQUEST, idempotency_key="k")
            error = raised.exception
            self.assertEqual(len(server.seen), 1, code)
            self.assertEqual((error.status, error.code, error.request_id), (status, code, "r-1"))
            self.assertEqual(error.problem["errors"], faults)
            self.assertEqual(error.idempotency_key, "k")
            self.assertEqual(
                str(error),
                f"{status} {code}: That did not work: /messages: Must be nested (POST /v1/jobs, request id r-1)",
            )

    def test_follows_an_unknown_outcome_to_its_job(self):
        failed = {
            **DONE,
            "status": "failed",
            "error": {"code": "submission_unknown", "message": "Nobody knows."},
        }
        server = self.serve(problem(504, "submission_unknown", job_id="job_1"), answer(200, failed))
        self.assertEqual(self.client(server).submit(REQUEST)["status"], "failed")
        self.assertEqual([what for what, _, _ in server.seen], ["POST /v1/jobs", "GET /v1/jobs/job_1"])

    def test_an_unknown_outcome_keeps_its_job_and_key_if_the_look_at_it_fails(self):
        unknown = problem(504, "submission_unknown", job_id="job_1")
        for look, why in [(CUT, "No answer to GET"), (problem(403, "insufficient_scope"), "403")]:
            with self.assertRaises(ApiError) as raised:
                self.client(self.serve(unknown, look)).submit(REQUEST, idempotency_key="order-1")
            error = raised.exception
            self.assertEqual((error.code, error.idempotency_key), ("submission_unknown", "order-1"))
            self.assertEqual(error.problem["job_id"], "job_1")
            self.assertRegex(str(error.__cause__), f"^{why}")

    def test_gives_up_at_the_deadline(self):
        waits = [("9999999999", 1), ("Fri, 31 Dec 9999 23:59:59 GMT", 1), ("20", 6), ("9" * 400, 1)]
        for retry_after, calls in waits:
            server = self.serve(problem(503, "modelstudio_unavailable", headers={"retry_after": retry_after}))
            with self.assertRaises(ApiError) as raised:
                self.client(server).submit(REQUEST)
            self.assertEqual(raised.exception.status, 503)
            self.assertTrue(calls - 1 <= len(server.seen) <= calls, (retry_after, len(server.seen)))
        server = self.serve(CUT)
        with self.assertRaisesRegex(
            ConnectionError, r"No answer to POST /v1/jobs, attempt \d+: Remote end closed"
        ):
            self.client(server, deadline_seconds=10).submit(REQUEST)
        self.assertTrue(3 < len(server.seen) < 12)

    def test_a_silent_server_is_given_up_and_asked_again(self):
        server = self.serve(SILENCE, ACCEPTED)
        with mock.patch.object(library, "_ANSWER_SECONDS", 0.2):
            self.client(server).submit(REQUEST)
        self.assertGreaterEqual(len(server.seen), 2)

    def test_many_threads_share_a_client(self):
        server = self.serve(
            lambda _handler, body: answer(202, {**JOB, "job_id": json.loads(body)["model_id"]})
        )
        client = self.client(server)
        with ThreadPoolExecutor(16) as threads:
            jobs = list(
                threads.map(lambda i: client.submit({**REQUEST, "model_id": f"m{i}"})["job_id"], range(60))
            )
        self.assertEqual(jobs, [f"m{i}" for i in range(60)])
        self.assertEqual(len({headers["idempotency-key"] for _, headers, _ in server.seen}), 60)

    def test_an_interrupt_ends_it(self):
        server = self.serve(answer(503))
        with mock.patch.object(self.clock, "sleep", side_effect=KeyboardInterrupt):
            self.assertRaises(KeyboardInterrupt, self.client(server).submit, REQUEST)
        self.assertEqual(len(server.seen), 1)

    def test_says_what_is_wrong_with_the_url_or_the_key(self):
        for url, key, words in [
            ("api.example.com", KEY, "url must be where the API is"),
            ("", KEY, "url must be where"),
            ("https://a b", KEY, "url must be where"),
            ("https://a.b:port", KEY, "url must be where"),
            ("https://a.b:99999", KEY, "url must be where"),
            ("https://a..b", KEY, "url must be where"),
            ("https://[::1", KEY, "url must be where"),
            ("https://a.b/é", KEY, "url must be where"),
            ("https://user:pw@example.com", KEY, "without a user"),
            ("https://example.com", "", "key is missing"),
            ("https://example.com", None, "key is missing"),
            ("https://example.com", "whsec_AAAA", "key is a webhook secret"),
            ("https://example.com", f"{KEY}\n", "line breaks"),
            ("https://example.com", f"Bearer {KEY}", "msj_"),
        ]:
            with self.assertRaisesRegex(ValueError, words) as raised:
                ModelStudioJobsClient(url, key)
            self.assertNotIn("SECRET", str(raised.exception))
        with self.assertRaisesRegex(ValueError, "deadline_seconds must be"):
            ModelStudioJobsClient("https://a.b", KEY, deadline_seconds=float("nan")).get("job_1")
        for end in ("/", "/v1", "/v1/jobs", "/v1/"):
            self.assertEqual(
                repr(ModelStudioJobsClient(f"https://a.b{end}", KEY)),
                "ModelStudioJobsClient('https://a.b', 'msj_…')",
            )

    def test_what_is_not_of_the_api_becomes_a_sentence_without_the_key(self):
        for told, words in [
            (
                answer(200, b"<html>Hello</html>", content_type="text/html"),
                "200 with text/html, which is not JSON",
            ),
            (answer(200, {"status": "ok"}), "is not a job: is the URL right?"),
            (answer(200, [1]), "is not a job"),
            (answer(403, f"<h1>no\n {KEY}</h1>".encode()), "403 <h1>no msj_…</h1>"),
            (answer(404, b'"text"'), '404 "text"'),
            (answer(400, {"message": None}), "400 "),
            (
                answer(301, b"", location="https://other.example/?token=x"),
                "301 .* to https://other.example/ ",
            ),
            (answer(405), "405 Method Not Allowed"),
        ]:
            with self.assertRaisesRegex(library.ModelStudioJobsError, words) as raised:
                self.client(self.serve(told)).get("job_1")
            self.assertNotIn("SECRET", f"{raised.exception!r}")

    def test_an_answer_of_something_else_is_said_for_each_call(self):
        for call, what in [
            (lambda client: list(client.list()), "a list of jobs"),
            (lambda client: client.deliveries("job_1"), "a list of deliveries"),
            (lambda client: client.redeliver_all("gone"), "a count"),
            (lambda client: client.upload(b"x", format="json", deadline_seconds=None), "an upload"),
            (lambda client: client.results("job_1"), "results"),
        ]:
            for told in ({}, None, "jobs"):
                server = self.serve(answer(200, told), answer(404))
                with self.assertRaisesRegex(library.ModelStudioJobsError, f"is not {what}: is the URL right"):
                    call(self.client(server))
                self.assertEqual(len(server.seen), 1)

    def test_what_is_raised_can_be_pickled(self):
        refused = self.serve(problem(404, "not_found"))
        failed = self.serve(answer(200, {**DONE, "status": "failed"}))
        for call in [
            lambda: self.client(refused).get("a"),
            lambda: self.client(failed).run(REQUEST),
            lambda: self.client(self.serve(answer(200, JOB))).wait("a", deadline_seconds=0),
            lambda: library.verify_webhook(b"{}", {}, "whsec_AAAA"),
        ]:
            with self.assertRaises(library.ModelStudioJobsError) as raised:
                call()
            copy = pickle.loads(pickle.dumps(raised.exception))
            self.assertEqual(
                (type(copy), str(copy), vars(copy)),
                (type(raised.exception), str(raised.exception), vars(raised.exception)),
            )

    def test_goes_through_a_proxy_of_the_environment(self):
        proxy = self.serve(ACCEPTED)
        with mock.patch.dict(os.environ, {"http_proxy": proxy.url, "no_proxy": ""}):
            client = ModelStudioJobsClient("http://api.example", KEY)
        client.submit(REQUEST)
        self.assertEqual(proxy.seen[0][0], "POST http://api.example/v1/jobs")


class RetryAfter(unittest.TestCase):
    def test_is_read_in_each_form(self):
        date = "Fri, 27 Nov 2026 12:00:00 GMT"
        for text, seconds in [
            ("3", 3),
            (" 0.25 ", 0.25),
            ("0", 0),
            ("-5", None),
            ("soon", None),
            ("", None),
            ("nan", None),
            ("3.", 3),
            (".5", 0.5),
            ("Fri, 27 Nov 2026 12:00:30 GMT", 30),
            ("Friday, 27-Nov-26 12:00:30 GMT", 30),
            ("Fri Nov 27 12:00:30 2026", 30),
            ("Fri, 27 Nov 2026 13:00:30 +0100", 30),
            ("Fri, 27 Nov 2026 11:00:00 GMT", 0),
        ]:
            headers = library.http.client.HTTPMessage()
            headers["Retry-After"] = text
            headers["Date"] = date
            self.assertEqual(library._retry_after_in(headers), seconds, text)


class Waiting(ClientTest):
    def test_asks_as_often_as_the_api_says_until_the_job_has_ended(self):
        server = self.serve(
            answer(200, JOB, retry_after="7"),
            problem(503, "job_unavailable"),
            CUT,
            answer(200, {**DONE, "status": "new-word"}),
        )
        seen = []
        self.assertEqual(self.client(server).wait("job_1", on_progress=seen.append)["status"], "new-word")
        self.assertEqual([job["status"] for job in seen], ["running", "new-word"])
        self.assertTrue(7 <= self.clock.slept[0] <= 7.7)

    def test_makes_no_busy_loop_and_no_wait_of_days(self):
        for retry_after, least, most in [("0", 0.5, 0.55), ("9999999", 900, 990)]:
            server = self.serve(answer(200, JOB, retry_after=retry_after), answer(200, DONE))
            self.client(server).wait("job_1")
            self.assertTrue(least <= self.clock.slept[-1] <= most, self.clock.slept)

    def test_a_refusal_ends_it_at_once(self):
        for status, code in [(401, "unauthenticated"), (404, "not_found")]:
            server = self.serve(problem(status, code))
            self.assertRaises(ApiError, self.client(server).wait, "job_1")
            self.assertEqual(len(server.seen), 1)

    def test_ends_at_its_deadline_with_the_job(self):
        server = self.serve(answer(200, JOB, retry_after="9999999999"))
        with self.assertRaisesRegex(
            TimeoutError, "job_1 is still running at the deadline, with 1 of 3"
        ) as raised:
            self.client(server).wait("job_1", deadline_seconds=60)
        self.assertEqual(raised.exception.job["job_id"], "job_1")
        self.assertIsInstance(raised.exception, StillRunningError)
        self.assertLess(sum(self.clock.slept), 61)

    def test_run_gives_the_results_or_raises_with_the_job(self):
        server = self.serve(ACCEPTED, answer(200, {**DONE, "results": RESULTS}))
        self.assertEqual(self.client(server).run(REQUEST)["results"], RESULTS)
        for status in ("failed", "cancelled", "expired"):
            error = {"code": "modelstudio_job_failed", "message": "CUDA out of memory"}
            server = self.serve(ACCEPTED, answer(200, {**DONE, "status": status, "error": error}))
            with self.assertRaises(JobError) as raised:
                self.client(server).run(REQUEST)
            self.assertEqual(
                str(raised.exception), f"job_1 is {status}, modelstudio_job_failed: CUDA out of memory"
            )
            self.assertEqual(raised.exception.job["status"], status)
        details = [{"line": 2, "message": "Too long"}, {"pointer": "", "message": "Empty"}]
        error = {"code": "invalid_input", "message": "Not valid.", "details": details}
        server = self.serve(ACCEPTED, answer(200, {**DONE, "status": "failed", "error": error}))
        with self.assertRaisesRegex(JobError, "invalid_input: Not valid. line 2: Too long; file: Empty$"):
            self.client(server).run(REQUEST)

    def test_the_deadline_of_run_holds_for_its_results_too(self):
        server = self.serve(answer(202, DONE), answer(503))
        with self.assertRaisesRegex(ApiError, "^503 .*/results"):
            self.client(server).run(REQUEST, deadline_seconds=9)
        self.assertTrue(1 < sum(self.clock.slept) < 9, self.clock.slept)
        server = self.serve(
            ACCEPTED, answer(200, JOB, retry_after="60"), answer(200, DONE), CUT, answer(200, RESULTS)
        )
        self.assertEqual(self.client(server).run(REQUEST, deadline_seconds=9)["results"], RESULTS)


class Results(ClientTest):
    def link(self, store):
        return answer(
            200, {"url": f"{store.url}/large?X-Amz-Signature=s", "expires_at": "2026-01-01T00:00:00Z"}
        )

    def test_come_from_wherever_they_lie_and_the_key_goes_to_the_api_alone(self):
        lines = answer(200, LINES, content_type="application/jsonl")
        array = answer(200, RESULTS)
        for kept in (lines, array, answer(200, b" [\n" + json.dumps(RESULTS).encode()[1:-1] + b"\n]\n")):
            store = self.serve(kept)
            api = self.serve(self.link(store))
            self.assertEqual(self.client(api).results("job_1"), RESULTS)
            self.assertEqual(api.seen[0][0], "GET /v1/jobs/job_1/results?redirect=false")
            self.assertEqual(api.seen[0][1]["authorization"], f"Bearer {KEY}")
            self.assertIsNone(store.seen[0][1]["authorization"])
        for told in (lines, array):
            self.assertEqual(self.client(self.serve(told)).results("job_1"), RESULTS)
        self.assertEqual(list(library._objects_in(iter([b"[", b"]"]))), [])

    def test_any_cut_between_chunks_is_the_same(self):
        for text in (LINES, json.dumps(RESULTS, ensure_ascii=False).encode()):
            for size in (1, 2, 3, 7, 64):
                chunks = [text[at : at + size] for at in range(0, len(text), size)]
                self.assertEqual(list(library._objects_in(iter(chunks))), RESULTS)

    def test_go_on_where_a_connection_was_lost(self):
        first = len(LINES.split(b"\n")[0]) + 1
        for cut in (LINES[: first + 9], LINES[:first]):
            store = self.serve(answer(200, cut, content_length=str(len(LINES))), CUT, answer(200, LINES))
            api = self.serve(self.link(store))
            self.assertEqual(list(self.client(api).each_result(DONE)), RESULTS)

    def test_a_connection_that_is_always_lost_is_an_error(self):
        store = self.serve(answer(200, LINES[:200], content_length="999"))
        with self.assertRaisesRegex(ApiConnectionError, "No answer to GET /v1/jobs/job_1/results, attempt 4"):
            self.client(self.serve(self.link(store))).results("job_1")
        for text in (b"<html></html>", b"{results}"):
            store = self.serve(answer(200, text))
            with self.assertRaisesRegex(ApiConnectionError, "/results, attempt 4"):
                self.client(self.serve(self.link(store))).results("job_1")
        with self.assertRaisesRegex(ApiConnectionError, "/results, attempt 4"):
            self.client(self.serve(answer(200, b'{"url": "htt'))).results("job_1")

    def test_a_link_to_a_file_of_this_machine_is_not_opened(self):
        api = self.serve(answer(200, {"url": "file:///etc/passwd", "expires_at": ""}))
        with self.assertRaisesRegex(library.ModelStudioJobsError, "not https"):
            self.client(api).results("job_1")


class Lists(ClientTest):
    def test_go_on_over_pages_some_of_which_are_empty(self):
        server = self.serve(
            answer(200, {"jobs": [JOB], "next_cursor": "a"}),
            answer(200, {"jobs": [], "next_cursor": "b"}),
            answer(200, {"jobs": [DONE], "next_cursor": None}),
        )
        zone = datetime.timezone(datetime.timedelta(hours=2))
        since = datetime.datetime(2026, 11, 27, 14, 0, tzinfo=zone)
        self.assertEqual(list(self.client(server).list(status="running", created_after=since)), [JOB, DONE])
        first, second, third = [what for what, _, _ in server.seen]
        self.assertEqual(
            first, "GET /v1/jobs?limit=100&status=running&created_after=2026-11-27T12%3A00%3A00.000Z"
        )
        self.assertEqual((second, third), (f"{first}&cursor=a", f"{first}&cursor=b"))
        with self.assertRaisesRegex(ValueError, "created_before has no time zone"):
            self.client(server).list(created_before=datetime.datetime(2026, 1, 1))


class Uploads(ClientTest):
    DATA = b'[{"role": "user", "content": "a"}]\n' * 9000

    def told(self, store, **change):
        headers = {"content-length": str(len(self.DATA)), "if-none-match": "*"}
        return answer(
            201,
            {
                "upload_id": "up_1",
                "method": "PUT",
                "url": f"{store.url}/put?sig=s",
                "headers": headers,
                **change,
            },
        )

    def test_send_a_path_bytes_or_a_file_with_its_length_and_without_the_key(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / "data.jsonl"
        path.write_bytes(self.DATA)
        at_place = io.BytesIO(b"before" + self.DATA)
        at_place.seek(6)
        pipe = mock.Mock(spec=["read", "seekable"], read=io.BytesIO(self.DATA).read, seekable=lambda: False)
        for file, format in [
            (path, None),
            (str(path), None),
            (self.DATA, "jsonl"),
            (at_place, "jsonl"),
            (pipe, "jsonl"),
        ]:
            store = self.serve(answer(200))
            api = self.serve(self.told(store))
            self.assertEqual(self.client(api).upload(file, format=format), "up_1")
            asked = json.loads(api.seen[0][2])
            self.assertEqual((asked["bytes"], asked["format"]), (len(self.DATA), "jsonl"))
            self.assertEqual(asked["sha256"], library.hashlib.sha256(self.DATA).hexdigest())
            _, headers, body = store.seen[0]
            self.assertEqual(
                (headers["content-length"], headers["if-none-match"]), (str(len(self.DATA)), "*")
            )
            self.assertIsNone(headers["transfer-encoding"])
            self.assertIsNone(headers["authorization"])
            self.assertTrue(body == self.DATA)

    def test_send_nothing_that_is_there_already(self):
        store = self.serve(answer(412))
        self.assertEqual(
            self.client(self.serve(self.told(store, url=None))).upload(b"x", format="json"), "up_1"
        )
        self.assertEqual(store.seen, [])
        self.assertEqual(self.client(self.serve(self.told(store))).upload(self.DATA, format="json"), "up_1")

    def test_ask_again_after_a_lost_connection(self):
        store = self.serve(CUT, answer(503), answer(200))
        api = self.serve(self.told(store))
        self.assertEqual(self.client(api).upload(self.DATA, format="jsonl"), "up_1")
        self.assertTrue([body == self.DATA for _, _, body in store.seen] == [True] * 3)
        self.assertEqual(len(api.seen), 3)

    def test_say_what_cannot_be_sent(self):
        client = self.client(self.serve(answer(500)))
        self.assertRaisesRegex(TypeError, "mode 'rb'", client.upload, io.StringIO("a"), format="json")
        self.assertRaisesRegex(ValueError, "format is missing", client.upload, b"a")
        self.assertRaises(FileNotFoundError, client.upload, "none.jsonl")


class Others(ClientTest):
    def test_a_repeat_whose_first_answer_was_lost_is_no_failure(self):
        server = self.serve(CUT, problem(404, "not_found"))
        self.assertIsNone(self.client(server).delete("job_1"))
        self.assertRaises(ApiError, self.client(server).delete, "job_1")
        server = self.serve(CUT, problem(429, "too_many_redeliveries"), answer(200, DONE))
        self.assertEqual(self.client(server).redeliver("job_1"), DONE)
        server = self.serve(problem(429, "too_many_redeliveries"))
        self.assertRaises(ApiError, self.client(server).redeliver, "job_1")

    def test_redeliver_all_goes_on_until_the_end(self):
        server = self.serve(
            answer(202, {"count": 200, "next_cursor": "c"}), answer(202, {"count": 3, "next_cursor": None})
        )
        self.assertEqual(self.client(server).redeliver_all("exhausted"), 203)
        self.assertEqual([json.loads(body)["cursor"] for _, _, body in server.seen], [None, "c"])

    def test_an_id_cannot_lead_to_another_path(self):
        server = self.serve(problem(404, "not_found"))
        self.assertRaises(ApiError, self.client(server).get, "../a?b")
        self.assertEqual(server.seen[0][0], "GET /v1/jobs/..%2Fa%3Fb")


class Descriptions(unittest.TestCase):
    def test_the_types_are_those_of_the_openapi_document(self):
        document = json.loads((ROOT / "functions/jobs/openapi.json").read_text("utf8"))
        schemas = document["components"]["schemas"]
        job = schemas["Job"]["properties"]
        attempts = schemas["Deliveries"]["properties"]["deliveries"]["items"]
        failure = job["error"]["anyOf"][0]
        for kind, schema in [
            (library.Submission, schemas["Submission"]),
            (library.Result, schemas["Result"]),
            (library.Job, schemas["Job"]),
            (library.CompletedJob, schemas["Job"]),
            (library.JobData, schemas["JobData"]),
            (library.JobFailure, failure),
            (library.Fault, failure["properties"]["details"]["items"]),
            (library.Webhook, schemas["Webhook"]),
            (library.WebhookEvent, schemas["Event"]),
            (library.Delivery, attempts),
            (library.Problem, schemas["Problem"]),
        ]:
            self.assertEqual(set(kind.__annotations__), set(schema["properties"]), kind)
            self.assertEqual(set(kind.__required_keys__), set(schema.get("required", [])), kind)

    def test_the_page_has_every_call_and_every_reason(self):
        page = (ROOT / "docs/client.md").read_text("utf8")
        calls = [name for name in vars(ModelStudioJobsClient) if not name.startswith("_")]
        source = Path(library.__file__).read_text("utf8")
        reasons = re.findall(r'WebhookError\(\s*"(\w+)"|^ {8}"(body_\w+)"', source, re.MULTILINE)
        self.assertGreater(len(reasons), 10)
        for name in calls:
            self.assertIn(f"`{name}(", page)
        for name in {a or b for a, b in reasons}:
            self.assertIn(f"`{name}`", page)

    def test_the_code_of_the_pages_runs(self):
        codes = re.findall(r"```python\n(.*?)```", (ROOT / "docs/client.md").read_text("utf8"), re.DOTALL)
        short, receiver = codes
        with serving(ACCEPTED, answer(200, {**DONE, "results": RESULTS})) as server:
            environment = {"API_URL": server.url, "CLIENT_KEY": KEY}
            with mock.patch.dict(os.environ, environment), mock.patch("builtins.print") as printed:
                exec(compile(short, "docs/client.md", "exec"), {})
        printed.assert_called_once_with(RESULTS[0]["result"])
        flask = mock.Mock(request=mock.Mock(headers={}, get_data=lambda: b"{}"))
        flask.Flask().post = lambda _path: lambda function: function
        with (
            mock.patch.dict(sys.modules, flask=flask),
            mock.patch.dict(os.environ, WEBHOOK_SECRET="whsec_AAAA"),
        ):
            names = {"__name__": "app"}
            exec(compile(receiver, "docs/client.md", "exec"), names)
            self.assertEqual(names["receive"](), ("", 400))

    def test_the_version_is_that_of_the_package(self):
        package = json.loads((ROOT / "package.json").read_text("utf8"))
        self.assertEqual(library.__version__, package["version"])


if __name__ == "__main__":
    unittest.main()
