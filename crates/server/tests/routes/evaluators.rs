//! `/api/evaluators/`

use evalset_testkit::with_app;
use serde_json::{Value, json};

fn judge() -> Value {
    json!({"name": "Response quality", "type": "llm", "score_value_type": "numerical",
        "score_config": {"min_score": 1, "max_score": 5},
        "passing_conditions": {"primary_score": {"operator": "gte", "value": 3}},
        "llm_config": {"model": "gpt-4o-mini", "evaluator_definition": "Rate {{output}}", "temperature": 0, "stop": "END"}})
}

#[tokio::test]
async fn an_evaluator_is_created_read_changed_and_deleted() {
    with_app(async |server| {
        let made = server.post("/api/evaluators/", judge()).await.expect_status(201);
        assert_eq!((&made["version"], &made["is_read_only"], &made["version_count"]), (&json!(0), &json!(false), &json!(1)));
        assert_eq!((&made["evaluator_slug"], &made["slug"]), (&json!("response_quality"), &json!("response_quality")));
        assert_eq!(made["score_config"], json!({"min_score": 1.0, "max_score": 5.0}));
        assert_eq!(made["llm_config"]["stop"], json!(["END"]));
        assert_eq!((&made["code_config"], &made["categorical_choices"]), (&Value::Null, &Value::Null));
        assert_eq!((&made["configurations"], &made["tags"], &made["organization"]), (&json!({}), &json!([]), &json!(1)));
        let id = made["id"].as_str().unwrap();
        let path = format!("/api/evaluators/{id}/");
        for reference in [id, "response_quality", made["version_id"].as_str().unwrap(), &format!("{id}:0"), "response_quality:0"] {
            assert_eq!(server.get(&format!("/evaluators/{reference}")).await.expect_status(200), made, "{reference}");
        }

        let patch = json!({"llm_config": {"temperature": null, "top_p": 0.5}, "starred": true, "tags": ["vip", 7], "eval_class": "x"});
        let changed = server.patch(&path, patch).await.expect_status(200);
        let config = json!({"model": "gpt-4o-mini", "evaluator_definition": "Rate {{output}}", "stop": ["END"], "top_p": 0.5});
        assert_eq!((&changed["llm_config"], &changed["eval_class"]), (&config, &json!("x")));
        assert_eq!(changed["tags"][1], json!({"id": 7, "name": "7", "color": ""}));
        assert!(changed["tags"][0]["id"].as_u64().is_some_and(|id| id > 7) && changed["tags"][0]["name"] == "vip");
        assert_eq!((&changed["name"], &changed["starred"]), (&json!("Response quality"), &json!(true)));
        assert_eq!(server.get(&path).await.expect_status(200), changed);

        let put = json!({"name": "Only people", "evaluator_slug": "response_quality"});
        let replaced = server.put(&path, put).await.expect_status(200);
        assert_eq!((&replaced["type"], &replaced["llm_config"], &replaced["starred"]), (&json!("human"), &Value::Null, &json!(false)));
        assert_eq!((&replaced["id"], &replaced["version_id"]), (&made["id"], &made["version_id"]));
        server.put(&path, json!({"description": "no name"})).await.expect_status(400);

        assert_eq!(server.delete(&path, None).await.status, 204);
        let gone = server.get(&path).await.expect_status(404);
        assert!(gone["detail"].as_str().unwrap().contains(id), "{gone}");
        assert_eq!(server.delete(&path, None).await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn slugs_are_unique_and_fixed() {
    with_app(async |server| {
        let slug = async |body: Value| {
            server.post("/api/evaluators/", body).await.expect_status(201)["evaluator_slug"].clone()
        };
        assert_eq!(slug(json!({"name": "Same name"})).await, "same_name");
        assert_eq!(slug(json!({"name": "Same name!"})).await, "same_name_2");
        assert_eq!(slug(json!({"name": "Other", "evaluator_slug": "Mine-1"})).await, "Mine-1");
        for (taken, says) in
            [("same_name", "already"), ("a:1", "version number"), ("00000000-0000-0000-0000-000000000001", "UUID")]
        {
            let refused =
                server.post("/api/evaluators/", json!({"name": "x", "evaluator_slug": taken})).await.expect_status(400);
            assert!(refused["errors"]["evaluator_slug"][0].as_str().unwrap().contains(says), "{refused}");
        }
        let refused =
            server.patch("/api/evaluators/Mine-1/", json!({"evaluator_slug": "other"})).await.expect_status(400);
        assert!(refused["detail"].as_str().unwrap().contains("Mine-1"), "{refused}");
        server.patch("/api/evaluators/Mine-1/", json!({"evaluator_slug": "Mine-1"})).await.expect_status(200);
        server.delete("/api/evaluators/same_name/", None).await.expect_status(204);
        assert_eq!(slug(json!({"name": "Same name"})).await, "same_name");
    })
    .await;
}

#[tokio::test]
async fn bad_bodies_name_the_member() {
    let llm = |change: Value| {
        let mut config = json!({"model": "m", "evaluator_definition": "{{ output }}"});
        config.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({"name": "x", "type": "llm", "llm_config": config})
    };
    let code = |config: Value| json!({"name": "x", "code_config": config});
    with_app(async |server| {
        for (body, field) in [
            (json!({}), "name"),
            (json!({"name": " "}), "name"),
            (json!({"name": "x", "type": "colour"}), "type"),
            (json!({"name": "x", "score_value_type": "colour"}), "score_value_type"),
            (json!({"name": "x", "type": "llm"}), "llm_config.evaluator_definition"),
            (llm(json!({"evaluator_definition": "Rate {{input}}"})), "llm_config.evaluator_definition"),
            (llm(json!({"model": ""})), "llm_config.model"),
            (llm(json!({"model": 5})), "llm_config.model"),
            (llm(json!({"temperature": "hot"})), "llm_config.temperature"),
            (llm(json!({"max_tokens": 0})), "llm_config.max_tokens"),
            (llm(json!({"stop": [1]})), "llm_config.stop"),
            (llm(json!({"tools": {}})), "llm_config.tools"),
            (json!({"name": "x", "type": "code"}), "code_config.eval_code_snippet"),
            (code(json!({"eval_code_snippet": 5})), "code_config.eval_code_snippet"),
            (code(json!({"eval_code_snippet": " "})), "code_config.eval_code_snippet"),
            (code(json!({"builtin": "regex", "parameters": []})), "code_config.parameters"),
            (code(json!({"builtin": "regex", "eval_code_snippet": "x"})), "code_config.builtin"),
            (json!({"name": "x", "score_value_type": "single_select"}), "score_config.choices"),
            (json!({"name": "x", "score_config": {"choices": [{"name": "a"}, {"name": "a"}]}}), "score_config.choices"),
            (json!({"name": "x", "score_config": {"min_score": 2, "max_score": 1}}), "score_config.min_score"),
            (json!({"name": "x", "configurations": {"model_options": 1}}), "configurations.model_options"),
            (json!({"name": "x", "starred": "perhaps"}), "starred"),
            (json!({"name": "x", "tags": "a"}), "tags"),
        ] {
            let reply = server.post("/api/evaluators/", body.clone()).await.expect_status(400);
            assert!(reply["errors"].get(field).is_some(), "{body} → {reply}");
        }
        let conditions =
            json!({"name": "x", "passing_conditions": {"primary_score": {"operator": "like", "value": 1}}});
        let reply = server.post("/api/evaluators/", conditions).await.expect_status(400);
        assert!(
            reply["errors"].as_object().unwrap().keys().all(|path| path.starts_with("passing_conditions")),
            "{reply}"
        );
        let large = json!({"name": "x", "description": "x".repeat(600_000)});
        let reply = server.post("/api/evaluators/", large).await.expect_status(413);
        assert!(reply["detail"].as_str().unwrap().contains("evaluator_bytes"), "{reply}");
        assert_eq!(server.get("/api/evaluators/").await.expect_status(200)["count"], 0);
    })
    .await;
}

#[tokio::test]
async fn every_kind_of_evaluator_is_taken() {
    with_app(async |server| {
        let both = json!({"name": "x", "llm_config": {"evaluator_definition": "{{llm_output}}"},
            "code_config": {"builtin": "contains", "parameters": {"values": ["a"]}}});
        let made = server.post("/api/evaluators/", both).await.expect_status(201);
        assert_eq!((&made["type"], &made["llm_config"].get("model")), (&json!("llm"), &None));
        assert_eq!(made["code_config"]["parameters"], json!({"values": ["a"]}));
        let choices = json!([{"name": "good", "value": 1}, {"name": "bad", "value": false}]);
        let select = json!({"name": "x", "score_value_type": "single_select", "score_config": {"choices": choices}});
        let made = server.post("/api/evaluators/", select).await.expect_status(201);
        assert_eq!((&made["categorical_choices"], &made["type"]), (&choices, &json!("human")));
        for (kind, value_type, settings) in [
            ("function", "boolean", json!({"eval_code_snippet": "def evaluate(llm_input, llm_output, **kwargs): ..."})),
            ("llm", "numerical", json!({"evaluator_definition": "{{llm_output}}", "passing_score": 3, "min_score": 0})),
            ("code", "json", json!({"eval_code_snippet": "def main(eval_inputs): ..."})),
            ("grounded", "comment", json!({})),
        ] {
            let legacy = json!({"name": "x", "type": kind, "score_value_type": value_type, "configurations": settings});
            let made = server.post("/api/evaluators/", legacy).await.expect_status(201);
            assert_eq!((&made["configurations"], &made["score_value_type"]), (&settings, &json!(value_type)));
        }
        let legacy = json!({"name": "x", "type": "human_categorical", "score_value_type": "categorical", "categorical_choices": choices});
        let made = server.post("/api/evaluators/", legacy).await.expect_status(201);
        assert_eq!((&made["categorical_choices"], &made["score_config"]), (&choices, &Value::Null));
    })
    .await;
}

#[tokio::test]
async fn lists_filter_sort_page_and_count() {
    with_app(async |server| {
        for (name, more) in
            [("alpha", json!({})), ("beta", json!({"starred": true})), ("gamma", json!({"tags": ["vip", "7"]}))]
        {
            let mut body = json!({"name": name, "description": name});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            server.post("/api/evaluators/", body).await.expect_status(201);
        }
        server.post("/api/evaluators/", judge()).await.expect_status(201);
        server.post("/api/evaluators/alpha/versions/", json!({"name": "alpha 2"})).await.expect_status(201);
        let names = |page: &Value| {
            page["results"].as_array().unwrap().iter().map(|row| row["name"].clone()).collect::<Vec<_>>()
        };
        let all =
            server.post("/api/evaluators/list/?sort_by=name", json!({"is_exporting": true})).await.expect_status(200);
        assert_eq!(names(&all), ["Response quality", "alpha 2", "beta", "gamma"]);
        assert_eq!((&all["count"], &all["results"][1]["version_count"]), (&json!(4), &json!(2)));
        let page = server
            .post("/api/evaluators/list/", json!({"page": 2, "page_size": 3, "sort_by": "-name"}))
            .await
            .expect_status(200);
        assert_eq!((names(&page), &page["count"]), (vec![json!("Response quality")], &json!(4)));
        let filters = json!({"filters": {"type": {"operator": "", "value": ["llm"]}}});
        let found = server.post("/api/evaluators/list/", filters.clone()).await.expect_status(200);
        assert_eq!(
            (names(&found), &found["current_filters"]["type"]["value"]),
            (vec![json!("Response quality")], &json!(["llm"]))
        );
        for (query, expected) in [
            ("search=LPH", vec!["alpha 2"]),
            ("search=response_", vec!["Response quality"]),
            ("starred=true", vec!["beta"]),
            ("type=human&starred=false&sort_by=name", vec!["alpha 2", "gamma"]),
            ("score_value_type=boolean", vec![]),
            ("tags=x,vip", vec!["gamma"]),
            ("tags=7", vec!["gamma"]),
            ("search=a&type=human&sort_by=name&page_size=1&page=2", vec!["beta"]),
        ] {
            let found = server.get(&format!("/api/evaluators/?{query}")).await.expect_status(200);
            assert_eq!(names(&found), expected, "{query}");
        }
        let count = async |reply: evalset_testkit::Reply| reply.expect_status(200)["total_count"].clone();
        assert_eq!(count(server.post("/api/evaluators/summary/", filters).await).await, 1);
        assert_eq!(count(server.post("/api/evaluators/summary/", json!({})).await).await, 4);
        assert_eq!(count(server.get("/api/evaluators/summary/").await).await, 4);
        assert_eq!(count(server.get("/api/evaluators/summary/?search=beta").await).await, 1);
        server.post("/api/evaluators/list/?sort_by=version", json!({})).await.expect_status(400);
        let unknown = server.get("/api/evaluators/?colour=red").await.expect_status(400);
        assert!(unknown["detail"].as_str().unwrap().contains("score_value_type"), "{unknown}");
    })
    .await;
}

#[tokio::test]
async fn the_number_of_evaluators_is_bounded() {
    let limits = evalset_model::limits::Limits { evaluators: 1, evaluator_versions: 2, ..Default::default() };
    evalset_testkit::with_limits(evalset_testkit::Under::Memory, limits, async |server| {
        server.post("/api/evaluators/", json!({"name": "a"})).await.expect_status(201);
        let refused = server.post("/api/evaluators/", json!({"name": "b"})).await.expect_status(400);
        assert!(refused["detail"].as_str().unwrap().contains("limits.evaluators"), "{refused}");
        server.post("/api/evaluators/a/versions/", json!({})).await.expect_status(201);
        let refused = server.post("/api/evaluators/a/versions/", json!({})).await.expect_status(400);
        assert!(refused["detail"].as_str().unwrap().contains("limits.evaluator_versions"), "{refused}");
    })
    .await;
}
