import base64
import hashlib
import hmac
import io
import json
import sys
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "clients/python"))

from modelstudio_jobs import WebhookError, verify_webhook

CORPUS = ROOT / "test/core/corpus"
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = 1_767_225_600
MINUTE = 60
EVENT = {
    "type": "job.completed",
    "timestamp": "2026-01-01T00:00:00.000Z",
    "data": {"job_id": "job_1", "status": "completed", "metadata": {"b": "1", "a": "é 😀"}, "results": None},
}
BODY = json.dumps(EVENT, ensure_ascii=False, separators=(",", ":")).encode()


def signature(body=BODY, secret=SECRET, at=NOW, id="msg_1"):
    key = base64.b64decode(secret[len("whsec_") :])
    return (
        "v1,"
        + base64.b64encode(hmac.new(key, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()).decode()
    )


def headers(body=BODY, secret=SECRET, at=NOW, **change):
    named = {"id": "msg_1", "timestamp": str(at), "signature": signature(body, secret, at), **change}
    return {f"Webhook-{name.title()}": value for name, value in named.items() if value is not None}


async def not_awaited():
    return BODY


class Accepting(unittest.TestCase):
    def verify(self, body=BODY, given=None, secrets=SECRET, now=NOW):
        self.assertEqual(verify_webhook(body, headers() if given is None else given, secrets, now=now), EVENT)

    def test_the_signatures_of_the_test_vectors(self):
        for vector in json.loads((CORPUS / "webhook-signatures.json").read_text("utf8")):
            at, body = vector["timestamp"], vector["body"]
            given = {
                "webhook-id": vector["id"],
                "webhook-timestamp": str(at),
                "webhook-signature": vector["signature"],
            }
            if body:
                for form in (body, body.encode()):
                    self.assertEqual(verify_webhook(form, given, vector["secret"], now=at), json.loads(body))
            else:
                self.assertRaisesRegex(
                    WebhookError, "body is empty", verify_webhook, body, given, vector["secret"], now=at
                )

    def test_a_secret_of_a_client_and_not_the_one_that_it_comes_from(self):
        for case in json.loads((CORPUS / "webhook-client-secrets.json").read_text("utf8")):
            given = headers(secret=case["secret"])
            self.verify(given=given, secrets=case["secret"])
            self.assertRaisesRegex(
                WebhookError, "another secret", verify_webhook, BODY, given, case["root"], now=NOW
            )

    def test_headers_as_each_framework_has_them(self):
        lower = {name.lower(): value for name, value in headers().items()}
        self.verify(given=lower)
        self.verify(given={f"HTTP_{name.upper().replace('-', '_')}": value for name, value in lower.items()})
        self.verify(given=[(name.encode(), value.encode()) for name, value in lower.items()])
        self.verify(given={name: [value] for name, value in lower.items()})

    def test_one_of_several_signatures_or_secrets(self):
        second = signature(secret=OTHER)
        for listed in (
            f"{second} {signature()}",
            f"{signature()} {second}",
            f"v1a,c2hvcnQ= {signature()}",
            f"{second}, {signature()}",
        ):
            self.verify(given=headers(signature=listed))
        self.verify(secrets=[OTHER, SECRET])
        self.verify(secrets=f" {SECRET.rstrip('=')}\n")

    def test_text_and_a_clock_that_is_four_minutes_off(self):
        self.verify(body=BODY.decode())
        self.verify(body=bytearray(BODY))
        for minutes in (-4, 4):
            self.verify(now=NOW + minutes * MINUTE)


class Refusing(unittest.TestCase):
    def test_a_tolerance_that_is_no_number_does_not_let_everything_through(self):
        with self.assertRaisesRegex(ValueError, "tolerance_seconds must be"):
            verify_webhook(BODY, headers(), SECRET, now=NOW, tolerance_seconds=float("nan"))

    def test_says_what_is_wrong(self):
        coroutine = not_awaited()
        nonsense = b'{"type":"job.completed"'
        rewritten = "was parsed and written again"
        for what, reason, words, body, given, secrets, late in [
            ("request.json of Flask", "body_parsed", "is a dict: it was parsed before", EVENT, {}, SECRET, 0),
            ("an empty object", "body_parsed", "is a dict", {}, {}, SECRET, 0),
            ("not awaited", "body_parsed", "was not awaited", coroutine, {}, SECRET, 0),
            ("a stream", "body_parsed", "is a stream", io.BytesIO(BODY), {}, SECRET, 0),
            ("read before", "body_missing", "is empty", b"", {}, SECRET, 0),
            ("none", "body_missing", "is empty", None, {}, SECRET, 0),
            (
                "written again",
                "body_rewritten",
                f"{rewritten}, with other spaces",
                json.dumps(EVENT),
                {},
                SECRET,
                0,
            ),
            ("sorted", "body_rewritten", rewritten, json.dumps(EVENT, sort_keys=True), {}, SECRET, 0),
            ("of other numbers", "body_rewritten", rewritten, json.dumps({**EVENT, "x": 1}), {}, SECRET, 0),
            (
                "a line break",
                "body_rewritten",
                "Spaces or line breaks were added",
                BODY + b"\n",
                {},
                SECRET,
                0,
            ),
            ("str()", "body_misread", "was made text by str()", str(BODY), {}, SECRET, 0),
            ("base64", "body_misread", "still in base64", base64.b64encode(BODY), {}, SECRET, 0),
            ("Latin-1", "body_misread", "as Latin-1", BODY.decode("latin-1"), {}, SECRET, 0),
            (
                "replaced",
                "body_misread",
                "is not UTF-8 any more",
                BODY.decode("ascii", "replace"),
                {},
                SECRET,
                0,
            ),
            ("cut", "body_misread", "is not JSON: it was cut", BODY[:-9], {}, SECRET, 0),
            ("altered", "signature_mismatch", "altered", BODY.replace(b"job_1", b"job_2"), {}, SECRET, 0),
            ("another id", "signature_mismatch", "webhook-id", BODY, {"id": "msg_2"}, SECRET, 0),
            (
                "another secret",
                "signature_mismatch",
                "with the secret: it was made with another secret",
                BODY,
                {},
                OTHER,
                0,
            ),
            ("two others", "signature_mismatch", "any of the 2 secrets", BODY, {}, [OTHER, OTHER], 0),
            ("a client key", "secret_malformed", "is a client key", BODY, {}, "msj_a_b", 0),
            ("without its prefix", "secret_malformed", "is not whsec_ and base64", BODY, {}, SECRET[6:], 0),
            ("in quotes", "secret_malformed", "without quotes", BODY, {}, f'"{SECRET}"', 0),
            ("no base64", "secret_malformed", "base64", BODY, {}, "whsec_a", 0),
            ("no secret", "secret_missing", "is the variable set", BODY, {}, None, 0),
            ("no secrets", "secret_missing", "The secret is missing", BODY, {}, [], 0),
            ("an empty one", "secret_missing", "Secret 1 of 2 is missing", BODY, {}, ["", SECRET], 0),
            ("one of two", "secret_malformed", "Secret 2 of 2 is not", BODY, {}, [SECRET, "a"], 0),
            (
                "no header",
                "header_missing",
                "header webhook-signature is missing",
                BODY,
                {"signature": None},
                SECRET,
                0,
            ),
            ("no id", "header_missing", "header webhook-id is missing", BODY, {"id": None}, SECRET, 0),
            (
                "a later version",
                "version_unknown",
                "is v2, and only v1",
                BODY,
                {"signature": "v2,AAAA"},
                SECRET,
                0,
            ),
            (
                "a cut signature",
                "signature_malformed",
                "not v1, and base64",
                BODY,
                {"signature": "v1,A"},
                SECRET,
                0,
            ),
            (
                "a short signature",
                "signature_malformed",
                "cut or rewritten",
                BODY,
                {"signature": "v1,AAAA"},
                SECRET,
                0,
            ),
            ("nested", "body_misread", "not JSON", "[" * 50_000 + "]" * 50_000, {}, SECRET, 0),
            (
                "no signature",
                "signature_malformed",
                "cut or rewritten",
                BODY,
                {"signature": "sha256=é"},
                SECRET,
                0,
            ),
            ("a fast clock", "too_old", "here is 9 minutes fast", BODY, {}, SECRET, 9 * MINUTE),
            ("a slow clock", "clock_behind", "here is 9 minutes slow", BODY, {}, SECRET, -9 * MINUTE),
            ("an old one", "too_old", "signed 25 hours ago", BODY, {}, SECRET, 25 * 60 * MINUTE),
            (
                "a time that is none",
                "timestamp_malformed",
                "not a number of seconds",
                BODY,
                headers(at="abc"),
                SECRET,
                0,
            ),
            ("no object", "not_an_event", "not a JSON object", nonsense, headers(nonsense), SECRET, 0),
        ]:
            with self.subTest(what):
                whole = given if "Webhook-Id" in given else headers(**given)
                with self.assertRaises(WebhookError) as raised:
                    verify_webhook(body, whole, secrets, now=NOW + late)
                self.assertEqual(raised.exception.reason, reason)
                self.assertIn(words, str(raised.exception))
                self.assertNotIn(SECRET[8:], str(raised.exception))
        coroutine.close()

    def test_costs_no_more_whatever_a_stranger_sends(self):
        for what, body, given in [
            ("digits in the signature", BODY, {"signature": "v" + "1" * 60_000}),
            ("an expression that begins as str() of bytes does", "b''" + "[0]" * 300_000, {}),
        ]:
            with self.subTest(what):
                began = time.process_time()
                self.assertRaises(WebhookError, verify_webhook, body, headers(**given), SECRET, now=NOW)
                self.assertLess(time.process_time() - began, 0.5)


if __name__ == "__main__":
    unittest.main()
