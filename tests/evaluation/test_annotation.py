"""The annotation queue (contract G.3, our routes): rows go to one person each, under a lease, until all are done.

Knows the API. Threads stand for annotators, each with a connection of its own.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from evaluation.rows import fill, plain_rows
from harness import runs
from harness.api import Api
from harness.server import Server

UNKNOWN = "00000000-0000-4000-8000-000000000000"


class Queue:
    """The queue of one dataset, seen by one caller."""

    def __init__(self, server: Server, dataset: str) -> None:
        self.api = Api(server.url, server.key)
        self.path = f"/api/datasets/{dataset}/annotation/"

    def next(self, annotator: str, **body: Any) -> dict[str, Any]:
        """The next row."""
        return dict(self.api.expect(200, "POST", self.path + "next/", {"annotator": annotator, **body}))

    def row(self, annotator: str, **body: Any) -> str:
        """Id of the next row, of which there must be one."""
        handed = self.next(annotator, **body)
        assert handed["row"] and handed["lease_until"], handed
        return str(handed["row"]["unique_id"])

    def complete(self, annotator: str, row: str, status: int = 200) -> dict[str, Any]:
        """Completes a row."""
        body = {"unique_id": row, "annotator": annotator}
        return dict(self.api.expect(status, "POST", self.path + "complete/", body))

    def release(self, annotator: str, row: str, status: int = 200) -> dict[str, Any]:
        """Gives a row back."""
        body = {"unique_id": row, "annotator": annotator}
        return dict(self.api.expect(status, "POST", self.path + "release/", body))

    def progress(self, query: str = "") -> dict[str, Any]:
        """How far it is."""
        return dict(self.api.expect(200, "GET", self.path + "progress/" + query))


def queue_of(server: Server, api: Api, count: int) -> tuple[Queue, str, list[str]]:
    """A queue over new rows, its dataset, the rows in order."""
    dataset, rows = fill(api, f"{count} to annotate", plain_rows(count))
    return Queue(server, dataset), dataset, list(rows)


@pytest.mark.parametrize("people", [2, 8])
def test_annotators_share_a_dataset(server: Server, api: Api, people: int) -> None:
    _, dataset, rows = queue_of(server, api, 1000)

    def work(number: int) -> list[str]:
        queue, name, done = Queue(server, dataset), f"person {number}", []
        while True:
            handed = queue.next(name)
            if handed["row"] is None:
                assert (handed["lease_until"], handed["remaining"]) == (None, 0), handed
                return done
            key = handed["row"]["unique_id"]
            completed = queue.complete(name, key)
            assert completed["annotation_status"] == "completed", completed
            done.append(key)

    with ThreadPoolExecutor(people) as pool:
        by_person = list(pool.map(work, range(people)))
    times = Counter(key for done in by_person for key in done)
    print(f"{people} annotators: {[len(done) for done in by_person]} rows")
    assert set(times) == set(rows) and set(times.values()) == {1}, "every row exactly once"
    assert min(len(done) for done in by_person) > 0
    seen = Queue(server, dataset).progress()
    told = (seen["total"], seen["completed"], seen["pending"], seen["in_progress"])
    assert told == (1000, 1000, 0, 0), seen
    by_name = {each["annotator"]: each["completed"] for each in seen["annotators"]}
    assert by_name == {f"person {number}": len(done) for number, done in enumerate(by_person)}
    assert api.expect(200, "GET", f"/api/datasets/{dataset}/")["completed_annotation_count"] == 1000


def test_the_same_annotator_gets_the_same_row_again(server: Server, api: Api) -> None:
    queue, _, rows = queue_of(server, api, 4)
    first = queue.next("ann")
    again = queue.next("ann", lease_seconds=2000)
    assert again["row"]["unique_id"] == first["row"]["unique_id"] in rows
    assert again["lease_until"] > first["lease_until"], "the lease is renewed"
    assert first["remaining"] == again["remaining"] == 3
    other = queue.row("bob")
    assert other != first["row"]["unique_id"]
    assert queue.progress()["in_progress"] == 2
    queue.complete("ann", other, status=409)
    queue.release("ann", other, status=409)
    queue.complete("bob", other)
    queue.complete("bob", other)
    queue.complete("ann", other, status=409)
    assert queue.row("bob") not in (other, first["row"]["unique_id"])


def test_a_row_given_back_or_passed_over(server: Server, api: Api) -> None:
    queue, _, rows = queue_of(server, api, 3)
    first = queue.row("ann")
    released = queue.release("ann", first)
    assert released["annotation_status"] == "pending"
    assert queue.progress()["pending"] == 3
    assert queue.row("bob") in rows
    mine = queue.row("ann")
    passed = queue.row("ann", skip=True)
    assert passed != mine
    queue.complete("ann", passed)
    assert queue.row("ann") == mine, "what was passed over comes again after all others"


def test_a_lease_runs_out(server: Server, api: Api) -> None:
    queue, _, [row] = queue_of(server, api, 1)
    assert queue.row("ann", lease_seconds=1) == row
    assert queue.next("bob")["row"] is None
    runs.wait_until("the lease has run out", lambda: queue.progress()["in_progress"] == 0, 30)
    assert queue.row("bob", lease_seconds=600) == row
    queue.complete("ann", row, status=409)
    completed = queue.complete("bob", row)
    assert completed["annotation_completed_by"]["email"] in ("bob", ""), completed["annotation_completed_by"]
    assert queue.next("ann")["row"] is None


def test_filters_and_order(server: Server, api: Api) -> None:
    queue, dataset, rows = queue_of(server, api, 20)
    odd = {"metadata__half": {"operator": "", "value": 1}}
    got = []
    for _ in range(10):
        handed = queue.next("ann", filters=odd, sort_by="-metadata__number")
        got.append(handed["row"]["metadata"]["number"])
        queue.complete("ann", handed["row"]["unique_id"])
    assert got == list(range(19, 0, -2))
    assert queue.next("ann", filters=odd)["row"] is None
    assert queue.next("ann")["remaining"] == 9
    part = queue.progress("?metadata__half=1")
    assert (part["total"], part["completed"]) == (10, 10)


def test_a_persons_score_completes_a_row(server: Server, api: Api) -> None:
    queue, dataset, rows = queue_of(server, api, 3)
    human = runs.evaluator(api, "people", type="human", score_config={"min_score": 1, "max_score": 5})
    code = runs.snippet(api, "def main(eval_inputs):\n    return 1\n")
    body = {"numerical_value": 4, "log_id": rows[0], "dataset_id": dataset}
    api.expect(201, "POST", "/api/scores/", {**body, "evaluator_id": code, "scorer": "machine"})
    assert queue.progress()["completed"] == 0, "only a person's score completes"
    api.expect(201, "POST", "/api/scores/", {**body, "evaluator_id": human, "scorer": "ann@example.org"})
    row = api.expect(200, "GET", f"/api/datasets/{dataset}/logs/{rows[0]}/")
    assert row["annotation_status"] == "completed"
    seen = queue.progress()
    assert seen["completed"] == 1 and seen["annotators"][0]["annotator"] == "ann@example.org", seen
    assert api.expect(200, "GET", f"/api/datasets/{dataset}/")["completed_annotation_count"] == 1
    assert queue.row("bob") in rows[1:]


def test_opening_a_row_again(server: Server, api: Api) -> None:
    queue, dataset, [row] = queue_of(server, api, 1)
    queue.row("ann")
    queue.complete("ann", row)
    queue.release("ann", row, status=409)
    opened = api.expect(200, "PATCH", f"/api/datasets/{dataset}/logs/{row}/", {"annotation_status": "pending"})
    assert opened["annotation_status"] == "pending"
    assert opened["annotation_completed_by"] == {"first_name": "", "last_name": "", "email": ""}
    assert queue.progress()["completed"] == 0 and queue.row("bob") == row


@pytest.mark.parametrize(
    ("verb", "body", "status", "named"),
    [
        ("next", {"annotator": ""}, 400, "annotator"),
        ("next", {"annotator": 7}, 400, "annotator"),
        ("next", {"annotator": "a", "lease_seconds": 0}, 400, "lease_seconds"),
        ("next", {"annotator": "a", "lease_seconds": 10**9}, 400, "lease_seconds"),
        ("next", {"annotator": "a", "lease_seconds": "long"}, 400, "lease_seconds"),
        ("next", {"annotator": "a", "filters": {"model": {"operator": "resembles", "value": 1}}}, 400, "resembles"),
        ("next", {"annotator": "a", "sort_by": "colour"}, 400, "sort_by"),
        ("next", {"annotator": "a", "who": "b"}, 400, "who"),
        ("complete", {"annotator": "a"}, 400, "unique_id"),
        ("complete", {"annotator": "a", "unique_id": "nothing"}, 404, "detail"),
        ("release", {"annotator": "a"}, 400, "unique_id"),
        ("release", {"annotator": "a", "unique_id": "nothing"}, 404, "detail"),
    ],
    ids=str,
)  # fmt: skip
def test_bad_requests(server: Server, api: Api, verb: str, body: Any, status: int, named: str) -> None:
    queue, _, _ = queue_of(server, api, 1)
    answer = queue.api.call("POST", queue.path + verb + "/", body)
    assert answer.status_code == status and named in answer.text, answer.text
    assert queue.progress()["pending"] == 1


def test_where_there_is_no_queue(api: Api) -> None:
    for dataset in (UNKNOWN, "_saved_logs", "nothing"):
        for method, verb in (("POST", "next"), ("POST", "complete"), ("POST", "release"), ("GET", "progress")):
            body = {"annotator": "a", "unique_id": "x"} if method == "POST" and verb != "next" else {"annotator": "a"}
            answer = api.call(method, f"/api/datasets/{dataset}/annotation/{verb}/", body if method == "POST" else None)
            assert answer.status_code == 404, f"{dataset} {verb}: {answer.status_code} {answer.text}"
