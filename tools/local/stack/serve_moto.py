"""moto's server at the Unix socket that its argument names. It says a line when it is there, and ends with its stdin."""

import sys
import threading
import time

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sqs.models import Queue
from werkzeug.serving import WSGIRequestHandler, make_server

moto = DomainDispatcherApplication(create_backend_app)


class Turns:
    """A lock that is had first come, first served, so that nobody waits until he gives up."""

    def __init__(self):
        self.condition = threading.Condition()
        self.given = self.served = 0

    def __enter__(self):
        with self.condition:
            mine = self.given
            self.given += 1
            self.condition.wait_for(lambda: self.served == mine)

    def __exit__(self, *_):
        with self.condition:
            self.served += 1
            self.condition.notify_all()


one_at_a_time = Turns()


def app(environ, start_response):
    """moto keeps nothing apart that is called at once: both of two writes on one condition would succeed."""
    with one_at_a_time:
        return moto(environ, start_response)


def wait_for_messages(queue, timeout):
    one_at_a_time.__exit__()
    time.sleep(0.05)
    one_at_a_time.__enter__()


class Handler(WSGIRequestHandler):
    def log_request(self, *_):
        pass


Queue.wait_for_messages = wait_for_messages
server = make_server("unix://" + sys.argv[1], 0, app, threaded=True, request_handler=Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
