"""What every evaluator should say of a row, in plain Python: the built-in ones, Python ones, and the judge's fixed rule.

Written from the contract (D.3, F.2, F.4) and the formulas in `docs/evaluators.md`, never from the server. A row is a
dictionary with `input`, `output`, `expected_output`, `metadata`, `metrics`; `Lacking` is raised where the row has not got
what the evaluator needs, so that the server should fail the row.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import jsonschema
import regex

Row = dict[str, Any]
Value = float | bool

WHITE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"


class Lacking(Exception):
    """The row has not got what the evaluator needs."""


# Text views (D.3, rules 6 and 7)


def compact(value: Any) -> str:
    """Compact JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def content_text(content: Any) -> str:
    """Text of a message."""
    if isinstance(content, list):
        return "\n".join(part.get("text", f"[{part['type'].partition('_')[0]}]") for part in content)
    return content or ""


def output_text(value: Any) -> str:
    """Text view of an output or a target."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and "role" in value:
        return content_text(value.get("content"))
    return compact(value)


def input_text(value: Any) -> str:
    """Text view of an input: messages without the instructions."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(part, dict) and "role" in part for part in value):
        said = [content_text(part.get("content")) for part in value if part["role"] not in ("system", "developer")]
        return "\n\n".join(said)
    return compact(value)


def text_at(row: Row, field: str) -> str:
    """The text that a parameter `field` or `against` names."""
    if field.startswith("metadata."):
        value: Any = row["metadata"]
        for key in field.removeprefix("metadata.").split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if value is None:
            raise Lacking(field)
        return value if isinstance(value, str) else compact(value)
    if row.get(field) is None:
        raise Lacking(field)
    return input_text(row["input"]) if field == "input" else output_text(row[field])


def both(row: Row, parameters: dict[str, Any]) -> tuple[str, str]:
    """The text looked at and the one compared with, made alike."""
    left = text_at(row, parameters.get("field", "output"))
    right = parameters["value"] if "value" in parameters else text_at(row, parameters.get("against", "expected_output"))
    return alike(left, parameters), alike(right, parameters)


def alike(text: str, parameters: dict[str, Any]) -> str:
    """Without the differences that do not count."""
    if parameters.get("trim"):
        text = text.strip(WHITE)
    return text.lower() if parameters.get("ignore_case") else text


# The built-in evaluators


def exact_match(row: Row, **parameters: Any) -> bool:
    """The texts are equal."""
    left, right = both(row, parameters)
    return left == right


def contains(row: Row, **parameters: Any) -> bool:
    """The text holds any or all of some texts."""
    text = alike(text_at(row, parameters.get("field", "output")), parameters)
    if "values" not in parameters:
        return alike(text_at(row, parameters.get("against", "expected_output")), parameters) in text
    values = parameters["values"]
    found = [alike(value, parameters) in text for value in ([values] if isinstance(values, str) else values)]
    return all(found) if parameters.get("mode") == "all" else any(found)


def regex_matches(row: Row, pattern: str, **parameters: Any) -> bool:
    """The pattern matches somewhere, or all of the text. For patterns that mean the same here and in Rust."""
    text = text_at(row, parameters.get("field", "output"))
    flags = re.IGNORECASE if parameters.get("ignore_case") else 0
    match = re.compile(pattern, flags)
    return bool(match.fullmatch(text) if parameters.get("full_match") else match.search(text))


# What a schema is held against is nested at most this deep.
DEPTH = 127


def is_json(text: str) -> bool:
    """RFC 8259."""
    try:
        json.loads(text, parse_int=str, parse_float=str, parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True


def refuse(name: str) -> None:
    """NaN and the infinities are no JSON."""
    raise ValueError(name)


def deep(value: Any) -> int:
    """Nesting of a value."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inside is None else 1 + max(map(deep, inside), default=0)


def json_valid(row: Row, field: str = "output") -> bool:
    """The text is JSON."""
    return is_json(text_at(row, field))


def json_schema(row: Row, schema: Any, field: str = "output") -> bool:
    """The text is JSON that the schema describes."""
    text = text_at(row, field)
    if not is_json(text) or deep(json.loads(text)) > DEPTH:
        return False
    return jsonschema.Draft202012Validator(schema).is_valid(json.loads(text))


def distance(left: str, right: str) -> int:
    """Levenshtein distance: Myers' bit vectors in Hyyrö's form, one long integer a text instead of machine words."""
    if not left:
        return len(right)
    places: dict[str, int] = {}
    for place, letter in enumerate(left):
        places[letter] = places.get(letter, 0) | 1 << place
    mask, last = (1 << len(left)) - 1, 1 << len(left) - 1
    grows, shrinks, found = mask, 0, len(left)
    for letter in right:
        equal = places.get(letter, 0)
        diagonal = (((equal & grows) + grows) ^ grows) | equal | shrinks
        up = shrinks | ~(diagonal | grows) & mask
        down = grows & diagonal
        found += bool(up & last) - bool(down & last)
        up, down = (up << 1 | 1) & mask, (down << 1) & mask
        grows = down | ~(diagonal | up) & mask
        shrinks = up & diagonal
    return found


def similarity(row: Row, **parameters: Any) -> float:
    """1 less the distance as a share of the longer text."""
    left, right = both(row, parameters)
    longest = max(len(left), len(right))
    return 1.0 - distance(left, right) / longest if longest else 1.0


def words(text: str) -> list[str]:
    """Runs of letters (Unicode: Alphabetic) and digits (N) of the lower-cased text."""
    return regex.findall(r"[\p{Alphabetic}\p{N}]+", text.lower())


def token_f1(row: Row, **parameters: Any) -> float:
    """Harmonic mean of precision and recall over words."""
    said, wanted = (Counter(words(text)) for text in both(row, parameters))
    shared = (said & wanted).total()
    if not said and not wanted:
        return 1.0
    if not shared:
        return 0.0
    precision, recall = shared / said.total(), shared / wanted.total()
    return 2 * precision * recall / (precision + recall)


NUMBER = re.compile(r"[-+]?(?:[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def number_in(text: str, extract: str) -> float | None:
    """The number that is meant: the whole text, or the first or last in it."""
    if extract == "whole":
        text = text.strip(WHITE)
        return float(text) if re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", text) else None
    found = NUMBER.findall(text)
    return float(found[0 if extract == "first" else -1].replace(",", "")) if found else None


def numeric_tolerance(row: Row, extract: str = "whole", **parameters: Any) -> bool:
    """The numbers are near enough."""
    wanted: float | None
    if "value" in parameters:
        wanted = parameters["value"]
    else:
        wanted = number_in(text_at(row, parameters.get("against", "expected_output")), extract)
    if wanted is None:
        raise Lacking("a number")
    number = number_in(text_at(row, parameters.get("field", "output")), extract)
    if number is None:
        return False
    apart = abs(number - wanted)
    return apart <= parameters.get("tolerance", 0) or apart <= parameters.get("relative", 0) * abs(wanted)


def below(metric: str, parameter: str) -> Callable[..., bool]:
    """A metric is at most a threshold."""

    def rule(row: Row, **parameters: Any) -> bool:
        if row["metrics"].get(metric) is None:
            raise Lacking(metric)
        return bool(row["metrics"][metric] <= parameters[parameter])

    return rule


BUILTINS: dict[str, Callable[..., Value]] = {
    "exact_match": exact_match,
    "contains": contains,
    "regex": regex_matches,
    "json_valid": json_valid,
    "json_schema": json_schema,
    "similarity": similarity,
    "token_f1": token_f1,
    "numeric_tolerance": numeric_tolerance,
    "latency": below("latency", "max_seconds"),
    "cost": below("cost", "max_usd"),
}


# Python evaluators


def eval_inputs(row: Row) -> dict[str, Any]:
    """What `main` is called with (F.4): every key is always there."""
    return {
        "input": row.get("input"), "output": row.get("output"), "expected_output": row.get("expected_output"),
        "metrics": row["metrics"], "metadata": row["metadata"],
        "llm_input": "" if row.get("input") is None else input_text(row["input"]),
        "llm_output": "" if row.get("output") is None else output_text(row["output"]),
    }  # fmt: skip


def python(source: str) -> Callable[[Row], Value]:
    """The same source under this interpreter. An exception of it fails the row."""
    module: dict[str, Any] = {}
    exec(source, module)  # noqa: S102 - the sources are this suite's own.

    def rule(row: Row) -> Value:
        try:
            said = module["main"](eval_inputs(row))
        except Exception as error:
            raise Lacking(str(error)) from error
        return said["score"] if isinstance(said, dict) else said

    return rule
