"""A stand-in for an LLM provider that answers as that of the Rust tests: the score is the text between `<<` and `>>`.

So runs that were begun under the program that made a sample end the same under the tests. Listens on a port of its own
for each version, since a stored key goes to the address that it was entered for and to no other.
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Below the ports that systems give out by themselves.
FIRST_PORT = 18_470
TEMPLATE = "<<{{ metadata.turn }}>> The question: {{ input }} The answer: {{ output }}"


class StandIn:
    """Serves from threads of this process until `stop`."""

    def __init__(self, version: int) -> None:
        self.refuse_odd = False
        self.refuse_key = False
        self.seconds = 0.0
        port = FIRST_PORT + version
        self.url = f"http://127.0.0.1:{port}/v1"
        self.server = Listener(("127.0.0.1", port), _handler(self))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Frees the port."""
        self.server.shutdown()
        self.server.server_close()

    def answer(self, prompt: str) -> tuple[int, dict[str, Any]]:
        """Status and body."""
        time.sleep(self.seconds)
        text = prompt.split("<<", 1)[1].split(">>", 1)[0]
        if self.refuse_key:
            return 401, {"error": {"message": "told to answer 401"}}
        if self.refuse_odd and int(text) % 2:
            return 400, {"error": {"message": "told to answer 400"}}
        content = json.dumps({"score": json.loads(text), "explanation": f"It says {text}."})
        choice = {"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        return 200, {"choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 10}}


class Listener(ThreadingHTTPServer):
    """One thread a connection; a caller that goes away before its answer is no fault."""

    def handle_error(self, *_: object) -> None:
        """Says nothing."""


def _handler(provider: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802, the name that the standard library asks for
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, answer = provider.answer(body["messages"][0]["content"])
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler
