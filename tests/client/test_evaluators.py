"""Every method of `client.evaluators` of the newest client but the one that runs them, on nothing and on something.

Knows the client's methods and contract F.1. Running an evaluator is tested elsewhere.
"""

from __future__ import annotations

from typing import Any

import pytest
import respan
from client.checks import Checks
from harness.api import Api
from respan.core.api_error import ApiError
from respan.evaluators import (
    CreateEvaluatorRequestCategoricalChoicesItem,
    CreateEvaluatorRequestCodeConfig,
    CreateEvaluatorRequestLlmConfig,
    CreateEvaluatorRequestScoreConfig,
    CreateEvaluatorRequestScoreConfigChoicesItem,
    UpdateEvaluatorRequestLlmConfig,
)

EXERCISED = {
    "create_evaluator", "list_evaluators", "get_filtered_evaluators_summary", "retrieve_evaluator", "replace_evaluator",
    "update_evaluator", "delete_evaluator", "list_evaluator_versions", "create_evaluator_version",
    "retrieve_evaluator_version", "replace_evaluator_version", "update_evaluator_version",
}  # fmt: skip
ELSEWHERE = {"run_evaluator"}
TEMPLATE = "Rate the answer.\n<input>{{input}}</input>\n<output>{{output}}</output>"
SNIPPET = "def main(eval_inputs):\n    return len(str(eval_inputs['output']))\n"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def test_no_method_of_the_client_is_left_out(client: Any, check: Checks) -> None:
    public = {name for name in dir(client.evaluators) if not name.startswith("_") and name != "with_raw_response"}
    check.equal("every evaluators method is exercised here or elsewhere", public, EXERCISED | ELSEWHERE)


def test_nothing(client: Any, check: Checks) -> None:
    evaluators = client.evaluators
    listed = check.returns("list_evaluators, none", lambda: evaluators.list_evaluators(page=1, page_size=100))
    check.equal("none are listed", (listed.count, listed.results, listed.next, listed.previous), (0, [], None, None))
    summary = check.returns("summary, none", lambda: evaluators.get_filtered_evaluators_summary())
    check.equal("none are counted", summary.total_count, 0)
    for name, call in {
        "retrieve_evaluator": lambda: evaluators.retrieve_evaluator(UNKNOWN),
        "replace_evaluator": lambda: evaluators.replace_evaluator(UNKNOWN, name="x"),
        "update_evaluator": lambda: evaluators.update_evaluator(UNKNOWN, name="x"),
        "delete_evaluator": lambda: evaluators.delete_evaluator(UNKNOWN),
        "list_evaluator_versions": lambda: evaluators.list_evaluator_versions(UNKNOWN),
        "create_evaluator_version": lambda: evaluators.create_evaluator_version(UNKNOWN),
        "retrieve_evaluator_version": lambda: evaluators.retrieve_evaluator_version(UNKNOWN, 0),
        "replace_evaluator_version": lambda: evaluators.replace_evaluator_version(UNKNOWN, 0, name="x"),
        "update_evaluator_version": lambda: evaluators.update_evaluator_version(UNKNOWN, 0, name="x"),
    }.items():
        error = check.raises(
            f"{name} of an unknown id", ApiError if name == "delete_evaluator" else respan.NotFoundError, call
        )
        check.equal(f"{name} of an unknown id is 404", error.status_code, 404)


@pytest.fixture(scope="module")
def judge(client: Any, check: Checks) -> Any:
    """An LLM evaluator with something in every member that the client can send."""
    return check.returns(
        "create_evaluator, LLM",
        lambda: client.evaluators.create_evaluator(
            name="Response Quality",
            evaluator_slug="response_quality",
            type="llm",
            score_value_type="numerical",
            eval_class="keywordsai_custom_llm",
            description="How good is the answer?",
            score_config=CreateEvaluatorRequestScoreConfig(min_score=1.0, max_score=5.0),
            passing_conditions={"primary_score": {"operator": "gte", "value": 3}},
            llm_config=CreateEvaluatorRequestLlmConfig(
                model="gpt-4o-mini",
                evaluator_definition=TEMPLATE,
                scoring_rubric="1=Poor, 5=Excellent",
                temperature=0.1,
                max_tokens=200,
                stop=["END"],
                response_format={"type": "json_object"},
                tools=[],
                tool_choice="auto",
                verbosity="low",
            ),
            code_config=CreateEvaluatorRequestCodeConfig(eval_code_snippet=SNIPPET),
            configurations={"scoring_rubric": "old"},
            starred=True,
        ),
    )


def test_created_evaluator(client: Any, check: Checks, judge: Any) -> None:
    check.equal(
        "it starts as draft 0", (judge.version, judge.is_read_only, judge.version_description), (0, False, None)
    )
    check.equal(
        "identity", (judge.name, judge.evaluator_slug, judge.type), ("Response Quality", "response_quality", "llm")
    )
    check.equal("value type", (judge.score_value_type, judge.eval_class), ("numerical", "keywordsai_custom_llm"))
    check.equal("bounds", (judge.score_config.min_score, judge.score_config.max_score), (1.0, 5.0))
    check.equal("passing conditions", judge.passing_conditions, {"primary_score": {"operator": "gte", "value": 3}})
    config = judge.llm_config
    check.equal("model and template", (config.model, config.evaluator_definition), ("gpt-4o-mini", TEMPLATE))
    check.equal("parameters", (config.temperature, config.max_tokens, config.stop), (0.1, 200, ["END"]))
    check.equal("code stands beside it", judge.code_config.eval_code_snippet, SNIPPET)
    check.equal("legacy settings", judge.configurations, {"scoring_rubric": "old"})
    check.equal("star, tags, public", (judge.starred, judge.tags, judge.is_public), (True, [], False))
    check("times are times", judge.created_at and judge.updated_at, judge)
    for name, reference in {
        "id": judge.id, "slug": "response_quality", "version id": judge.version_id, "id:version": f"{judge.id}:0",
    }.items():  # fmt: skip
        found = check.returns(
            f"retrieve_evaluator by {name}", lambda at=reference: client.evaluators.retrieve_evaluator(at)
        )
        check.equal(f"the same by {name}", found.model_dump(), judge.model_dump())


def test_kinds_and_defaults(client: Any, check: Checks) -> None:
    create = client.evaluators.create_evaluator
    human = check.returns("create with nothing but a name", lambda: create(name="People decide"))
    check.equal("a person's, numerical", (human.type, human.score_value_type), ("human", "numerical"))
    check.equal("slug from the name", human.evaluator_slug, "people_decide")
    check.equal("slug with a number", create(name="People decide").evaluator_slug, "people_decide_2")
    code = check.returns(
        "create_evaluator, code",
        lambda: create(
            name="Length",
            code_config=CreateEvaluatorRequestCodeConfig(eval_code_snippet=SNIPPET),
            score_value_type="numerical",
        ),
    )
    check.equal("the type follows the configuration", (code.type, code.llm_config), ("code", None))
    select = check.returns(
        "create_evaluator, select",
        lambda: create(
            name="Tone",
            type="human",
            score_value_type="single_select",
            score_config=CreateEvaluatorRequestScoreConfig(
                choices=[
                    CreateEvaluatorRequestScoreConfigChoicesItem(name="warm", value=1),
                    CreateEvaluatorRequestScoreConfigChoicesItem(name="cold", value=False),
                ]
            ),
        ),
    )
    check.equal(
        "choices",
        [(choice.name, choice.value) for choice in select.score_config.choices],
        [("warm", 1), ("cold", False)],
    )
    check.equal(
        "choices where old readers look", [choice.name for choice in select.categorical_choices], ["warm", "cold"]
    )
    old = check.returns(
        "create_evaluator, legacy",
        lambda: create(
            name="Old",
            type="human_categorical",
            score_value_type="categorical",
            categorical_choices=[CreateEvaluatorRequestCategoricalChoicesItem(name="a", value="A")],
            configurations={"passing_score": 3},
        ),
    )
    check.equal("legacy choices", [choice.value for choice in old.categorical_choices], ["A"])


def test_changes(client: Any, api: Api, check: Checks) -> None:
    evaluators = client.evaluators
    made = evaluators.create_evaluator(
        name="Changing",
        llm_config=CreateEvaluatorRequestLlmConfig(model="m", evaluator_definition=TEMPLATE, temperature=1.0),
    )
    changed = check.returns(
        "update_evaluator",
        lambda: evaluators.update_evaluator(
            made.id, description="words", llm_config=UpdateEvaluatorRequestLlmConfig(top_p=0.5, temperature=None)
        ),
    )
    config = changed.llm_config
    check.equal("update merges key by key", (config.model, config.top_p, config.temperature), ("m", 0.5, None))
    check.equal(
        "update keeps the rest", (changed.name, changed.description, changed.type), ("Changing", "words", "llm")
    )
    cleared = check.returns(
        "update with null", lambda: evaluators.update_evaluator(made.id, type="human", llm_config=None)
    )
    check.equal("null is not absent", (cleared.llm_config, cleared.description), (None, "words"))
    api.expect(200, "PATCH", f"/api/evaluators/{made.id}/", {"tags": [12, "vip"]})
    tagged = check.returns("retrieve with tags", lambda: evaluators.retrieve_evaluator(made.id))
    check.equal("tags are objects", [tag.name for tag in tagged.tags], ["12", "vip"])
    check("tag ids are integers", tagged.tags[0].id == 12 and isinstance(tagged.tags[1].id, int), tagged.tags)
    put = check.returns("replace_evaluator", lambda: evaluators.replace_evaluator(made.id, name="Anew", starred=True))
    check.equal(
        "replace resets what is left out", (put.name, put.description, put.starred, put.tags), ("Anew", "", True, [])
    )
    check.equal(
        "replace keeps identity", (put.id, put.version_id, put.evaluator_slug), (made.id, made.version_id, "changing")
    )
    check.equal(
        "delete_evaluator", check.returns("delete_evaluator", lambda: evaluators.delete_evaluator(made.id)), None
    )
    gone = check.raises("it is gone", respan.NotFoundError, lambda: evaluators.retrieve_evaluator(made.id))
    check("404 names it", made.id in gone.body["detail"], gone.body)


def test_versions(client: Any, check: Checks) -> None:
    evaluators = client.evaluators
    made = evaluators.create_evaluator(
        name="Versions", code_config=CreateEvaluatorRequestCodeConfig(eval_code_snippet=SNIPPET)
    )
    only = check.returns("list_evaluator_versions, one", lambda: evaluators.list_evaluator_versions(made.id))
    check.equal("one draft", [(row.version, row.is_read_only) for row in only.results], [(0, False)])
    second = check.returns(
        "create_evaluator_version",
        lambda: evaluators.create_evaluator_version(made.id, version_description="first", description="better"),
    )
    check.equal("the next draft", (second.id, second.version, second.is_read_only), (made.id, 1, False))
    check.equal("with the body applied", (second.description, second.version_description), ("better", None))
    first = check.returns("retrieve_evaluator_version", lambda: evaluators.retrieve_evaluator_version(made.id, 0))
    check.equal(
        "the committed one", (first.is_read_only, first.version_description, first.description), (True, "first", "")
    )
    for name, call in {
        "update_evaluator_version": lambda: evaluators.update_evaluator_version(made.id, 0, name="x"),
        "replace_evaluator_version": lambda: evaluators.replace_evaluator_version(made.id, 0, name="x"),
    }.items():
        error = check.raises(f"{name} of a committed version", respan.ForbiddenError, call)
        check("403 has a detail", isinstance(error.body["detail"], str), error.body)
    patched = check.returns(
        "update_evaluator_version", lambda: evaluators.update_evaluator_version(made.id, 1, description="best")
    )
    check.equal("the draft changes", (patched.description, patched.version), ("best", 1))
    put = check.returns(
        "replace_evaluator_version", lambda: evaluators.replace_evaluator_version(made.id, 1, name="All new")
    )
    check.equal("the draft is replaced", (put.name, put.description, put.code_config), ("All new", "", None))
    for _ in range(3):
        evaluators.create_evaluator_version(made.id)
    page = check.returns("versions, a page", lambda: evaluators.list_evaluator_versions(made.id, page=2, page_size=2))
    check.equal("newest first", [row.version for row in page.results], [2, 1])
    check.equal("exact count and links", (page.count, bool(page.next), bool(page.previous)), (5, True, True))
    check.equal("bare id is the draft", evaluators.retrieve_evaluator(made.id).version, 4)
    check.equal("id:version is that version", evaluators.retrieve_evaluator(f"{made.id}:0").name, "Versions")
    evaluators.delete_evaluator(made.id)
    check.raises("versions go with it", respan.NotFoundError, lambda: evaluators.retrieve_evaluator_version(made.id, 0))


def test_lists(client: Any, check: Checks, judge: Any) -> None:
    evaluators = client.evaluators
    for number in range(5):
        evaluators.create_evaluator(name=f"listed {number}", description=f"d{number % 2}")
    evaluators.create_evaluator_version(evaluators.retrieve_evaluator("listed_3").id)
    filters = {"name": {"operator": "startswith", "value": "listed"}}
    page = check.returns(
        "list_evaluators",
        lambda: evaluators.list_evaluators(page=1, page_size=2, sort_by="-name", filters=filters),
    )
    check.equal("filter, sort and page", [row.name for row in page.results], ["listed 4", "listed 3"])
    check.equal("only the last version of each", (page.count, page.results[1].version_count), (5, 2))
    check("filters are echoed, next is given", "name" in page.current_filters and page.next, page)
    last = check.returns(
        "last page", lambda: evaluators.list_evaluators(page=3, page_size=2, sort_by="-name", filters=filters)
    )
    check.equal("rest on page 3", ([row.name for row in last.results], last.next), (["listed 0"], None))
    starred = check.returns(
        "list by star and type",
        lambda: evaluators.list_evaluators(
            filters={"starred": {"operator": "", "value": True}, "type": {"operator": "in", "value": ["llm"]}}
        ),
    )
    check.equal("the starred one", [row.id for row in starred.results], [judge.id])
    ignored = check.returns("is_exporting is ignored", lambda: evaluators.list_evaluators(is_exporting=True))
    check("it still lists", ignored.count > 5, ignored.count)
    some = check.returns(
        "get_filtered_evaluators_summary",
        lambda: evaluators.get_filtered_evaluators_summary(
            filters={**filters, "description": {"operator": "", "value": "d1"}}
        ),
    )
    check.equal("counted", some.total_count, 2)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "empty name": ({"name": ""}, "name"),
    "LLM without a template": ({"name": "x", "type": "llm"}, "llm_config.evaluator_definition"),
    "template without output": ({"name": "x", "llm_config": {"evaluator_definition": "{{input}}"}}, "llm_config.evaluator_definition"),
    "temperature in words": ({"name": "x", "llm_config": {"evaluator_definition": "{{output}}", "temperature": "hot"}}, "llm_config.temperature"),
    "code without a snippet": ({"name": "x", "type": "code"}, "code_config.eval_code_snippet"),
    "select without choices": ({"name": "x", "score_value_type": "multi_select"}, "score_config.choices"),
    "bounds upside down": ({"name": "x", "score_config": {"min_score": 5, "max_score": 1}}, "score_config.min_score"),
    "taken slug": ({"name": "x", "evaluator_slug": "response_quality"}, "evaluator_slug"),
    "slug that is an id": ({"name": "x", "evaluator_slug": UNKNOWN}, "evaluator_slug"),
    "unknown value type": ({"name": "x", "score_value_type": "colour"}, "score_value_type"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_errors(client: Any, check: Checks, judge: Any, name: str) -> None:
    body, field = BAD[name]
    before = client.evaluators.list_evaluators().count
    error = check.raises(f"{name} is 400", respan.BadRequestError, lambda: client.evaluators.create_evaluator(**body))
    check(f"{name} names {field}", field in error.body["errors"], error.body)
    check.equal(f"{name} creates nothing", client.evaluators.list_evaluators().count, before)


def test_forms_of_the_older_clients(api: Api, check: Checks, judge: Any) -> None:
    """GET lists and summaries (up to 0.1.25), paths without prefix and slash (legacy SDK)."""
    for path in ("/api/evaluators/", "/evaluators", "/evaluators/"):
        page = api.expect(200, "GET", f"{path}?search=QUALITY&page_size=5")
        check.equal(f"GET {path} searches", [row["id"] for row in page["results"]], [judge.id])
    check.equal("GET summary", api.expect(200, "GET", "/api/evaluators/summary/?type=llm")["total_count"], 1)
    one = api.expect(200, "GET", f"/evaluators/{judge.id}")
    check.equal(
        "slug is a copy", (one["slug"], one["custom_required_fields"], one["organization"]), ("response_quality", [], 1)
    )
    keys = {"id", "name", "type", "score_value_type", "version_id", "version", "is_read_only"}
    check("T17 keys are there", keys <= set(one), one)
