"""Charts: what they draw, and that they say it in words too."""

from __future__ import annotations

import json
from datetime import date
from itertools import combinations
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import pytest
import vl_convert

from salesops.views import charts, look
from salesops.views.blocks import Block
from salesops.views.day_chart import day_chart

NAMES = ["Ann Lee", "Ann Lee", "<script>alert(1)</script>", "محمد", "x" * 500]


def reps() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "user_name": NAMES,
            "decided": [10, 40, 80, 5, 0],
            "win_rate": [0.5, 0.9, 0.1, 0.4, np.nan],
            "flag": ["within", "above", "below", "within", "within"],
            "fair": [0.5, 0.7, 0.3, 0.5, 0.5],
            "low": [0.3, 0.6, 0.2, 0.3, 0.3],
            "high": [0.7, 0.8, 0.4, 0.7, 0.7],
            "raw": [0.5, 0.9, 0.1, 0.4, np.nan],
            "enough": [False, True, True, False, False],
        }
    )


def funnel(rows: pd.DataFrame) -> alt.LayerChart:
    decided = np.arange(1, 101)
    limits = pd.DataFrame({"decided": decided, "low95": 0.3, "high95": 0.7, "low998": 0.2, "high998": 0.8})
    return charts.funnel_plot(rows, limits, team_rate=0.5, title="Two lie outside")


def interval(rows: pd.DataFrame) -> alt.LayerChart:
    return charts.interval_plot(rows, team_rate=0.5, title="Intervals overlap")


STAGES = ["Lead", "Proposal & review"]


def pipeline(amounts: list[float | None]) -> alt.LayerChart:
    frame = pd.DataFrame(
        {
            "stage_name": [STAGES[0]] * 4,
            "age_band": charts.AGE_BANDS,
            "amount": pd.Series(amounts, dtype=float),
            "deals": 1,
        }
    )
    return charts.pipeline_by_stage(frame, stages=STAGES, currency="EUR", title="Old deals")


def pace(quota: float | None, fan: pd.DataFrame | None = None) -> alt.LayerChart:
    days = pd.DataFrame({"date": [date(2013, 7, 1), date(2013, 7, 2)], "actual_cumulative": [1000.0, None]})
    days["quota"] = quota
    days["pace"] = None if quota is None else [quota / 2, quota]
    return day_chart(days, fan, currency="EUR", title="On pace")


def conversion() -> alt.LayerChart:
    frame = pd.DataFrame(
        {"stage_name": [STAGES[0]] * 2, "who": ["You", "Team"], "conversion": [None, 0.5], "low": [None, 0.4],
         "high": [None, 0.6], "entered": [0, 940], "advanced": [0, 320], "lost": [0, 320], "still_open": [0, 300]}
    )  # fmt: skip  # a table
    return charts.conversion_plot(frame, stages=STAGES, title="Like the team")


def test_conversion_counts_the_decided() -> None:
    """Beside 50% stands what it is half of: 640 decided deals, not the 940 of which 300 are still in the stage."""
    assert f"{STAGES[0]}, Team: 50% of 640" in conversion().to_dict()["description"]
    assert '"of 640"' in json.dumps(conversion().to_dict())


EVERY = [funnel(reps()), interval(reps()), pipeline([1e6, 2e6, 3e6, 0]), pace(614_000), conversion()]


@pytest.mark.parametrize("chart", EVERY, ids=["funnel", "interval", "pipeline", "pace", "conversion"])
def test_every_chart_says_what_it_shows(chart: alt.LayerChart) -> None:
    """Each chart has its title as given, a description for screen readers, and no background of its own."""
    spec = chart.to_dict()
    assert spec["title"]["text"]
    assert len(spec["description"]) > 20
    assert spec["config"]["background"] == "transparent"


@pytest.mark.parametrize("chart", EVERY, ids=["funnel", "interval", "pipeline", "pace", "conversion"])
def test_every_chart_can_be_drawn_for_a_phone(chart: alt.LayerChart) -> None:
    """Vega draws each chart at the width that a phone shows with readable letters, data as data."""
    spec = chart.to_dict()
    spec["width"] = spec["usermeta"].get("narrow", spec["width"])  # a page draws a wide one a second time
    svg = vl_convert.vegalite_to_svg(spec, vl_version="5.20")
    assert f'width="{look.WIDTH}"' in svg
    assert "<script" not in svg


@pytest.mark.parametrize("chart", EVERY, ids=["funnel", "interval", "pipeline", "pace", "conversion"])
def test_charts_use_only_the_colours_of_the_page(chart: alt.LayerChart) -> None:
    """Every colour of a chart has its counterpart in the page, so that it serves light, dark and paper."""
    spec = chart.to_dict()
    colours = {text for text in leaves({**spec, "datasets": {}, "usermeta": {}}) if text.startswith("#")}
    assert colours
    assert colours <= spec["usermeta"]["page_colors"].keys()


def leaves(part: Any) -> list[str]:
    if isinstance(part, dict):
        return [leaf for value in part.values() for leaf in leaves(value)]
    if isinstance(part, list):
        return [leaf for value in part for leaf in leaves(value)]
    return [part] if isinstance(part, str) else []


def test_a_person_without_decided_deals_has_no_point() -> None:
    """No decided deal means no win rate, and so no point; the description counts those drawn."""
    assert "Win rates of 4 people" in funnel(reps()).to_dict()["description"]


def test_the_description_names_who_lies_outside() -> None:
    """A screen reader hears the finding: who lies outside the limits, and where."""
    assert (
        funnel(reps())
        .to_dict()["description"]
        .endswith("Outside the limits: Ann Lee above with 90% and <script>alert(1)</script> below with 10%.")
    )


def test_two_people_of_one_name_keep_two_lines() -> None:
    """Names are not keys: the second Ann Lee is not drawn over the first."""
    assert "Ann Lee 50%" in interval(reps()).to_dict()["description"]
    assert "Ann Lee (2) 70%" in interval(reps()).to_dict()["description"]


def test_few_deals_read_too_early_to_say() -> None:
    """Who has too few decided deals is marked in words, not placed."""
    assert interval(reps()).to_dict()["description"].count("too early to say") == 3


def test_a_stage_without_deals_keeps_its_line() -> None:
    """A stage that holds nothing shows zero; it does not vanish."""
    assert "Proposal & review: 0 · 0 deals" in pipeline([1e6, 2e6, 3e6, None]).to_dict()["description"]


@pytest.mark.parametrize("amounts", [[None] * 4, [0.0] * 4])
def test_a_pipeline_without_amounts_is_drawn(amounts: list[float | None]) -> None:
    """Deals without amounts count; the chart stays whole."""
    assert "Lead: 0 · 4 deals" in pipeline(amounts).to_dict()["description"]


def test_without_a_goal_there_is_no_pace() -> None:
    """Where the goal is missing, only the actual is drawn and named."""
    assert pace(None).to_dict()["description"] == "Amounts since the start in EUR: actual 1,000 on 1 Jul 2013."


LINES = ("actual_cumulative", "pace", "quota", "year_before")


@pytest.mark.parametrize("known", [known for n in range(5) for known in combinations(LINES, n)], ids="-".join)
@pytest.mark.parametrize("foretold", [True, False])
def test_a_day_chart_draws_whatever_is_known(known: tuple[str, ...], foretold: bool) -> None:
    """Each line may be missing, with and without a forecast; where all are, the block says so."""
    dates = pd.date_range("2026-01-01", "2026-03-31")
    days = pd.DataFrame({"date": dates, **{name: 2.0 if name in known else np.nan for name in LINES}})
    days.loc[days.date > "2026-02-01", "actual_cumulative"] = np.nan
    fan = pd.DataFrame({"date": dates[[40, 89]], "p10": [1.0, 2.0], "p50": [2.0, 3.0], "p90": [3.0, 4.0]})
    drawn = day_chart(days, fan if foretold else None, currency="EUR", title="Day by day")
    assert isinstance(drawn, Block) == (not known and not foretold)
    assert isinstance(drawn, Block) or drawn.to_dict()["description"].startswith("Amounts since the start in EUR")
