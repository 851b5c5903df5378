//! `/api/accounts`: lists of accounts, a page at a time as JSON or whole as CSV.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::with_header;
use super::error::ApiError;
use crate::telemetry::{BANDS, Filter, Lists, OwnedRow, Query, Sort, Source, top};

/// Accounts in a list unless `limit` says otherwise.
const LIMIT_DEFAULT: usize = 50;
/// Most accounts in a list.
const LIMIT_MAX: usize = 1_000;
/// Most accounts that a list skips.
const OFFSET_MAX: usize = 100_000;
/// Most accounts in a CSV file.
const CSV_ROWS_MAX: usize = 100_000;

/// Parameters of a list. An empty one counts as absent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    band: Option<String>,
    segment: Option<String>,
    plan: Option<String>,
    csm: Option<String>,
    stage: Option<String>,
    search: Option<String>,
    sort: Option<String>,
    reversed: Option<String>,
    offset: Option<String>,
    limit: Option<String>,
}

/// What the error about an unknown parameter lists.
pub const KNOWN: &str =
    "parameters are band, segment, plan, csm, stage, search, sort, reversed, offset and limit, as in ?band=red&sort=risk&limit=20";

impl Parameters {
    fn query(self) -> Result<Query, ApiError> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let band = given(self.band);
        if let Some(band) = band.as_deref().filter(|band| !BANDS.contains(band)) {
            return Err(ApiError::bad_request(format!("unknown band `{band}`"), format!("use one of {}", BANDS.join(", "))));
        }
        let sort = match given(self.sort) {
            None => Sort::default(),
            Some(wanted) => Sort::NAMED.into_iter().find(|(name, _)| *name == wanted).map(|(_, sort)| sort).ok_or_else(|| {
                let names: Vec<&str> = Sort::NAMED.iter().map(|(name, _)| *name).collect();
                ApiError::bad_request(format!("accounts cannot be sorted by `{wanted}`"), format!("use one of {}", names.join(", ")))
            })?,
        };
        let reversed = match given(self.reversed).as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(wanted) => return Err(ApiError::bad_request(format!("invalid reversed `{wanted}`"), "use true or false")),
        };
        let filter = Filter {
            band,
            segment: given(self.segment),
            plan: given(self.plan),
            csm: given(self.csm),
            stage: given(self.stage),
            search: given(self.search).map(|text| text.to_lowercase()),
        };
        let offset = number("offset", given(self.offset), 0, 0, OFFSET_MAX)?;
        let limit = number("limit", given(self.limit), LIMIT_DEFAULT, 1, LIMIT_MAX)?;
        Ok(Query { filter, sort, reversed, offset, limit, ..Query::default() })
    }
}

fn number(name: &str, given: Option<String>, default: usize, least: usize, most: usize) -> Result<usize, ApiError> {
    let Some(wanted) = given else { return Ok(default) };
    let number = wanted.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| ApiError::bad_request(format!("invalid {name} `{wanted}`"), format!("use a {name} from {least} to {most}")))
}

/// Accounts of a sort order, each with the drivers of its score.
pub fn accounts(source: &dyn Source, lists: &Lists, parameters: Parameters) -> Result<Value, ApiError> {
    let list = lists.get(&parameters.query()?).ok_or_else(|| {
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the list is not ready yet", "ask again; fewer different lists are ready sooner")
    })?;
    Ok(with_header(source, list.as_of, json!({ "matched": list.matched, "accounts": list.accounts })))
}

/// Every account of a list as CSV, with MRR in whole units of the currency; `offset` and `limit` do not count.
pub fn csv(source: &dyn Source, parameters: Parameters) -> Result<String, ApiError> {
    let query = Query { offset: 0, limit: CSV_ROWS_MAX, ..parameters.query()? };
    let (rows, _) = top(source, &query);
    let (currency, digits) = source.currency();
    let head = "account_id,name,segment,plan,csm,stage,band,health,risk,risk_level,mrr,currency,worsened_at";
    let lines = rows.iter().map(|row| line(row, &currency, digits));
    Ok([head.to_owned()].into_iter().chain(lines).flat_map(|line| [line, "\r\n".to_owned()]).collect())
}

fn line(row: &OwnedRow, currency: &str, digits: u32) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let real = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    let fields = [
        row.account_id.clone(),
        text(&row.name),
        text(&row.segment),
        text(&row.plan),
        text(&row.csm),
        row.stage.unwrap_or_default().to_owned(),
        row.band.to_owned(),
        real(row.score),
        real(row.risk),
        row.level.unwrap_or_default().to_owned(),
        row.mrr_minor.map(|minor| rust_decimal::Decimal::new(minor, digits).to_string()).unwrap_or_default(),
        currency.to_owned(),
        row.worsened_at.map(|at| at.to_string()).unwrap_or_default(),
    ];
    fields.map(|field| quoted(&field)).join(",")
}

/// A field of a CSV file (RFC 4180). Text that a spreadsheet would take for a formula begins with an apostrophe: names come from outside.
fn quoted(field: &str) -> String {
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']) && field.parse::<f64>().is_err();
    let field = if is_formula { format!("'{field}") } else { field.to_owned() };
    if field.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_never_become_formulas() {
        let cases = [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "'=1+1"),
            ("@a,b", "\"'@a,b\""),
            ("-12.5", "-12.5"),
            ("-12x", "'-12x"),
            ("two\nlines", "\"two\nlines\""),
        ];
        for (field, expected) in cases {
            assert_eq!(quoted(field), expected);
        }
    }
}
