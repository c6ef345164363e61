"""Evaluators, scores and providers that must be refused: what is sent, the status, and what the answer must name.

From contract F.1, F.2, F.4, F.5, A.4 and our extensions. `{…}` in paths and bodies is filled in by the test. Knows nothing
of how the server checks.
"""

from __future__ import annotations

from typing import Any

from bad_input.cases import Case

EVALUATORS = "/api/evaluators/"
SCORES = "/api/scores/"
PROVIDER = "/api/llm-provider/"
GOOD_CODE = "def main(eval_inputs):\n    return 1\n"


def named(**fields: Any) -> dict[str, Any]:
    """An evaluator body that is right but for `fields`."""
    return {"name": "bad", **fields}


def code(source: Any) -> dict[str, Any]:
    """A Python evaluator."""
    return named(type="code", code_config={"eval_code_snippet": source})


def builtin(name: Any, **parameters: Any) -> dict[str, Any]:
    """A built-in evaluator."""
    return named(type="code", code_config={"builtin": name, "parameters": parameters})


def judge(template: Any, **config: Any) -> dict[str, Any]:
    """An LLM evaluator."""
    return named(type="llm", llm_config={"model": "m", "evaluator_definition": template, **config})


def scored(**fields: Any) -> dict[str, Any]:
    """A score body that is right but for `fields`."""
    return {"log_id": "{row}", "dataset_id": "{dataset}", "evaluator_id": "{numbers}", "numerical_value": 3, **fields}


# name → (body, what the answer must name); each is refused by POST, and by PATCH of a draft.
BAD_DEFINITIONS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown variable": (judge("{{ output }} {{ answer }}"), "answer"),
    "template without an output": (judge("{{ input }}"), "evaluator_definition"),
    "template that does not end": (judge("{{ output "), "evaluator_definition"),
    "unknown template filter": (judge("{{ output | nofilter }}"), "nofilter"),
    "template a number": (judge(7), "evaluator_definition"),
    "template that overflows the stack": (
        judge("{% set n=namespace() %}{% set n.x=n %}{{n}}{{output}}"),
        "evaluator_definition",
    ),
    "template nested without end": (judge("{{ output }}{{ " + "-" * 200_000 + "1 }}"), "evaluator_definition"),
    "template that takes all memory": (
        judge(
            "{% set ns=namespace(x=[1,2]) %}{% for i in range(60) %}{% set ns.x=ns.x+ns.x %}{% endfor %}{{ns.x|length}}{{output}}"
        ),
        "evaluator_definition",
    ),
    "slug that is a route": (named(evaluator_slug="summary"), "evaluator_slug"),
    "slug with a slash": (named(evaluator_slug="a/b"), "evaluator_slug"),
    "too many tags": (named(tags=["t"] * 101), "tags"),
    "unknown member beside a built-in": (
        named(code_config={"builtin": "exact_match", "params": {"trim": True}}),
        "code_config.params",
    ),
    "temperature in words": (judge("{{ output }}", temperature="hot"), "temperature"),
    "unknown built-in": (builtin("astrology"), "astrology"),
    "snippet and built-in": (
        named(type="code", code_config={"eval_code_snippet": GOOD_CODE, "builtin": "json_valid"}),
        "code_config",
    ),
    "built-in a number": (builtin(7), "builtin"),
    "unknown parameter": (builtin("exact_match", colour="red"), "colour"),
    "parameter of a wrong type": (builtin("exact_match", ignore_case="perhaps"), "ignore_case"),
    "missing parameter": (builtin("regex"), "pattern"),
    "invalid pattern": (builtin("regex", pattern="("), "pattern"),
    "pattern that looks back": (builtin("regex", pattern="(?<=a)b"), "pattern"),
    "invalid schema": (builtin("json_schema", schema={"type": "colour"}), "schema"),
    "schema a text": (builtin("json_schema", schema="{"), "schema"),
    "schema that reaches out": (builtin("json_schema", schema={"$ref": "http://127.0.0.1:9/x.json"}), "schema"),
    "value and against": (builtin("similarity", value="x", against="input"), "against"),
    "no values": (builtin("contains", values=[]), "values"),
    "unknown mode": (builtin("contains", values=["x"], mode="some"), "mode"),
    "unknown field": (builtin("json_valid", field="colour"), "field"),
    "negative tolerance": (builtin("numeric_tolerance", tolerance=-1), "tolerance"),
    "no threshold": (builtin("latency"), "max_seconds"),
    "threshold in words": (builtin("cost", max_usd="cheap"), "max_usd"),
    "Python that does not compile": (code("def main(eval_inputs):\n    return 1 +\n"), "line 2"),
    "Python indented wrongly": (code("def main(eval_inputs):\nreturn 1\n"), "line 2"),
    "Python without main": (code("def score(x):\n    return 1\n"), "main"),
    "main that is no function": (code("main = 5\n"), "main"),
    "Python that fails at once": (code("x = 1\ny = x / 0\n" + GOOD_CODE), "line 2"),
    "Python a number": (code(7), "eval_code_snippet"),
    "empty Python": (code(""), "eval_code_snippet"),
    "select without choices": (named(score_value_type="single_select"), "choices"),
    "select of nothing": (named(score_value_type="multi_select", score_config={"choices": []}), "choices"),
    "choices that repeat": (
        named(score_value_type="single_select", score_config={"choices": [{"name": "a", "value": 1}, {"name": "a", "value": 2}]}),
        "choices",
    ),
    "choices of text": (named(score_value_type="single_select", score_config={"choices": ["a"]}), "choices"),
    "minimum above maximum": (named(score_config={"min_score": 5, "max_score": 1}), "min_score"),
    "minimum in words": (named(score_config={"min_score": "low"}), "min_score"),
    "unknown value type": (named(score_value_type="colour"), "score_value_type"),
    "condition on an unknown score": (named(passing_conditions={"colour": {"operator": "gte", "value": 1}}), "colour"),
    "condition of an unknown operator": (named(passing_conditions={"primary_score": {"operator": "roughly", "value": 1}}), "operator"),
    "condition in words": (named(passing_conditions={"primary_score": {"operator": "gte", "value": "many"}}), "passing_conditions"),
    "empty name": (named(name=""), "name"),
    "name a list": (named(name=["x"]), "name"),
    "tags a text": (named(tags="x"), "tags"),
}  # fmt: skip


def definition_cases() -> list[Case]:
    """The bad definitions where definitions are taken."""
    cases = []
    for name, (body, says) in BAD_DEFINITIONS.items():
        cases.append(Case(f"create, {name}", "POST", EVALUATORS, body, (400,), says))
        cases.append(Case(f"replace, {name}", "PUT", EVALUATORS + "{draft}/", body, (400,), says))
    for name in ("snippet and built-in", "Python without main", "select without choices", "unknown variable"):
        body, says = BAD_DEFINITIONS[name]
        cases.append(Case(f"change, {name}", "PATCH", EVALUATORS + "{draft}/", body, (400,), says))
        cases.append(Case(f"commit, {name}", "POST", EVALUATORS + "{draft}/versions/", body, (400,), says))
    return cases


def evaluator_cases() -> list[Case]:
    """Other requests about evaluators."""
    run = EVALUATORS + "{numbers}/run/"
    inputs = {"input": "i", "output": "o"}
    return [
        Case("create, nothing", "POST", EVALUATORS, {}, (400,), "name"),
        Case("create, array body", "POST", EVALUATORS, [], (400,), "object"),
        Case("create, slug that is taken", "POST", EVALUATORS, named(evaluator_slug="numbers-slug"), (400,), "evaluator_slug"),
        Case("create, llm without a template", "POST", EVALUATORS, named(type="llm", llm_config={"model": "m"}), (400,), "evaluator_definition"),
        Case("create, llm without a config", "POST", EVALUATORS, named(type="llm"), (400,), "llm_config"),
        Case("create, code without a config", "POST", EVALUATORS, named(type="code"), (400,), "code_config"),
        Case("committed, PATCH", "PATCH", EVALUATORS + "{committed}/versions/0/", {"name": "new"}, (403,), "version"),
        Case("committed, PUT", "PUT", EVALUATORS + "{committed}/versions/0/", {"name": "new"}, (403,), "version"),
        Case("unknown, GET", "GET", EVALUATORS + "{unknown}/", None, (404,), "detail"),
        Case("unknown, PATCH", "PATCH", EVALUATORS + "{unknown}/", {"name": "x"}, (404,), "detail"),
        Case("unknown, PUT", "PUT", EVALUATORS + "{unknown}/", {"name": "x"}, (404,), "detail"),
        Case("unknown, DELETE", "DELETE", EVALUATORS + "{unknown}/", None, (404,), "detail"),
        Case("unknown, run", "POST", EVALUATORS + "{unknown}/run/", {"inputs": inputs}, (404,), "detail"),
        Case("unknown, versions", "GET", EVALUATORS + "{unknown}/versions/", None, (404,), "detail"),
        Case("unknown version", "GET", EVALUATORS + "{draft}/versions/99/", None, (404,), "detail"),
        Case("version in words", "GET", EVALUATORS + "{draft}/versions/last/", None, (404,), "detail"),
        Case("run, no inputs", "POST", run, {}, (400, 422), "inputs"),
        Case("run, inputs a text", "POST", run, {"inputs": "x"}, (400, 422), "inputs"),
        Case("run, metadata a list", "POST", run, {"inputs": {**inputs, "metadata": []}}, (400, 422), "metadata"),
        Case("run, unknown method", "POST", run, {"inputs": inputs, "generation_method": "guess"}, (400,), "generation_method"),
        Case("run, method without its config", "POST", run, {"inputs": inputs, "generation_method": "llm"}, (400,), "llm"),
        Case("list, unknown field", "POST", EVALUATORS + "list/", {"filters": {"colour": {"operator": "", "value": 1}}}, (400,), "colour"),
        Case("list, unknown sort", "POST", EVALUATORS + "list/?sort_by=colour", {}, (400,), "name"),
        Case("list, page 0", "POST", EVALUATORS + "list/?page=0", {}, (400,), "page"),
    ]  # fmt: skip


def score_cases() -> list[Case]:
    """Scores outside of what their evaluator allows, and other bad scores."""
    one = SCORES + "{score}/"
    return [
        Case("score, above the range", "POST", SCORES, scored(numerical_value=6), (400,), "numerical_value"),
        Case("score, below the range", "POST", SCORES, scored(numerical_value=-1), (400,), "numerical_value"),
        Case("score, no value", "POST", SCORES, scored(numerical_value=None), (400,), "numerical_value"),
        Case("score, value of another type", "POST", SCORES, scored(numerical_value=None, string_value="x"), (400,), "numerical_value"),
        Case("score, number in words", "POST", SCORES, scored(numerical_value="three"), (400,), "numerical_value"),
        Case("score, unknown choice", "POST", SCORES, scored(evaluator_id="{select}", numerical_value=None, categorical_value=["blue"]), (400,), "blue"),
        Case("score, two of one choice", "POST", SCORES, scored(evaluator_id="{select}", numerical_value=None, categorical_value=["red", "green"]), (400,), "categorical_value"),
        Case("score, custom slug, json that is none", "POST", SCORES, {"log_id": "x", "evaluator_slug": "free", "json_value": "{"}, (400,), "json_value"),
        Case("score, custom slug, flag in words", "POST", SCORES, {"log_id": "x", "evaluator_slug": "free", "boolean_value": "perhaps"}, (400,), "boolean_value"),
        Case("score, no evaluator", "POST", SCORES, {"log_id": "x", "numerical_value": 1}, (400,), "evaluator_id"),
        Case("score, no log", "POST", SCORES, {"evaluator_slug": "free", "numerical_value": 1}, (400,), "log_id"),
        Case("score, unknown evaluator", "POST", SCORES, scored(evaluator_id="{unknown}"), (400, 404), "evaluator"),
        Case("score, unknown dataset", "POST", SCORES, scored(dataset_id="{unknown}"), (400, 404), "dataset"),
        Case("score, explanation a list", "POST", SCORES, scored(explanation=["x"]), (400,), "explanation"),
        Case("score, array body", "POST", SCORES, [], (400,), "object"),
        Case("score of a log, unknown log", "POST", "/api/logs/nothing/scores/", {"evaluator_slug": "free", "numerical_value": 1}, (404,), "detail"),
        Case("score of a log, out of range", "POST", "/api/logs/{row}/scores/", {"evaluator_id": "{numbers}", "dataset_id": "{dataset}", "numerical_value": 6}, (400,), "numerical_value"),
        Case("change score, out of range", "PATCH", one, {"numerical_value": 60}, (400,), "numerical_value"),
        Case("change score, nothing left", "PATCH", one, {"numerical_value": None}, (400,), "numerical_value"),
        Case("replace score, nothing", "PUT", one, {}, (400,), "numerical_value"),
        Case("replace score, out of range", "PUT", one, {"numerical_value": -60}, (400,), "numerical_value"),
        Case("score, unknown", "GET", SCORES + "{unknown}/", None, (404,), "detail"),
        Case("score, no id", "GET", SCORES + "nothing/", None, (404,), "detail"),
        Case("delete score, unknown", "DELETE", SCORES + "{unknown}/", None, (404,), "detail"),
        Case("change score, unknown", "PATCH", SCORES + "{unknown}/", {"numerical_value": 1}, (404,), "detail"),
        Case("score through another log", "GET", "/api/logs/nothing/scores/{score}/", None, (404,), "detail"),
        Case("scores, unknown field", "POST", SCORES + "list/", {"filters": {"colour": {"operator": "", "value": 1}}}, (400,), "colour"),
        Case("scores, unknown sort", "POST", SCORES + "list/?sort_by=colour", {}, (400,), "created_at"),
        Case("scores, start in words", "GET", SCORES + "?start_time=noon", None, (400,), "start_time"),
        Case("scores of an unknown log", "GET", "/api/logs/nothing/scores/", None, (404,), "detail"),
    ]  # fmt: skip


def provider_cases() -> list[Case]:
    """Settings of the provider."""
    good = {"base_url": "http://127.0.0.1:9/v1"}
    cases = [
        Case(f"provider, {name} {value!r}", "PUT", PROVIDER, {**good, name: value}, (400,), name)
        for name, value in (
            ("base_url", ""), ("base_url", "ftp://example.org"), ("base_url", "nowhere"), ("base_url", 7), ("concurrency", 0),
            ("concurrency", "many"), ("timeout_seconds", 0), ("attempts", 0), ("attempts", 1000), ("requests_per_minute", 0),
            ("prices", []), ("prices", {"m": {"input_per_million": -1}}), ("prices", {"m": {"colour": 1}}),
            ("api_key", 7), ("colour", "red"), ("default_model", 7),
        )
    ]  # fmt: skip
    return [*cases, Case("provider, nothing", "PUT", PROVIDER, {}, (400,), "base_url")]


CASES: list[Case] = [*definition_cases(), *evaluator_cases(), *score_cases(), *provider_cases()]
