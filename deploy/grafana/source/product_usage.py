"""Product usage: active users, intensity, adoption of features and use of seats."""

from metrics import portfolio, quantile, ratio
from panels import Board, Line, Panel, Query, Row

STICKY = (Line(0.1, "yellow"), Line(0.2, "green"))
ADOPTION = (Line(0.4, "yellow"), Line(0.7, "green"))


def mean(name: str) -> str:
    return ratio(portfolio(f"{name}_sum"), portfolio(f"{name}_count"))


def spread(name: str) -> tuple[Query, ...]:
    return (Query(mean(name), "mean"), *(Query(quantile(q, name), legend) for q, legend in ((0.25, "lower quarter"), (0.5, "median"), (0.75, "upper quarter"))))


USERS = Row(
    "Users",
    (
        Panel(
            "Active users",
            "timeseries",
            tuple(Query(portfolio("active_users", window=window), f"in {window}") for window in ("1d", "7d", "28d")),
            "Users active in 1, 7 and 28 days.",
            minimum=0,
        ),
        Panel(
            "Stickiness",
            "timeseries",
            (Query(ratio(portfolio("active_users", window="1d"), portfolio("active_users", window="28d")), "DAU / MAU"),),
            "Users of a day / users of 28 days. 20 % is good for business software.",
            unit="percentunit",
            lines=STICKY,
            below="red",
            minimum=0,
            soft_maximum=0.3,
        ),
        Panel(
            "Active users by segment",
            "timeseries",
            (Query(portfolio("active_users", "name", scope="segment", window="28d"), "{{name}}"),),
            "Users active in 28 days.",
            stacked=True,
            minimum=0,
        ),
    ),
)

INTENSITY = Row(
    "Intensity",
    (
        Panel(
            "Uses per account and day",
            "timeseries",
            (Query(ratio(portfolio("feature_uses"), portfolio("account_dates")), "uses"),),
            "Feature uses of 28 days / (accounts x 28 days).",
            minimum=0,
        ),
        Panel(
            "Active days",
            "timeseries",
            (Query(f"28 * {ratio(portfolio('active_dates'), portfolio('account_dates'))}", "days of 28"),),
            "Days on which an account was active, out of 28, on average.",
            minimum=0,
            maximum=28,
        ),
        Panel(
            "Length of a session",
            "timeseries",
            (Query(ratio(portfolio("session_duration_seconds"), portfolio("sessions")), "mean"),),
            "Of the sessions that ended in 28 days.",
            unit="s",
            minimum=0,
        ),
        Panel("Sessions", "stat", (Query(portfolio("sessions")),), "Sessions that ended in 28 days.", height=4),
        Panel("Feature uses", "stat", (Query(portfolio("feature_uses")),), "Feature uses in 28 days.", height=4),
        Panel("Onboarded accounts", "stat", (Query(portfolio("onboarded_accounts")),), "Accounts that finished onboarding in 28 days.", height=4),
    ),
)

FEATURES = Row(
    "Features and seats",
    (
        Panel(
            "Adoption",
            "timeseries",
            spread("adoption_ratio"),
            "Share of the entitled features that an account used in 28 days.",
            unit="percentunit",
            lines=ADOPTION,
            below="red",
            minimum=0,
            maximum=1,
        ),
        Panel(
            "Seats in use",
            "timeseries",
            spread("seat_utilisation_ratio"),
            "Users active in 28 days per seat.",
            unit="percentunit",
            minimum=0,
        ),
        Panel("Features used", "timeseries", spread("features_used"), "Features that an account used in 28 days.", minimum=0),
        Panel(
            "Accounts by adoption",
            "heatmap",
            (Query(portfolio("adoption_ratio_bucket", "le"), "{{le}}"),),
            "Accounts by share of the entitled features used.",
            unit="percentunit",
            width=12,
        ),
        Panel(
            "Accounts that used a feature",
            "bargauge",
            (Query(f"sort_desc({portfolio('feature_adopters', 'feature')})", "{{feature}}"),),
            "In 28 days; the features of usage.feature_catalogue.",
            width=12,
        ),
    ),
)

BOARD = Board("churnwatch-product-usage", "Product usage", "How much, how broadly and by how many the product is used.", (USERS, INTENSITY, FEATURES))
