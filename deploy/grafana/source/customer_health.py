"""Customer health: bands and their changes, the riskiest accounts and why, and one account over time."""

from metrics import increase, portfolio, ratio, series, total
from panels import Board, Line, Link, Panel, Query, Row, Variable

BANDS = (Line(40, "yellow"), Line(70, "green"))
RISK = (Line(0.1, "yellow"), Line(0.3, "orange"), Line(0.6, "red"))
WHY = series("account_driver_info")


def account(name: str, **match: str) -> str:
    return series(f"account_{name}", **match)


def top(expr: str) -> str:
    return f"topk(20, {expr})"


def bottom(expr: str) -> str:
    return f"bottomk(20, {expr})"


def of_account(expr: str) -> str:
    """Without the instance, which changes when a task moves."""
    return f"max by (account_id) ({expr})"


AT_RISK = f"max by (account_id, csm, segment) ({account('mrr')}) * on (account_id) group_left () {of_account(account('risk_ratio'))}"
PAGE = f"max by (job, instance, url) ({series('page_info')})"

OVERVIEW = Row(
    "All accounts",
    (
        Panel("Accounts by band", "timeseries", (Query(total("accounts", "band"), "{{band}}"),), "Accounts in each band.", stacked=True, minimum=0),
        Panel(
            "Band changes",
            "timeseries",
            (Query(increase("band_changes_total", "from, to", "1h", **{"from": "!=unknown"}), "{{from}} to {{to}}"),),
            "Published changes that crossed a band, within an hour.",
            stacked=True,
            minimum=0,
        ),
        Panel(
            "Published changes by cause",
            "timeseries",
            (Query(increase("changes_total", "cause", "1h"), "{{cause}}"),),
            "Within an hour. A wave of `model_change` follows a reload.",
            stacked=True,
            minimum=0,
        ),
        Panel(
            "Mean health by segment",
            "timeseries",
            (Query(ratio(total("health_score_sum", "segment", band="!=churned"), total("health_score_count", "segment", band="!=churned")), "{{segment}}"),),
            "Of the accounts with a score that are still customers. Lines at the borders of the bands.",
            lines=BANDS,
            below="red",
            minimum=0,
            maximum=100,
        ),
        Panel(
            "Share of red accounts",
            "timeseries",
            (Query(ratio(f"({total('accounts', band='red')} or vector(0))", total("accounts", band="=~green|yellow|red")), "red"),),
            "Of the accounts with a score.",
            unit="percentunit",
            minimum=0,
        ),
        Panel(
            "Advocates",
            "timeseries",
            (Query(portfolio("referrals"), "referrals"), Query(portfolio("advocacy_acts", "kind"), "{{kind}}")),
            "Referrals and acts of advocacy in 28 days.",
            minimum=0,
        ),
    ),
)

RISKIEST = Row(
    "Who and why",
    (
        Panel(
            "Most MRR at risk",
            "table",
            (
                Query(f"{top(AT_RISK)} * on (account_id) group_left (driver) {WHY}"),
                Query(f"{of_account(account('health_score'))} and on (account_id) {top(AT_RISK)}"),
                Query(f"{of_account(account('risk_ratio'))} and on (account_id) {top(AT_RISK)}"),
            ),
            "The 20 accounts with the highest MRR x risk, and what moved each last.",
            width=14,
            height=12,
            columns={
                "account_id": "Account",
                "segment": "Segment",
                "csm": "CSM",
                "Value #A": "MRR at risk",
                "Value #B": "Health",
                "Value #C": "Risk (index until calibrated)",
                "driver": "Why",
            },
            units={"Risk (index until calibrated)": "percentunit"},
            links=(Link("On this board", "/d/churnwatch-customer-health?var-account=${__data.fields.Account}"),),
        ),
        Panel(
            "Worse band within 24 hours",
            "table",
            (Query(f"({of_account(account('health_score'))} and on (account_id) {account('band_worsened')} == 1) * on (account_id) group_left (driver) {WHY}"),),
            "Accounts for which ChurnwatchAccountHealthDropped fires.",
            width=10,
            height=12,
            columns={"account_id": "Account", "Value": "Health", "driver": "Why"},
            links=(Link("On this board", "/d/churnwatch-customer-health?var-account=${__data.fields.Account}"),),
        ),
    ),
)

ACCOUNT = Row(
    "Account $account",
    (
        Panel(
            "Health",
            "timeseries",
            (Query(bottom(of_account(account("health_score", account_id="=~$account"))), "{{account_id}}"),),
            "0 to 100; of all accounts the 20 lowest. Lines at the borders of the bands.",
            lines=BANDS,
            below="red",
            minimum=0,
            maximum=100,
        ),
        Panel(
            "Churn risk (an index until calibrated)",
            "timeseries",
            (Query(top(of_account(account("risk_ratio", account_id="=~$account"))), "{{account_id}}"),),
            "0 to 1. Until `backtest --fit` has calibrated the model, an index and not a probability.",
            unit="percentunit",
            lines=RISK,
            below="green",
            minimum=0,
            maximum=1,
        ),
        Panel(
            "MRR",
            "timeseries",
            (Query(top(of_account(account("mrr", account_id="=~$account"))), "{{account_id}}"),),
            "Monthly recurring revenue.",
            minimum=0,
        ),
        Panel(
            "What moved it last",
            "table",
            (
                Query(
                    f'topk(50, {series("account_driver_info", account_id="=~$account")})'
                    f" * on (job, instance) group_left (url) {PAGE}"
                ),
            ),
            "The first driver of the last published change. The link opens the account's page, if http.external_url is set.",
            width=18,
            columns={"account_id": "Account", "driver": "Why", "url": "Page"},
            links=(Link("Page of the account", "${__data.fields.Page}/accounts/${__data.fields.Account}"),),
        ),
        Panel(
            "Accounts without series",
            "stat",
            (Query(total("account_series_left_out")),),
            "Accounts beyond limits.series: they are scored, but neither drawn here nor alerted on.",
            width=6,
        ),
    ),
)

BOARD = Board(
    "churnwatch-customer-health",
    "Customer health",
    "Which customers are in trouble, and why.",
    (OVERVIEW, RISKIEST, ACCOUNT),
    (Variable("account", "Account", "label_values(churnwatch_account_health_score, account_id)"),),
)
