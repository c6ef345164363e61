"""A stand-in for an LLM provider: OpenAI's chat completions over HTTP, answering by a fixed rule, with faults on demand.

    python3 tests/harness/provider.py --port 9000 --latency-ms 50       (a process of its own; GET /control shows counts)

The rule. A prompt that is to be judged holds the row's name between `<<<unit:` and `>>>`, and the text to judge between
`<<<judged>>>` and `<<<end>>>`. The score is 1 to 5, from the SHA-256 of the judged text; the explanation is made from its
length and that hash; tokens are a quarter of the characters, rounded up. So what the server should store can be computed
without it: `verdict`. A prompt without a name is its own unit.

Faults. A hash of the unit places it in [0, 1); `faults` cuts that line into pieces (`{"busy": 0.05, …}`, in this order), and
a unit in a piece gets that fault, see `FAULTS`. So it is known beforehand which unit gets which.

Knows the wire format and nothing of the server. The HTTP is the least that a client needs (keep-alive, Content-Length):
the standard library's handler takes too long for a thousand answers a second beside the server on two cores.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from typing import Any

UNIT, UNIT_END = "<<<unit:", ">>>"
JUDGED, JUDGED_END = "<<<judged>>>", "<<<end>>>"
# What goes into `llm_config.evaluator_definition`: rows carry their name in metadata.
TEMPLATE = (
    "You judge answers.\n" + UNIT + "{{ metadata.unit }}" + UNIT_END + "\nThe question: {{ input }}\n"
    "The answer:\n" + JUDGED + "{{ output }}" + JUDGED_END
)
# Kind -> what a unit with it gets. The first five pass when asked again, the next three are answers a reader should cope
# with, the last three never become a score.
FAULTS = {
    "busy": "429 with Retry-After the first time",
    "broken": "500 the first two times",
    "dropped": "the connection is closed without an answer the first time",
    "slow": "the answer takes `slow_seconds` the first time",
    "garbled": "200 with a body that is no JSON the first time",
    "fenced": "the JSON stands in a fence",
    "prose": "the JSON stands inside prose",
    "above": "the score is 9, above the range",
    "down": "500 always",
    "refused": "400 always",
    "words": "an answer without JSON and without a number, always",
}
LOST = ("down", "refused", "words")
# Names of the choices of a select scale, and how the 1 to 5 of the rule becomes the `score` of each scale.
CHOICES = ["awful", "bad", "fair", "good", "great"]
SCALES: dict[str, Callable[[int, str], Any]] = {
    "numerical": lambda score, _: score,
    "percentage": lambda score, _: score * 20,
    "boolean": lambda score, _: score >= 3,
    "single_select": lambda score, _: CHOICES[score - 1],
    "multi_select": lambda score, _: CHOICES[:score],
    "text": lambda _, explanation: f"text: {explanation}",
    "json": lambda score, explanation: {"grade": score, "why": [explanation, None]},
}

# Status, headers, and a body: JSON, or text as it is.
Reply = tuple[int, dict[str, str], dict[str, Any] | str]


def verdict(judged: str) -> tuple[int, str]:
    """Score and explanation of a text."""
    digest = hashlib.sha256(judged.encode()).hexdigest()
    return 1 + int(digest[:8], 16) % 5, f"{len(judged)} characters, {digest[:12]}"


def expected(unit: str, judged: str, faults: dict[str, float]) -> tuple[float, str] | None:
    """Score (1 to 5) and explanation that a row should get on the numerical scale; none when it should fail."""
    fault = fault_of(unit, faults)
    if fault in LOST:
        return None
    score, explanation = verdict(judged)
    return (5.0 if fault == "above" else float(score)), explanation


def fault_of(unit: str, faults: dict[str, float]) -> str | None:
    """The fault that a unit gets."""
    place = int(hashlib.sha256(b"fault " + unit.encode()).hexdigest()[:12], 16) / 16**12
    for kind, share in faults.items():
        if place < share:
            return kind
        place -= share
    return None


def between(text: str, begin: str, end: str) -> str | None:
    """What stands between two marks: after the first begin, up to the last end of a judged text, else the next end."""
    start = text.find(begin)
    stop = text.rfind(end) if end == JUDGED_END else text.find(end, start)
    return text[start + len(begin) : stop] if start >= 0 and stop >= start else None


def tokens(text: str) -> int:
    """Tokens of a text, as this provider counts."""
    return -(-len(text) // 4)


class Provider:
    """The rule, the faults and the counts; `start` serves them from threads of this process."""

    def __init__(self, latency: float = 0.0, faults: dict[str, float] | None = None, **settings: Any) -> None:
        self.settings: dict[str, Any] = {
            "latency": latency, "faults": dict(faults or {}), "slow_seconds": 2.0, "retry_after": 1, "schema": True,
            "scale": "numerical", **settings,
        }  # fmt: skip
        assert set(self.settings["faults"]) <= set(FAULTS), self.settings["faults"]
        self.lock = threading.Lock()
        self.server: Listener | None = None
        self.url = ""
        self.reset()

    def reset(self) -> None:
        """Forgets all counts."""
        with self.lock:
            self.asked: Counter[str] = Counter()
            self.good: Counter[str] = Counter()
            self.keys: dict[str, set[str]] = {}
            self.prompts: dict[str, str] = {}
            self.models: Counter[str] = Counter()
            self.authorizations: set[str] = set()
            self.usage = Counter(prompt_tokens=0, completion_tokens=0, good_prompt_tokens=0, good_completion_tokens=0)
            self.working = self.most_working = 0
            self.busy_seconds = 0.0
            self.first = self.moved = 0.0

    def set(self, **settings: Any) -> None:
        """Changes latency, faults, …, from the next request on."""
        assert set(settings) <= set(self.settings), settings
        self.settings = {**self.settings, **settings}

    def counts(self) -> dict[str, Any]:
        """Everything counted. `busy_seconds` is the integral of requests at work from `first` to `last`."""
        with self.lock:
            return {
                "asked": dict(self.asked), "good": dict(self.good),
                "keys": {key: sorted(units) for key, units in self.keys.items()},
                "usage": dict(self.usage), "models": dict(self.models), "most_working": self.most_working,
                "working": self.working, "busy_seconds": self.busy_seconds, "seconds": self.moved - self.first,
            }  # fmt: skip

    # Serving

    def start(self, port: int = 0) -> Provider:
        """Listens and serves in the background; `url` is what goes into `base_url`."""
        self.server = Listener(("127.0.0.1", port), Connection)
        self.server.provider = self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Stops listening; connections that are open end with the process."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def __enter__(self) -> Provider:
        return self if self.server else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # Answering

    def _step(self, by: int) -> None:
        """Counts a request in or out; the lock is held."""
        now = time.monotonic()
        self.first = self.first or now
        if self.working:
            self.busy_seconds += self.working * (now - self.moved)
        self.moved = now
        self.working += by
        self.most_working = max(self.most_working, self.working)

    def answer(self, headers: dict[str, str], body: dict[str, Any]) -> Reply | None:
        """Status, headers and body of a reply; none to drop the connection."""
        prompt = "\n".join(text_of(message.get("content")) for message in body["messages"])
        unit = between(prompt, UNIT, UNIT_END) or hashlib.sha256(prompt.encode()).hexdigest()
        settings = self.settings
        with self.lock:
            self._step(+1)
            self.asked[unit] += 1
            times = self.asked[unit]
            self.keys.setdefault(headers.get("idempotency-key", ""), set()).add(unit)
            self.prompts[unit] = prompt
            self.models[str(body.get("model"))] += 1
            self.authorizations.add(headers.get("authorization", ""))
        fault = fault_of(unit, settings["faults"])
        try:
            late = fault == "slow" and times == 1
            time.sleep(settings["slow_seconds"] if late else settings["latency"])
            return self._reply(unit, prompt, body, fault, times, settings)
        finally:
            with self.lock:
                self._step(-1)

    def _reply(
        self, unit: str, prompt: str, body: dict[str, Any], fault: str | None, times: int, settings: dict[str, Any]
    ) -> Reply | None:
        form = (body.get("response_format") or {}).get("type")
        if form == "json_schema" and not settings["schema"]:
            return 400, {}, error("'response_format' of type 'json_schema' is not supported with this model.")
        if fault == "busy" and times == 1:
            return 429, {"Retry-After": str(settings["retry_after"])}, error("Rate limit reached.")
        if fault == "down" or (fault == "broken" and times <= 2):
            return 500, {}, error("The server had an error.")
        if fault == "refused":
            return 400, {}, error("This prompt is refused.")
        if fault == "dropped" and times == 1:
            return None
        if fault == "garbled" and times == 1:
            return 200, {}, "<html>The gateway is upgraded.</html>"
        judged = between(prompt, JUDGED, JUDGED_END)
        score, explanation = verdict(prompt if judged is None else judged)
        said = 9 if fault == "above" else SCALES[settings["scale"]](score, explanation)
        content = json.dumps({"score": said, "explanation": explanation})
        if fault == "fenced":
            content = f"```json\n{content}\n```"
        elif fault == "prose":
            content = f"Let me think about this answer. {content} That is what I make of it."
        elif fault == "words":
            content = "An interesting answer, on the whole."
        usage = {"prompt_tokens": tokens(prompt), "completion_tokens": tokens(content)}
        with self.lock:
            self.usage.update(usage)
            if fault != "words":
                self.good[unit] += 1
                self.usage.update({f"good_{name}": count for name, count in usage.items()})
        message = {"role": "assistant", "content": content}
        return 200, {}, {
            "id": f"chatcmpl-{unit[:20]}", "object": "chat.completion", "created": 0, "model": body.get("model"),
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {**usage, "total_tokens": sum(usage.values())},
        }  # fmt: skip

    def control(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        """GET shows the counts, POST changes settings, DELETE forgets the counts."""
        if method == "POST":
            self.set(**body)
        elif method == "DELETE":
            self.reset()
        return self.counts()


def text_of(content: Any) -> str:
    """Text of a message: a string, or its text parts."""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content or [])


def error(message: str) -> dict[str, Any]:
    """An error body as OpenAI writes it."""
    return {"error": {"message": message, "type": "test", "code": None}}


class Listener(socketserver.ThreadingTCPServer):
    """One thread a connection."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 512
    provider: Provider


class Connection(socketserver.StreamRequestHandler):
    """Requests of one connection, one after the other."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Until the other side closes, or a fault says so."""
        try:
            while self.one_request():
                pass
        except (ConnectionError, ValueError):
            pass

    def one_request(self) -> bool:
        """Reads one request and answers it; false when the connection is done."""
        first = self.rfile.readline().decode("latin-1").split()
        if len(first) != 3:
            return False
        headers = {}
        while line := self.rfile.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", 0)))
        method, path = first[0], first[1].partition("?")[0]
        provider = self.server.provider  # type: ignore[attr-defined]
        reply: Any
        if path == "/control":
            reply = 200, {}, provider.control(method, json.loads(body or b"{}"))
        elif method == "POST" and path.endswith("/chat/completions"):
            reply = provider.answer(headers, json.loads(body))
        else:
            reply = 404, {}, error(f"no {method} {path} here")
        if reply is None:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return False
        status, more, content = reply
        text = (content if isinstance(content, str) else json.dumps(content)).encode()
        lines = [f"HTTP/1.1 {status} -", "Content-Type: application/json", f"Content-Length: {len(text)}"]
        lines += [f"{name}: {value}" for name, value in more.items()]
        self.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n" + text)
        return headers.get("connection", "").lower() != "close"


class ProviderProcess:
    """The same in a process of its own, which lives on while the server is killed."""

    def __init__(self, **settings: Any) -> None:
        command = [sys.executable, __file__, "--port", "0", "--settings", json.dumps(settings)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http"), "the provider did not start"

    def control(self, method: str = "GET", **settings: Any) -> dict[str, Any]:
        """See `Provider.control`."""
        request = urllib.request.Request(self.url.removesuffix("/v1") + "/control", method=method)
        request.data = json.dumps(settings).encode() if method == "POST" else None
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            return dict(json.load(answer))

    def counts(self) -> dict[str, Any]:
        """See `Provider.counts`."""
        return self.control()

    def stop(self) -> None:
        """Ends the process."""
        self.process.terminate()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def main() -> None:
    """Command line: prints the address, then serves until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--settings", type=json.loads, default={}, help="JSON: latency, faults, slow_seconds, …")
    arguments = parser.parse_args()
    provider = Provider(**{"latency": arguments.latency_ms / 1000, **arguments.settings}).start(arguments.port)
    print(provider.url, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
