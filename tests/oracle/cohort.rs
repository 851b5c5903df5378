//! Cohorts by month of first payment: the accounts and MRR that remain at the end of each month.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::kpi::{Member, Period};

/// Key of a cohort line: scope and cohort, as JSON text.
pub type Key = (String, String);

/// Every line, by scope and cohort; `months` are the complete ones, in order.
pub fn cohorts(members: &[Member<'_>], months: &[Period]) -> BTreeMap<Key, Value> {
    let mut lines: BTreeMap<Key, Value> = BTreeMap::new();
    for member in members {
        let account = &member.account;
        let Some(first) = account.first_paid() else { continue };
        let label = |at| account.settings.zone.date(at).strftime("%Y-%m").to_string();
        let is_opening = |at| account.movements(i64::MIN / 2, account.t).into_iter().any(|m| m.kind == "opening" && m.at >= at);
        let cohort = if is_opening(first) { "before".to_owned() } else { label(first) };
        let followed = months.iter().filter(|month| cohort == "before" || label(month.to) >= cohort);
        let cells: Vec<Value> = followed
            .map(|month| {
                let mrr = account.mrr(month.to);
                json!({ "month": label(month.to), "accounts": i64::from(mrr > 0), "mrr": mrr })
            })
            .collect();
        let mut scopes = vec![json!({})];
        for kind in ["segment", "plan", "csm"] {
            scopes.extend(account.profile_text(kind).map(|name| json!({ kind: name })));
        }
        for scope in scopes {
            let own = json!({ "cohort": cohort, "scope": scope, "accounts": 1, "mrr": account.mrr(first), "months": cells });
            let line = lines.entry((scope.to_string(), cohort.clone()));
            line.and_modify(|line| add(line, &own)).or_insert(own);
        }
    }
    lines
}

fn add(line: &mut Value, own: &Value) {
    for name in ["accounts", "mrr"] {
        line[name] = json!(line[name].as_i64().unwrap() + own[name].as_i64().unwrap());
    }
    if let Some(cells) = line["months"].as_array_mut() {
        cells.iter_mut().zip(own["months"].as_array().unwrap()).for_each(|(cell, own)| {
            for name in ["accounts", "mrr"] {
                cell[name] = json!(cell[name].as_i64().unwrap() + own[name].as_i64().unwrap());
            }
        });
    }
}
