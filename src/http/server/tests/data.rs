//! Lists, accounts and histories.

use super::*;

#[test]
fn a_page_of_a_list_is_searched_and_turned_around() {
    let server = start(two_accounts(), None);
    let ids = |query: &str| {
        let body = json(&get(&server, &format!("/api/accounts?{query}")).1);
        body["accounts"].as_array().unwrap().iter().map(|account| account["account_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids("sort=account&offset=1"), ["bolt"]);
    assert_eq!(ids("sort=score&reversed=true"), ["acme", "bolt"]);
    assert_eq!(ids("search=OF%20BO"), ["bolt"]);
    assert_eq!(ids("csm=dana&stage=adopted&plan=team&sort=attention"), ["bolt", "acme"]);
    assert!(ids("csm=nobody").is_empty());
}

#[test]
fn a_list_is_a_file_for_spreadsheets() {
    let (status, answer) = get(&start(two_accounts(), None), "/api/accounts.csv?sort=account&limit=1");
    assert_eq!(status, 200);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: text/csv") && head.contains("filename=\"accounts.csv\""), "{head}");
    let lines: Vec<&str> = body.split("\r\n").collect();
    assert_eq!(lines[1], "acme,Name of acme,smb,team,dana,adopted,green,82,0.05,low,1200.00,USD,");
    assert!(lines[2].starts_with("bolt,") && lines[3].is_empty(), "every account, whatever the limit of a page: {lines:?}");
}

#[test]
fn an_account_shows_its_subscriptions_tickets_and_metrics() {
    let server = start(two_accounts(), None);
    let details = json(&get(&server, "/api/accounts/acme/details").1);
    assert_eq!((details["tickets_open"].as_u64(), details["currency"].as_str()), (Some(0), Some("USD")));
    assert!(details["subscriptions"].is_array() && details["metrics"].is_object(), "{details}");
    assert_eq!(get(&server, "/api/accounts/nobody/details").0, 404);
}

#[test]
fn the_pipeline_has_a_history() {
    let server = start(two_accounts(), None);
    let history = json(&get(&server, "/api/pipeline/history").1);
    assert!(history["every_seconds"].as_u64() > Some(0) && history["commit_millis"].is_array(), "{history}");
}

#[test]
fn an_account_and_the_portfolio_have_a_history() {
    let server = start(two_accounts(), None);
    let history = json(&get(&server, "/api/accounts/acme/history").1);
    assert_eq!((history["health"].as_array().unwrap().len(), history["to"].as_str()), (400, Some("2026-01-05")));
    assert_eq!(get(&server, "/api/accounts/nobody/history").0, 404);
    let history = json(&get(&server, "/api/portfolio/history").1);
    assert_eq!((history["series"]["mrr"].as_array().unwrap().len(), history["from"].as_str()), (91, Some("2025-10-07")));
    assert_eq!(get(&server, "/api/portfolio/history?csm=nobody").0, 404);
    for wrong in ["band=red", "csm=a&plan=b"] {
        let (status, answer) = get(&server, &format!("/api/portfolio/history?{wrong}"));
        assert!(status == 400 && json(&answer)["hint"].as_str().unwrap().contains("segment"), "{answer}");
    }
}
