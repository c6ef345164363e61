"""The filter and sort combinations compared with the server: each filter as JSON and as the Python it should mean.

Knows the filter language (contract C) and the vocabulary of the data; nothing of HTTP.
"""

from __future__ import annotations

import re
from typing import Any

from real_logs.independent import Combination, Record, Vocabulary, instant, words


def is_(value: Any, operator: str = "", **more: Any) -> dict[str, Any]:
    """One condition on the wire."""
    return {"operator": operator, "value": value, **more}


def meta(log: Record, key: str) -> Any:
    """A metadata value or None."""
    return log["metadata"].get(key)


def typed(v: Vocabulary) -> list[Combination]:
    """Typed fields: equality, membership, ranges, times, booleans, lexicographic order, aliases."""
    low, middle, high = v.latency
    return [
        Combination("everything", {}, lambda r: True, "-timestamp"),
        Combination("equal, scalar", {"status_code": is_(200, "eq")}, lambda r: r["status_code"] == 200, "timestamp"),
        Combination("equal, array of one", {"model": is_([v.models[0]])}, lambda r: r["model"] == v.models[0], "cost"),
        Combination("equal, array of several", {"model": is_(v.two_models, "==")}, lambda r: r["model"] in v.two_models, "-cost"),
        Combination("shorthand", {"model": v.models[-1]}, lambda r: r["model"] == v.models[-1], "latency"),
        Combination("number as text", {"status_code": is_("500")}, lambda r: r["status_code"] == 500, "-latency"),
        Combination("in", {"model": is_(v.models[1:4], "in")}, lambda r: r["model"] in v.models[1:4], "model"),
        Combination("in of ids", {"id": is_(v.ids, "IN")}, lambda r: r["unique_id"] in v.ids, "id"),
        Combination("not_in", {"model": is_(v.models[1:], "not_in")}, lambda r: r["model"] not in v.models[1:], "-id"),
        Combination("greater", {"status_code": is_(399, "gt")}, lambda r: r["status_code"] > 399, "-status_code"),
        Combination("at least, symbol", {"cost": is_(v.cost[2], ">=")}, lambda r: r["cost"] >= v.cost[2], "completion_tokens"),
        Combination("less, alias", {"total_tokens": is_([v.total[0]], "less_than")}, lambda r: r["total_request_tokens"] < v.total[0], "all_tokens"),
        Combination(
            "range by array", {"latency": [is_(low, "gte"), is_(high, "lt")]}, lambda r: low <= r["latency"] < high, "-time_to_first_token"
        ),
        Combination("range, short form", {"completion_tokens": {"gt": v.tokens[0], "lte": v.tokens[2]}}, lambda r: v.tokens[0] < r["completion_tokens"] <= v.tokens[2], "prompt_tokens"),
        Combination(
            "outside a range, OR in an array",
            {"latency": [is_(low, "lt"), is_(high, "gt", connector="OR")]},
            lambda r: r["latency"] < low or r["latency"] > high,
            "tokens_per_second",
        ),
        Combination("time window", {"timestamp": {"gte": instant(v.early), "lte": instant(v.late)}}, lambda r: v.early <= r["at"] <= v.late, "-created_at"),
        Combination("time, alias", {"created_at": is_([instant(v.late)], "gt")}, lambda r: r["at"] > v.late, "customer_identifier"),
        Combination("derived start", {"start_time": is_(instant(v.early), "lt")}, lambda r: r["start"] < v.early, "start_time"),
        Combination("derived flag", {"failed": is_(True)}, lambda r: r["failed"], "-error_message"),
        Combination("flag as text", {"failed": is_("false")}, lambda r: not r["failed"], "custom_identifier"),
        Combination("derived status", {"status": is_("error")}, lambda r: r["status"] == "error", "error_message"),
        Combination("text order", {"model": is_("m", "gt")}, lambda r: r["model"] > "m", "-model"),
        Combination("environment", {"environment": is_(["test"], "not_in")}, lambda r: True, "metadata__turn"),
        Combination("equal, any case", {"model": is_([v.models[0].upper()], "iexact")}, lambda r: r["model"].lower() == v.models[0].lower(), "timestamp"),
        Combination("median or more", {"latency": is_(middle, "gte")}, lambda r: r["latency"] >= middle, "-prompt_tokens"),
    ]  # fmt: skip


def negations_and_nulls(v: Vocabulary) -> list[Combination]:
    """Null counts as not equal; isnull, empty, null values."""
    return [
        Combination("not", {"model": is_([v.models[0]], "not")}, lambda r: r["model"] != v.models[0], "-customer_identifier"),
        Combination("not, several", {"status_code": is_([200, 500], "!=")}, lambda r: r["status_code"] not in (200, 500), "status_code"),
        Combination("not, of a field mostly null", {"error_message": is_(v.error, "not")}, lambda r: r["error_message"] != v.error, "error_message"),
        Combination("not_contains, of a field mostly null", {"error_message": is_(v.error[:4], "not_contains")}, lambda r: v.error[:4] not in (r["error_message"] or ""), "-timestamp"),
        Combination("isnull", {"error_message": is_([True], "isnull")}, lambda r: r["error_message"] is None, "-cost"),
        Combination("isnull false", {"error_message": is_("false", "isnull")}, lambda r: r["error_message"] is not None, "cost"),
        Combination("equal null", {"customer_identifier": is_(None)}, lambda r: r["customer_identifier"] is None, "timestamp"),
        Combination("not null", {"customer_identifier": is_(None, "not")}, lambda r: r["customer_identifier"] is not None, "-customer_identifier"),
        Combination("field nobody has", {"stream": is_(True, "isnull")}, lambda r: True, "-metadata__turn"),
        Combination("no such rows", {"cache_hit": is_([False], "isnull")}, lambda r: False, "timestamp"),
        Combination("empty answer", {"completion": is_([], "empty")}, lambda r: r["completion"] == "", "latency"),
        Combination("answer there", {"completion": is_([], "not_empty")}, lambda r: r["completion"] != "", "-latency"),
        Combination("null in an order comparison is false", {"error_message": is_("", "gte")}, lambda r: r["error_message"] is not None, "unique_id"),
        Combination("not_startswith", {"model": is_(v.models[0][:3], "not_startswith")}, lambda r: not r["model"].startswith(v.models[0][:3]), "model"),
        Combination("not_endswith", {"custom_identifier": is_("7", "not_endswith")}, lambda r: not r["custom_identifier"].endswith("7"), "custom_identifier"),
    ]  # fmt: skip


def metadata(v: Vocabulary) -> list[Combination]:
    """Metadata keys of each JSON type, missing keys, whole-map questions."""
    return [
        Combination("metadata text", {"metadata__tier": is_([v.tier])}, lambda r: meta(r, "tier") == v.tier, "metadata__turn"),
        Combination("metadata, dotted key", {"metadata.tier": v.tier}, lambda r: meta(r, "tier") == v.tier, "-metadata__tier"),
        Combination("metadata by its plain name", {"tier": is_(v.tier)}, lambda r: meta(r, "tier") == v.tier, "timestamp"),
        Combination("metadata not", {"metadata__tier": is_(v.tier, "not")}, lambda r: meta(r, "tier") != v.tier, "metadata__tier"),
        Combination("metadata number", {"metadata__turn": is_([3], "gte")}, lambda r: meta(r, "turn") is not None and meta(r, "turn") >= 3, "-metadata__turn"),
        Combination("metadata number as text", {"metadata__turn": is_("3")}, lambda r: meta(r, "turn") == 3, "-timestamp"),
        Combination("metadata number in", {"metadata__turn": is_([1, 2, 9], "in")}, lambda r: meta(r, "turn") in (1, 2, 9), "cost"),
        Combination("metadata flag", {"metadata__cached": is_(True)}, lambda r: meta(r, "cached") is True, "latency"),
        Combination("metadata flag not", {"metadata__cached": is_(True, "not")}, lambda r: meta(r, "cached") is not True, "metadata__cached"),
        Combination("metadata isnull", {"metadata__cached": is_([True], "isnull")}, lambda r: meta(r, "cached") is None, "-metadata__cached"),
        Combination("metadata key nobody has", {"metadata__nothing": is_("x", "not")}, lambda r: True, "-cost"),
        Combination("metadata startswith", {"metadata__subset": is_("k", "startswith")}, lambda r: str(meta(r, "subset")).startswith("k"), "cost"),
        Combination(
            "metadata has a key",
            {"metadata": {"operator_function": "mapContainsKey", "operator_args": ["tier"], "operator": "", "value": [True]}},
            lambda r: "tier" in r["metadata"],
            "timestamp",
        ),
        Combination(
            "metadata lacks one of two keys",
            {"metadata": {"operator_function": "mapContainsKey", "operator_args": ["tier", "cached"], "operator": "", "value": False}},
            lambda r: not {"tier", "cached"} <= set(r["metadata"]),
            "timestamp",
        ),
    ]  # fmt: skip


def text(v: Vocabulary) -> list[Combination]:
    """Text of the payload and of short columns."""
    asked, answered = v.prompt_words, v.answer_words
    ends = v.models[0][0], v.models[0][-1]
    like = re.compile(f"{re.escape(ends[0])}.*{re.escape(ends[1])}", re.IGNORECASE | re.DOTALL)
    year = re.compile(r"(19|20)[0-9][0-9]")
    link = re.compile(r"https?://[a-z]+")
    return [
        Combination("contains in the prompt", {"prompt": is_(asked[0], "contains")}, lambda r: asked[0] in r["prompt"], "timestamp"),
        Combination("contains is case-sensitive", {"prompt": is_(v.capital, "contains")}, lambda r: v.capital in r["prompt"], "-timestamp"),
        Combination("icontains in the answer", {"completion": is_([answered[1].upper()], "icontains")}, lambda r: answered[1] in r["completion"].lower(), "-latency"),
        Combination("icontains, any of two", {"completion": is_(answered[2:4], "icontains")}, lambda r: any(w in r["completion"].lower() for w in answered[2:4]), "cost"),
        Combination("contains in a structure", {"input": is_(asked[2], "contains")}, lambda r: asked[2] in r["input_text"], "-cost"),
        Combination("icontains in a structure", {"output": is_(answered[4], "icontains")}, lambda r: answered[4] in r["output_text"].lower(), "model"),
        Combination("structure by its JSON text", {"output": is_('{"role":"assistant"', "startswith")}, lambda r: r["output_text"].startswith('{"role":"assistant"'), "timestamp"),
        Combination("not_contains in the answer", {"completion": is_(answered[0], "not_contains")}, lambda r: answered[0] not in r["completion"], "-completion_tokens"),
        Combination("startswith", {"completion": is_(["The", "Here", "I "], "startswith")}, lambda r: r["completion"].startswith(("The", "Here", "I ")), "timestamp"),
        Combination("endswith", {"completion": is_(".", "endswith")}, lambda r: r["completion"].endswith("."), "-timestamp"),
        Combination("endswith of a short column", {"model": is_(v.models[0][-2:], "endsWith")}, lambda r: r["model"].endswith(v.models[0][-2:]), "model"),
        Combination("regex", {"completion": is_(year.pattern, "regex")}, lambda r: bool(year.search(r["completion"])), "-tokens_per_second"),
        Combination("regex for a link", {"full_text": is_(link.pattern, "regex")}, lambda r: bool(link.search(r["input_text"]) or link.search(r["output_text"])), "timestamp"),
        Combination("ilike", {"model": is_(f"{ends[0].upper()}%{ends[1]}", "ilike")}, lambda r: bool(like.fullmatch(r["model"])), "-model"),
        Combination("one word of the answer", {"completion": is_(answered[5].upper(), "full_text_search")}, lambda r: answered[5] in words(r["completion"]), "-cost"),
        Combination("two words, in input or output", {"input": is_(f"{asked[3]} {answered[6]}", "full_text_search")}, lambda r: {asked[3], answered[6]} <= words(r["prompt"]) | words(r["completion"]), "timestamp"),
        Combination("one word anywhere", {"full_text": is_(asked[4], "full_text_search")}, lambda r: asked[4] in words(r["prompt"]) | words(r["completion"]), "latency"),
        Combination("half a word is no word", {"completion": is_(answered[7][:-1], "full_text_search")}, lambda r: answered[7][:-1] in words(r["completion"]), "timestamp"),
    ]  # fmt: skip


def joined(v: Vocabulary) -> list[Combination]:
    """Connectors from left to right, bundles, nesting, the array form, text beside typed and metadata."""
    m, word = v.models, v.answer_words[8]
    costly = v.cost[2]
    return [
        Combination("OR of two fields", {"status_code": is_(500, "gte"), "latency": is_(v.latency[2], "gt", connector="OR")}, lambda r: r["status_code"] >= 500 or r["latency"] > v.latency[2], "-latency"),
        Combination(
            "A OR B AND C is (A OR B) AND C",
            {"model": is_(m[0]), "status_code": is_(500, connector="OR"), "metadata__tier": is_(v.tier, connector="AND")},
            lambda r: (r["model"] == m[0] or r["status_code"] == 500) and meta(r, "tier") == v.tier,
            "timestamp",
        ),
        Combination(
            "A AND B OR C is (A AND B) OR C",
            {"model": is_(m[0]), "metadata__tier": is_(v.tier), "status_code": is_(500, connector="OR")},
            lambda r: (r["model"] == m[0] and meta(r, "tier") == v.tier) or r["status_code"] == 500,
            "-timestamp",
        ),
        Combination("the first connector is ignored", {"model": is_(m[1], connector="OR"), "status_code": is_(200)}, lambda r: r["model"] == m[1] and r["status_code"] == 200, "cost"),
        Combination(
            "A AND (B OR C)",
            {"model": is_([m[0]]), "any": {"connector": "AND", "filter_params": {"cost": is_(costly, "gt"), "latency": is_(v.latency[2], "gt", connector="OR")}}},
            lambda r: r["model"] == m[0] and (r["cost"] > costly or r["latency"] > v.latency[2]),
            "-cost",
        ),
        Combination(
            "bundle OR bundle",
            {
                "a": {"filter_params": {"model": is_(m[0]), "status_code": is_(200, "not")}},
                "b": {"connector": "OR", "filter_params": {"model": is_(m[1]), "metadata__tier": is_(v.tier)}},
            },
            lambda r: (r["model"] == m[0] and r["status_code"] != 200) or (r["model"] == m[1] and meta(r, "tier") == v.tier),
            "model",
        ),
        Combination(
            "bundles three deep",
            {
                "metadata__turn": is_(5, "lte"),
                "x": {"filter_params": {"model": is_(m[2]), "y": {"connector": "OR", "filter_params": {"cost": is_(costly, "gte"), "z": {"filter_params": {"status": is_("success")}}}}}},
            },
            lambda r: meta(r, "turn") is not None and meta(r, "turn") <= 5 and (r["model"] == m[2] or (r["cost"] >= costly and r["status"] == "success")),
            "-metadata__turn",
        ),
        Combination(
            "array form",
            [{"field": "status", "operator": "=", "value": "error"}, {"field": "model", "operator": "in", "value": m[:3]}],
            lambda r: r["status"] == "error" and r["model"] in m[:3],
            "error_message",
        ),
        Combination(
            "text and typed and metadata",
            {"completion": is_(word, "icontains"), "status_code": is_(200), "metadata__turn": is_(4, "gt")},
            lambda r: word in r["completion"].lower() and r["status_code"] == 200 and (meta(r, "turn") or 0) > 4,
            "-all_tokens",
        ),
        Combination(
            "text OR typed",
            {"prompt": is_(v.prompt_words[5], "icontains"), "status_code": is_(400, connector="OR")},
            lambda r: v.prompt_words[5] in r["prompt"].lower() or r["status_code"] == 400,
            "timestamp",
        ),
        Combination(
            "negations joined by OR",
            {"model": is_(m[0], "not"), "metadata__tier": is_(v.tiers[:1], "not_in"), "status_code": is_([200], "!=", connector="OR")},
            lambda r: (r["model"] != m[0] and meta(r, "tier") not in v.tiers[:1]) or r["status_code"] != 200,
            "timestamp",
        ),
        Combination(
            "customer and time and tier",
            {"customer_identifier": is_(v.customer), "timestamp": is_(instant(v.early), "gte"), "metadata__tier": is_(v.tiers[-1], "not")},
            lambda r: r["customer_identifier"] == v.customer and r["at"] >= v.early and meta(r, "tier") != v.tiers[-1],
            "metadata__tier",
        ),
    ]  # fmt: skip


def all_combinations(v: Vocabulary) -> list[Combination]:
    """Every combination for the data at hand."""
    return [*typed(v), *negations_and_nulls(v), *metadata(v), *text(v), *joined(v)]
