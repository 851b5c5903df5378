//! No payload makes a mapping panic, and no file its compilation.

use std::path::Path;

use churnwatch::config::Origin;
use churnwatch::config::mapping::{self, SHIPPED};
use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// JSON whose keys are those of the providers more often than not.
fn json() -> impl Strategy<Value = Value> {
    let keys = "(id|type|topic|event|event_type|webhook_type|data|item|content|subscription|subscription_items|items|price|status|state|properties|fields|issue|plan|unit_amount|object|updated_at|occurred_at|created_at|time|timestamp|0|x)";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "(active|canceled|subscription|subscription_changed|conversation|open|\\PC{0,6}|[0-9]{1,20}|2024-01-01.{0,12}|\\{\"id\":1\\})"
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(keys, inner, 0..8).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_a_shipped_mapping_panic(payload in json(), key in proptest::option::of("\\PC{0,12}"), text in "\\PC{0,40}") {
        for (name, _) in SHIPPED {
            let mapping = mapping::named(name, &Origin::Default, "").unwrap();
            let headers = vec![("X-Lago-Unique-Key".to_owned(), text.clone().into_bytes())];
            for payload in [payload.to_string(), text.clone()] {
                if let Ok(records) = read_record(&mapping, &payload, key.as_deref(), &headers, Some(1_700_000_000_000)) {
                    prop_assert!(records.len() <= 4000);
                }
            }
        }
    }

    #[test]
    fn no_text_makes_compilation_panic(
        lines in prop::collection::vec("(\\[\\[event\\]\\]|\\[\\[event.items\\]\\]|\\[common\\]|\\[tables.x\\]|type = \"(feature_used|account_profile|subscription_changed)\"|(when|each|items|aliases|feature|account_id|status|occurred_at|amount|entitled_features|envelope) = (\"\\^{0,2}/a/0\"|\\{ from = \"/a\", table = \"x\", unit = \"cents\" \\}|\\[\"/a\", 1, \\[\\]\\]|\\{ \"/a\" = \\[\\] \\}|nan|1|\\{\\}|\\{ value = \\[1.5, inf\\] \\}|1979-05-27)|.{0,20})", 0..12),
    ) {
        let text = lines.join("\n");
        if let Ok(mapping) = mapping::of_text(&text, "any", Path::new("any.toml")) {
            let _ = read(&mapping, Stream::Usage, r#"{"a":[1,{"a":"b"}],"b":null}"#);
        }
    }

    #[test]
    fn a_piece_of_a_shipped_mapping_compiles_or_says_why(index in 0_usize..11, from in 0_usize..4000, length in 0_usize..4000) {
        let (name, text) = SHIPPED[index];
        let piece: String = text.chars().skip(from).take(length).collect();
        if let Err(problems) = mapping::of_text(&piece, name, Path::new("piece.toml")) {
            prop_assert!(!problems.0.is_empty());
        }
    }
}
