"""Portfolio: revenue, its movements and retention, bands, and what is at risk, in total, by segment and by CSM."""

from metrics import portfolio, ratio, total
from panels import Board, Line, Panel, Query, Row

RETAINED = (Line(0.9, "yellow"), Line(1.0, "green"))
CHURN = (Line(0.07, "yellow"), Line(0.10, "red"))
NPS = (Line(0, "red"), Line(50, "yellow"), Line(70, "green"), Line(80, "dark-green"))

LOST = portfolio("lost_accounts")
PAID_BEFORE = portfolio("paying_accounts_at_start")
# 28 days to an average month, as in docs/metrics.md.
MONTHLY_CHURN = f"1 - (1 - {LOST} / {PAID_BEFORE}) ^ (365 / 12 / 28)"


def retention(kept: str, by: str = "currency", **match: str) -> str:
    return ratio(portfolio(kept, by, **match), portfolio("mrr_at_start", by, **match))


def net_promoters(name: str) -> str:
    answers = portfolio(name)
    return f"100 * ({portfolio(name, **{'class': 'promoters'})} - {portfolio(name, **{'class': 'detractors'})}) / {answers}"


def stat(title: str, expr: str, unit: str, description: str, lines: tuple[Line, ...] = (), below: str = "text", decimals: int | None = None) -> Panel:
    return Panel(title, "stat", (Query(expr),), description, unit=unit, width=4, height=4, lines=lines, below=below, decimals=decimals)


TODAY = Row(
    "Today",
    (
        stat("MRR", portfolio("mrr", "currency"), "short", "Monthly recurring revenue, in units of the reporting currency."),
        stat("Paying accounts", portfolio("paying_accounts"), "short", "Accounts with MRR above 0."),
        stat("NRR", retention("mrr_kept"), "percentunit", "MRR today of the accounts that paid 28 days ago / their MRR then.", RETAINED, "red", 1),
        stat("GRR", retention("mrr_kept_without_growth"), "percentunit", "The same without growth.", RETAINED, "red", 1),
        stat("Monthly churn of accounts", MONTHLY_CHURN, "percentunit", "Lost in 28 days, per average month. Watch from 7 %, alarming from 10 %.", CHURN, "green", 1),
        stat(
            "MRR at risk",
            ratio(portfolio("mrr_at_risk", "currency"), portfolio("mrr", "currency")),
            "percentunit",
            "Sum of MRR x churn risk / MRR. The risk is an index until the model is calibrated.",
            decimals=1,
        ),
    ),
)

MOVEMENTS = Row(
    "Movements of MRR, 28 days",
    (
        Panel(
            "Gains",
            "timeseries",
            (Query(portfolio("mrr_movements", "kind", kind="=~new|opening|expansion|reactivation"), "{{kind}}"),),
            "MRR won in the trailing 28 days, by kind of movement.",
            stacked=True,
            minimum=0,
        ),
        Panel(
            "Losses",
            "timeseries",
            (Query(portfolio("mrr_movements", "kind", kind="=~contraction|churn"), "{{kind}}"),),
            "MRR lost in the trailing 28 days, by kind of movement.",
            stacked=True,
            minimum=0,
        ),
        Panel("MRR", "timeseries", (Query(portfolio("mrr", "currency"), "{{currency}}"),), "Monthly recurring revenue.", minimum=0),
        Panel(
            "NRR and GRR",
            "timeseries",
            (Query(retention("mrr_kept"), "NRR"), Query(retention("mrr_kept_without_growth"), "GRR")),
            "Net and gross revenue retention over 28 days. Lines at 90 % and 100 %.",
            unit="percentunit",
            lines=RETAINED,
            below="red",
        ),
        Panel(
            "Monthly churn of accounts",
            "timeseries",
            (Query(MONTHLY_CHURN, "churn"),),
            "Lines at 7 % and 10 %.",
            unit="percentunit",
            lines=CHURN,
            below="green",
            minimum=0,
            soft_maximum=0.12,
        ),
        Panel(
            "Churned MRR by kind of loss",
            "timeseries",
            (Query(portfolio("churned_mrr", "kind"), "{{kind}}"),),
            "Voluntary: the customer left. Involuntary: payment failed.",
            stacked=True,
            minimum=0,
        ),
        Panel(
            "Accounts won and lost",
            "timeseries",
            (Query(portfolio("new_accounts"), "won"), Query(LOST, "lost"), Query(portfolio("referred_accounts"), "won by referral")),
            "In the trailing 28 days.",
            minimum=0,
        ),
        Panel(
            "Why accounts were lost",
            "bargauge",
            (Query(portfolio("lost_accounts_by_reason", "reason"), "{{reason}}"),),
            "Lost accounts of 28 days by the newest reason given.",
        ),
        Panel(
            "Renewals and trials",
            "timeseries",
            (
                Query(ratio(portfolio("terms_renewed", term="long"), portfolio("terms_ended", term="long")), "renewed, 180 days or more"),
                Query(ratio(portfolio("terms_renewed", term="short"), portfolio("terms_ended", term="short")), "renewed, shorter"),
                Query(ratio(portfolio("trials_converted"), portfolio("trials_ended")), "trials converted"),
            ),
            "Of the terms and trials that ended in 28 days.",
            unit="percentunit",
            minimum=0,
            maximum=1,
        ),
    ),
)

HEALTH = Row(
    "Health",
    (
        Panel("Accounts by band", "timeseries", (Query(total("accounts", "band"), "{{band}}"),), "Accounts in each band.", stacked=True, minimum=0),
        Panel("MRR by band", "timeseries", (Query(total("mrr", "band"), "{{band}}"),), "MRR in each band.", stacked=True, minimum=0),
        Panel(
            "MRR at risk by segment",
            "timeseries",
            (Query(total("mrr_at_risk", "segment"), "{{segment}}"),),
            "Sum of MRR x churn risk, an index until the model is calibrated.",
            stacked=True,
            minimum=0,
        ),
    ),
)


def by_scope(scope: str, title: str, column: str) -> Panel:
    match = {"scope": scope}
    return Panel(
        f"By {title}",
        "table",
        (
            Query(portfolio("paying_accounts", "name", **match)),
            Query(portfolio("mrr", "name", **match)),
            Query(retention("mrr_kept", "name", **match)),
            Query(retention("mrr_kept_without_growth", "name", **match)),
            Query(ratio(portfolio("mrr_at_risk", "name", **match), portfolio("mrr", "name", **match))),
            Query(ratio(portfolio("held_accounts", "name", **match), portfolio("paying_accounts_at_start", "name", **match))),
        ),
        "28 days. Retention: accounts that paid 28 days ago and still pay.",
        width=12,
        columns={
            "name": column,
            "Value #A": "Paying",
            "Value #B": "MRR",
            "Value #C": "NRR",
            "Value #D": "GRR",
            "Value #E": "At risk",
            "Value #F": "Retention",
        },
        units={"NRR": "percentunit", "GRR": "percentunit", "At risk": "percentunit", "Retention": "percentunit"},
    )


VALUE = Row(
    "Value and opinion",
    (
        Panel(
            "Net promoter score",
            "timeseries",
            (Query(net_promoters("nps_answers"), "28 days"), Query(net_promoters("nps_answers_before"), "the 28 days before")),
            "Promoters minus detractors, per 100 answers. Good from 50, excellent from 70, world class from 80.",
            unit="none",
            width=6,
            lines=NPS,
            below="dark-red",
            minimum=-100,
            maximum=100,
        ),
        Panel(
            "MRR per account (ARPA)",
            "timeseries",
            (Query(ratio(portfolio("mrr"), portfolio("paying_accounts")), "ARPA"),),
            "MRR / paying accounts.",
            width=6,
            minimum=0,
        ),
        Panel(
            "MRR per user (ARPU)",
            "timeseries",
            (Query(ratio(portfolio("mrr"), portfolio("active_users", window="28d")), "ARPU"),),
            "MRR / users active in 28 days.",
            width=6,
            minimum=0,
        ),
        Panel(
            "Costs",
            "timeseries",
            (
                Query(portfolio("costs", category="acquisition"), "acquisition"),
                Query(portfolio("costs", category="retention"), "retention"),
            ),
            "Costs of the trailing 28 days.",
            width=6,
            minimum=0,
        ),
    ),
)

BOARD = Board(
    "churnwatch-portfolio",
    "Portfolio",
    "Revenue, retention and health of all customers. Figures are of the trailing 28 days.",
    (TODAY, MOVEMENTS, HEALTH, Row("By segment and CSM", (by_scope("segment", "segment", "Segment"), by_scope("csm", "CSM", "CSM"))), VALUE),
)
