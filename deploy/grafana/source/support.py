"""Support: backlog, first replies, resolutions, and what customers said."""

from metrics import portfolio, quantile, ratio
from panels import Board, Line, Panel, Query, Row

DAY = 86_400
FIRST_REPLY = (Line(DAY, "red"),)
CSAT = (Line(0.6, "yellow"), Line(0.75, "green"))
SATISFIED = portfolio("satisfaction_ratings", **{"class": "=~satisfied|highly_satisfied"})
ALL_RATINGS = portfolio("satisfaction_ratings")


def spread(name: str) -> tuple[Query, ...]:
    return tuple(Query(quantile(q, name, "priority"), legend) for q, legend in ((0.5, "{{priority}}, median"), (0.9, "{{priority}}, 9 of 10")))


def within_a_day(name: str, le: int) -> str:
    return ratio(portfolio(f"{name}_bucket", le=str(le)), portfolio(f"{name}_count"))


def heatmap(title: str, name: str, description: str) -> Panel:
    return Panel(title, "heatmap", (Query(portfolio(f"{name}_bucket", "le"), "{{le}}"),), description, unit="s")


BACKLOG = Row(
    "Backlog",
    (
        Panel(
            "Open tickets by priority",
            "timeseries",
            (Query(portfolio("tickets", "priority", state="open"), "{{priority}}"),),
            "Tickets open now.",
            stacked=True,
            minimum=0,
        ),
        Panel(
            "Opened and resolved",
            "timeseries",
            (Query(portfolio("tickets", state="opened"), "opened"), Query(portfolio("tickets", state="resolved"), "resolved")),
            "Tickets opened, and first resolved, in 28 days. The backlog grows where more are opened.",
            minimum=0,
        ),
        Panel(
            "Tickets per 100 accounts",
            "timeseries",
            (Query(f"100 * {ratio(portfolio('tickets', state='opened'), portfolio('accounts'))}", "opened in 28 days"),),
            "Tickets opened in 28 days per 100 accounts.",
            minimum=0,
        ),
    ),
)

REPLIES = Row(
    "First reply",
    (
        heatmap("Time to first reply", "first_reply_seconds", "Tickets by time to the first public reply of an agent, in 28 days."),
        Panel(
            "First reply by priority",
            "timeseries",
            spread("first_reply_seconds"),
            "Line at one day: customers expect an answer within it.",
            unit="s",
            lines=FIRST_REPLY,
            below="green",
            minimum=0,
        ),
        Panel(
            "Replied within a day",
            "timeseries",
            (Query(within_a_day("first_reply_seconds", DAY), "replied"),),
            "Share of the tickets with a first reply in 28 days that had it within 24 hours.",
            unit="percentunit",
            minimum=0,
            maximum=1,
        ),
    ),
)

RESOLUTION = Row(
    "Resolution",
    (
        heatmap("Time to resolution", "resolution_seconds", "Tickets by time to their first resolution, in 28 days."),
        heatmap("Time with the agents", "agent_resolution_seconds", "The same without time pending or on hold."),
        Panel("Resolution by priority", "timeseries", spread("resolution_seconds"), "Time to first resolution, in 28 days.", unit="s", minimum=0),
        Panel(
            "Reopened and first contact",
            "timeseries",
            (
                Query(ratio(portfolio("reopened_tickets"), portfolio("tickets", state="resolved")), "reopened"),
                Query(ratio(portfolio("first_contact_resolved_tickets"), portfolio("first_contact_tickets")), "resolved at first contact"),
            ),
            "Of the tickets first resolved in 28 days.",
            unit="percentunit",
            minimum=0,
            maximum=1,
        ),
        Panel(
            "Open tickets by category",
            "bargauge",
            (Query(f"sort_desc({portfolio('category_tickets', 'category', state='open')})", "{{category}}"),),
            "Tickets open now.",
        ),
        Panel(
            "Opened by product and channel",
            "bargauge",
            (
                Query(portfolio("product_tickets", "product", state="opened"), "product {{product}}"),
                Query(portfolio("channel_tickets", "channel", state="opened"), "channel {{channel}}"),
            ),
            "Tickets opened in 28 days.",
        ),
    ),
)

OPINION = Row(
    "What customers say",
    (
        Panel(
            "Satisfaction (CSAT)",
            "timeseries",
            (
                Query(ratio(SATISFIED, ALL_RATINGS), "satisfied"),
                Query(ratio(portfolio("satisfaction_ratings", **{"class": "highly_satisfied"}), ALL_RATINGS), "highly satisfied"),
                Query(ratio(portfolio("satisfaction_ratings", **{"class": "dissatisfied"}), ALL_RATINGS), "dissatisfied"),
            ),
            "Answers and ticket ratings of 28 days. Line at 75 %.",
            unit="percentunit",
            lines=CSAT,
            below="red",
            minimum=0,
            maximum=1,
        ),
        Panel(
            "Ease (CES)",
            "timeseries",
            (Query(ratio(portfolio("effort_ratio_sum"), portfolio("effort_ratio_count")), "mean"),),
            "Customer effort answers of 28 days, from 0 (hard) to 1 (easy).",
            minimum=0,
            maximum=1,
        ),
        Panel(
            "Answers per survey sent",
            "timeseries",
            (Query(ratio(portfolio("survey_answers", "kind"), portfolio("surveys_sent", "kind")), "{{kind}}"),),
            "By kind of survey.",
            unit="percentunit",
            minimum=0,
            maximum=1,
        ),
        Panel("Lost accounts", "stat", (Query(portfolio("lost_accounts")),), "Accounts lost in 28 days.", height=4),
        Panel(
            "Lost with a ticket before",
            "stat",
            (Query(portfolio("lost_accounts_after_ticket")),),
            "Of these, the ones that had opened a ticket within the 28 days before.",
            height=4,
        ),
        Panel(
            "Dissatisfied answers",
            "stat",
            (Query(portfolio("satisfaction_ratings", **{"class": "dissatisfied"})),),
            "Dissatisfied answers and ticket ratings of 28 days.",
            height=4,
        ),
    ),
)

BOARD = Board("churnwatch-support", "Support", "How fast customers get help, and what they think of it.", (BACKLOG, REPLIES, RESOLUTION, OPINION))
