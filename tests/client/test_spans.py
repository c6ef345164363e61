"""Every method of `client.spans` of the newest client, on an empty window and on a filled one; and the asyncio client.

Knows the client's methods and contract E. Does not know how logs are stored.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest
import respan
from client.checks import Checks
from harness.server import Server

UTC = dt.timezone.utc
EXERCISED = {
    "create_span", "bulk_create_spans", "list_spans", "retrieve_span", "get_spans_summary",
    "request_logs_groups_list", "request_logs_groups_filter",
}  # fmt: skip
LONG_AGO = {"start_time": dt.datetime(2001, 1, 1, tzinfo=UTC), "end_time": dt.datetime(2002, 1, 1, tzinfo=UTC)}
JULY = {"start_time": dt.datetime(2025, 7, 1, tzinfo=UTC), "end_time": dt.datetime(2025, 7, 31, tzinfo=UTC)}
GROUPS = {
    "model": "model", "provider_id": "provider_id", "organization_key_id": "organization_key_id",
    "prompt_id": "prompt_id", "deployment_id": "deployment_id", "deployment_name": "deployment_name",
    "custom_identifier": "custom_identifier", "customer_identifier": "customer_identifier",
    "trace": "trace_unique_id", "thread": "thread_identifier",
}  # fmt: skip


def test_no_method_of_the_client_is_left_out(client: Any, check: Checks) -> None:
    public = {name for name in dir(client.spans) if not name.startswith("_") and name != "with_raw_response"}
    check.equal("every spans method is exercised here", public, EXERCISED)


def test_empty_window(client: Any, check: Checks) -> None:
    spans = client.spans
    pager = check.returns("list_spans, empty", lambda: spans.list_spans(**LONG_AGO))
    check.equal("no spans", (pager.response.count, list(pager)), (0, []))
    check.equal(
        "default window is empty too", check.returns("list_spans, no window", lambda: list(spans.list_spans())), []
    )
    summary = check.returns("get_spans_summary, empty", lambda: spans.get_spans_summary(**LONG_AGO))
    check.equal("summary of nothing", (summary.number_of_requests, summary.avg_ttft, summary.scores), (0, 0.0, {}))
    groups = check.returns("groups list, empty", lambda: spans.request_logs_groups_list(group_by="model", **LONG_AGO))
    check.equal("no groups", (groups.count, groups.results), (0, []))
    groups = check.returns(
        "groups filter, empty", lambda: spans.request_logs_groups_filter(group_by="model", **LONG_AGO)
    )
    check.equal("no groups by POST", (groups.count, groups.results), (0, []))
    check.raises("retrieve_span, unknown", respan.NotFoundError, lambda: spans.retrieve_span("nothing"))


@pytest.fixture(scope="module")
def filled(client: Any) -> str:
    """One span now with everything set, and 25 in July 2025 (15 alpha, 10 beta, 5 failed); the id of the first."""
    one = client.spans.create_span(
        model="alpha",
        log_type="chat",
        input=[{"role": "user", "content": "hello"}],
        output={"role": "assistant", "content": "hi"},
        prompt_tokens=3,
        completion_tokens=4,
        cost=0.25,
        latency=0.5,
        ttft=0.1,
        temperature=0.7,
        top_p=0.9,
        max_tokens=100,
        stream=True,
        metadata={"tier": "gold", "_private": True},
        properties={"p": 1},
        variables={"v": "w"},
        customer_params=respan.SpanCreateRequestCustomerParams(
            customer_identifier="ada", email="ada@example.org", name="Ada"
        ),
        custom_identifier="first",
        thread_identifier="thread-1",
        trace_unique_id="trace-1",
        span_name="root",
        span_workflow_name="flow",
        tools=[{"type": "function", "function": {"name": "f"}}],
        tool_choice="auto",
        stop=["END"],
        response_format={"type": "text"},
        warnings="slow",
        prompt_id="p-1",
        prompt_name="greeting",
        positive_feedback=True,
        full_request={"a": 1},
        full_response={"b": 2},
        respan_params={"group_identifier": "g-1"},
    )
    items = [
        {
            "model": "alpha" if n < 15 else "beta",
            "input": f"in {n}",
            "output": f"out {n}",
            "timestamp": f"2025-07-{n + 1:02}T00:00:00Z",
            "status_code": 500 if n % 5 == 0 else 200,
            "cost": 0.5,
            "prompt_tokens": 2,
            "completion_tokens": 1,
            "latency": 2.0,
            "customer_identifier": f"customer {n % 3}",
            "trace_unique_id": f"trace {n % 4}",
            "thread_identifier": f"thread {n % 2}",
        }
        for n in range(25)
    ]
    answer = client.spans.bulk_create_spans(logs=items)
    assert (answer.success_count, answer.error_count, answer.errors) == (25, 0, []), answer
    return str(one.unique_id)


def test_create_span_answers_the_new_record(client: Any, check: Checks) -> None:
    made = check.returns(
        "create_span",
        lambda: client.spans.create_span(model="m", input="x", timestamp=dt.datetime(2025, 8, 1, tzinfo=UTC)),
    )
    check("id and unique_id are the same", made.id and made.id == made.unique_id, made)
    check.equal("status and environment", (made.status, made.environment), ("success", "prod"))
    check.equal("timestamp", made.timestamp, dt.datetime(2025, 8, 1, tzinfo=UTC))


def test_retrieve_span(client: Any, check: Checks, filled: str) -> None:
    span = check.returns("retrieve_span", lambda: client.spans.retrieve_span(filled))
    check.equal("id", (span.id, span.unique_id), (filled, filled))
    check.equal("tokens", (span.prompt_tokens, span.completion_tokens, span.total_request_tokens), (3, 4, 7))
    check.equal("measures", (span.cost, span.latency, span.time_to_first_token), (0.25, 0.5, 0.1))
    check.equal("derived speed", span.tokens_per_second, 8.0)
    check.equal(
        "customer_params became fields", (span.customer_identifier, span.customer_email), ("ada", "ada@example.org")
    )
    check.equal("respan_params merged", span.group_identifier, "g-1")
    check.equal("metadata without `_` keys", span.metadata, {"tier": "gold"})
    check.equal(
        "structures",
        (span.tools, span.variables, span.properties),
        ([{"type": "function", "function": {"name": "f"}}], {"v": "w"}, {"p": 1}),
    )
    check.equal(
        "input and output are native",
        (span.input, span.output),
        ([{"role": "user", "content": "hello"}], {"role": "assistant", "content": "hi"}),
    )
    check.equal("messages view", span.prompt_messages, [{"role": "user", "content": "hello"}])
    check.equal("scores is an object", span.scores, {})
    check.equal(
        "place in the trace",
        (span.trace_unique_id, span.span_name, span.span_workflow_name),
        ("trace-1", "root", "flow"),
    )


def test_list_spans(client: Any, check: Checks, filled: str) -> None:
    spans = client.spans
    recent = check.returns("list_spans, default window", lambda: list(spans.list_spans()))
    check("the default window is the last hour", any(row["unique_id"] == filled for row in recent), recent)
    check("older spans are outside of it", all("2025-07" not in row["timestamp"] for row in recent), recent)
    pager = check.returns("list_spans, window", lambda: spans.list_spans(**JULY, page_size=10))
    check.equal("count is the total", (pager.response.count, len(pager.items)), (25, 10))
    everything = check.returns("all pages", lambda: list(spans.list_spans(**JULY, page_size=10)))
    times = [row["timestamp"] for row in everything]
    check.equal("newest first by default", (len(times), times), (25, sorted(times, reverse=True)))
    typed = check.returns(
        "typed Filters",
        lambda: list(
            spans.list_spans(**JULY, filters=respan.Filters(model=respan.FilterValue(operator="", value=["beta"])))
        ),
    )
    check.equal("typed Filters filter", {row["model"] for row in typed}, {"beta"})
    plain = check.returns(
        "plain filters",
        lambda: list(spans.list_spans(**JULY, filters={"status_code": {"operator": "gte", "value": [500]}})),
    )
    check.equal("plain filters filter", len(plain), 5)
    check.equal("environment", len(check.returns("env", lambda: list(spans.list_spans(**JULY, environment="test")))), 0)
    check.equal(
        "environment prod",
        len(check.returns("env prod", lambda: list(spans.list_spans(**JULY, environment="prod")))),
        25,
    )
    check.returns("log_type", lambda: list(spans.list_spans(**JULY, log_type="chat")))
    some = check.returns(
        "include_fields", lambda: spans.list_spans(**JULY, include_fields="model,cost", sort_by="cost")
    )
    check("included fields are there", all({"model", "cost"} <= set(row) for row in some.items), some.items)
    check(
        "scores is an object in rows", all(isinstance(row.get("scores", {}), dict) for row in everything), everything[0]
    )


def test_spans_summary(client: Any, check: Checks, filled: str) -> None:
    summary = check.returns("get_spans_summary", lambda: client.spans.get_spans_summary(**JULY))
    check.equal("sums", (summary.number_of_requests, summary.total_cost, summary.total_tokens), (25, 12.5, 75))
    check.equal("means", (summary.avg_latency, summary.avg_tps), (2.0, 0.5))
    part = check.returns(
        "filtered spans summary",
        lambda: client.spans.get_spans_summary(
            **JULY, filters={"model": {"operator": "", "value": ["beta"]}}, environment="prod"
        ),
    )
    check.equal("filtered sums", part.number_of_requests, 10)


@pytest.mark.parametrize("group_by", sorted(GROUPS))
def test_groups(client: Any, check: Checks, filled: str, group_by: str) -> None:
    key = GROUPS[group_by]
    listed = check.returns(
        f"groups by {group_by}", lambda: client.spans.request_logs_groups_list(group_by=group_by, **JULY)
    )
    check(f"{group_by}: count and results", isinstance(listed.count, int) and isinstance(listed.results, list), listed)
    check.equal(f"{group_by}: every request is in one group", sum(row.number_of_requests for row in listed.results), 25)
    check(f"{group_by}: rows carry the key", all(key in row.model_dump() for row in listed.results), listed.results)
    posted = check.returns(
        f"groups by {group_by}, filtered",
        lambda: client.spans.request_logs_groups_filter(
            group_by=group_by, **JULY, filters={"model": {"operator": "", "value": ["alpha"]}}, page=1, page_size=50
        ),
    )
    check.equal(f"{group_by}: filtered", sum(row.number_of_requests for row in posted.results), 15)


def test_groups_by_model_are_right(client: Any, check: Checks, filled: str) -> None:
    rows = {row.model: row for row in client.spans.request_logs_groups_list(group_by="model", **JULY).results}
    check.equal("groups", {name: row.number_of_requests for name, row in rows.items()}, {"alpha": 15, "beta": 10})
    check.equal(
        "group sums", (rows["alpha"].total_cost, rows["alpha"].total_tokens, rows["alpha"].error_count), (7.5, 45, 3)
    )
    check.equal("group means", (rows["beta"].average_latency, rows["beta"].average_tokens), (2.0, 3))


def test_the_asyncio_client(server: Server, check: Checks, filled: str) -> None:
    async def walk() -> tuple[int, int]:
        client = respan.AsyncRespanClient(base_url=server.url, authorization="", respan_api_key=server.key)
        listed = await client.datasets.list_datasets()
        pager = await client.spans.list_spans(**JULY, page_size=7)
        return listed.count, len([row async for row in pager])

    check.equal("the asyncio client reads all pages", check.returns("asyncio", lambda: asyncio.run(walk())), (0, 25))
