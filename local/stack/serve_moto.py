"""moto's server at the Unix socket that its argument names. It says a line when it is there, and ends with its stdin."""

import sys
import threading
import time

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sqs.models import Queue
from werkzeug.serving import WSGIRequestHandler, make_server

moto = DomainDispatcherApplication(create_backend_app)
one_at_a_time = threading.Lock()


def app(environ, start_response):
    """moto keeps nothing apart that is called at once: both of two writes on one condition would succeed."""
    with one_at_a_time:
        return moto(environ, start_response)


def wait_for_messages(queue, timeout):
    one_at_a_time.release()
    time.sleep(0.02)
    one_at_a_time.acquire()


class Handler(WSGIRequestHandler):
    def log_request(self, *_):
        pass


Queue.wait_for_messages = wait_for_messages
server = make_server("unix://" + sys.argv[1], 0, app, threaded=True, request_handler=Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
