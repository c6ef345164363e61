use evalset_columns::*;
use evalset_model::field::Field;
use evalset_model::filter::*;
use evalset_model::log::Log;
use evalset_model::ids::LogId;
use evalset_model::page::Sort;
use evalset_model::scalar::Scalar;
use serde_json::{Map, json};
use std::time::Instant;
fn mix(n: u64) -> u64 { let mut z = n.wrapping_mul(0x9E37_79B9_7F4A_7C15); z = (z ^ z>>30).wrapping_mul(0xBF58_476D_1CE4_E5B9); z ^ z>>27 }
fn med(name: &str, mut f: impl FnMut() -> u64) {
    let mut t: Vec<f64> = (0..9).map(|_| { let s = Instant::now(); std::hint::black_box(f()); s.elapsed().as_secs_f64()*1e3 }).collect();
    let first = t[0];
    t.sort_by(f64::total_cmp);
    println!("{name:45} median {:8.3} ms  first {first:8.3} max {:8.3}  -> {}", t[4], t[8], f());
}
fn main_for(rising: bool) {
    let n = 1_000_000u64;
    let mut c = Columns::new(&ColumnLimits { metadata_columns: 1000 });
    let scores = Map::new();
    let mut spent = 0.0;
    for i in 0..n {
        let r = mix(i + 1);
        let t = 1_767_225_600_000u64 + i / 3;
        let low = if rising { i } else { r };
        let id = format!("{:012x}7{:03x}8{:015x}", t, if rising { i % 3 } else { r & 0xfff }, low & 0xfff_ffff_ffff_ffff);
        let mut log = Log::new(LogId(id));
        let s = &mut log.scalars;
        s.set(Field::Timestamp, Some(Scalar::Time((t * 1000) as i64)));
        s.set(Field::StartTime, Some(Scalar::Time((t * 1000) as i64 - 5000)));
        for (f, k) in [(Field::Environment, 2), (Field::LogType, 5), (Field::LogMethod, 3), (Field::Model, 12), (Field::ProviderId, 4), (Field::PromptName, 30)] {
            s.set_text(f, format!("{}-{}", f.name(), (r >> 7) % k));
        }
        s.set_text(Field::CustomerIdentifier, format!("customer_{:06}", r % 40_000));
        s.set_text(Field::TraceUniqueId, format!("{:016x}{:016x}", mix(r), r));
        s.set_text(Field::Status, if r % 20 == 0 { "error" } else { "success" });
        s.set(Field::StatusCode, Some(Scalar::Int(if r % 20 == 0 { 500 } else { 200 })));
        s.set(Field::Failed, Some(Scalar::Bool(r % 20 == 0)));
        for f in [Field::PromptTokens, Field::CompletionTokens, Field::TotalRequestTokens] { s.set(f, Some(Scalar::Int((r % 4000) as i64))); }
        for f in [Field::Cost, Field::Latency, Field::TimeToFirstToken, Field::TokensPerSecond, Field::Temperature] { s.set(f, Some(Scalar::Float((mix(r + f.index() as u64) % 1_000_000) as f64 / 1e4))); }
        for f in [Field::CacheHit, Field::Stream, Field::IsRootSpan, Field::HasToolCalls] { s.set(f, Some(Scalar::Bool(r >> 9 & 1 == 1))); }
        log.metadata = json!({"tier": format!("t{}", r % 4), "turns": r % 30, "user": {"id": format!("u{}", r % 5000), "age": r % 90}, "tags": ["a", format!("x{}", r % 10)], "vip": r % 7 == 0}).as_object().unwrap().clone();
        let begin = Instant::now();
        c.append(i as i64 + 1, LogRef { id: log.id.as_str(), scalars: &log.scalars, metadata: &log.metadata, scores: &scores });
        spent += begin.elapsed().as_secs_f64();
    }
    println!("== rising {rising}: append {:.2} us/row, memory {:.0} B/row", spent * 1e6 / n as f64, c.memory_bytes() as f64 / n as f64);
    let lit_t = |t: &str| Literal { text: Some(t.into()), ..Default::default() };
    let lit_n = |v: f64| Literal { number: Some(v), ..Default::default() };
    let cmp = |field, test| Tree::Compare(Compare { field, test });
    let sc = LogField::Scalar;
    let meta = |k: &str| LogField::Metadata(k.into());
    let filters: Vec<(&str, LogFilter)> = vec![
        ("all", Tree::all()),
        ("status_code=200 & model=x", Tree::And(vec![cmp(sc(Field::StatusCode), Test::AnyOf(vec![lit_n(200.0)])), cmp(sc(Field::Model), Test::AnyOf(vec![lit_t("model-3")]))])),
        ("cost>50", cmp(sc(Field::Cost), Test::Ordered(Order::Greater, lit_n(50.0)))),
        ("metadata tier=t1", cmp(meta("tier"), Test::AnyOf(vec![lit_t("t1")]))),
        ("metadata turns>=20 & not vip", Tree::And(vec![cmp(meta("turns"), Test::Ordered(Order::GreaterOrEqual, lit_n(20.0))), Tree::Not(Box::new(cmp(meta("vip"), Test::AnyOf(vec![Literal { boolean: Some(true), ..Default::default() }]))))])),
        ("metadata user.id=u77", cmp(meta("user.id"), Test::AnyOf(vec![lit_t("u77")]))),
        ("metadata tags has x3", cmp(meta("tags"), Test::AnyOf(vec![lit_t("x3")]))),
        ("customer icontains 123", cmp(sc(Field::CustomerIdentifier), Test::Contains { needles: vec!["123".into()], fold: true })),
        ("trace contains abc (distinct)", cmp(sc(Field::TraceUniqueId), Test::Contains { needles: vec!["abc".into()], fold: false })),
        ("timestamp range", cmp(sc(Field::Timestamp), Test::Ordered(Order::Less, Literal { time: Some(1_767_225_600_000_000 + 100_000_000), ..Default::default() }))),
        ("error or cost>99", Tree::Or(vec![cmp(sc(Field::Status), Test::AnyOf(vec![lit_t("error")])), cmp(sc(Field::Cost), Test::Ordered(Order::Greater, lit_n(99.0)))])),
    ];
    for (name, f) in &filters {
        med(&format!("filter {name}"), || c.count(&c.evaluate(f).yes));
    }
    let all = c.everything();
    for (field, desc) in [(sc(Field::Timestamp), true), (sc(Field::Timestamp), false), (LogField::Id, true), (LogField::Id, false), (sc(Field::Cost), true), (sc(Field::StatusCode), false), (sc(Field::Model), true), (sc(Field::CustomerIdentifier), false), (sc(Field::TraceUniqueId), true), (meta("turns"), true), (meta("user.id"), false), (meta("tags"), false), (sc(Field::Note), true)] {
        let sort = Sort { field: field.clone(), descending: desc };
        med(&format!("page0 {} {desc}", field.name()), || c.page(&all, &sort, 0, 25).len() as u64);
        med(&format!("page@500k {} {desc}", field.name()), || c.page(&all, &sort, 500_000, 25).len() as u64);
    }
    let f = &filters[1].1;
    let sort = Sort { field: sc(Field::Timestamp), descending: true };
    med("filter+count+page", || { let v = c.evaluate(f); c.count(&v.yes) + c.page(&v.yes, &sort, 0, 25).len() as u64 });
    for (field, desc) in [(sc(Field::Timestamp), true), (sc(Field::Cost), true), (sc(Field::StatusCode), false), (sc(Field::TraceUniqueId), false)] {
        let sort = Sort { field: field.clone(), descending: desc };
        med(&format!("order {} {desc}", field.name()), || c.order(&all, Some(&sort)).len() as u64);
    }
    med("order none", || c.order(&all, None).len() as u64);
    med("sums all", || c.sums(&all).rows);
    let some = c.evaluate(&filters[1].1).yes;
    med("sums filtered 8%", || c.sums(&some).rows);
    med("groups model", || c.groups(&all, &sc(Field::Model)).len() as u64);
    med("groups customer 40k", || c.groups(&all, &sc(Field::CustomerIdentifier)).len() as u64);
    med("groups metadata tier", || c.groups(&all, &meta("tier")).len() as u64);
    let mut h = 0u64;
    med("for_each_id", || { c.for_each_id(&all, |_, id| h = h.wrapping_add(id.len() as u64)); h });
}
#[test]
#[ignore]
fn timing() { main_for(true); main_for(false); }
