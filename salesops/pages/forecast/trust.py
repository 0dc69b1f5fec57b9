"""How far to trust the forecast: past quarters forecast again, and the chances of deals beside the CRM's."""

from __future__ import annotations

import altair as alt
import pandas as pd
from altair.utils.schemapi import debug_mode

from salesops import words
from salesops.pages.forecast.findings import ForecastReport
from salesops.views import table as t
from salesops.views.blocks import Block, absent, note, nothing, sentence, together
from salesops.views.look import ACCENT, INK, LINE, PAPER, ROW, finish

_WHOLE = debug_mode(False)  # Altair checks the whole chart when it is shown; its parts need no check of their own
_NAMES = {
    "model": "This forecast",
    "last year": "The same quarter last year",
    "run rate": "The current run rate",
    "weighted pipeline": "The CRM’s weighted pipeline",
}
NO_PAST = (
    "The forecast cannot be tested: no past quarter has 180 days of history before it. Take the intervals as a guess."
)


def past(r: ForecastReport) -> Block:
    """Say how far past forecasts were off, beside the three forecasts that need no model."""
    if r.past is None:
        return note(NO_PAST)
    return together(sentence(_wape_words(r)), sentence(_cover_words(r)), _scores(r))


@_WHOLE
def past_chart(r: ForecastReport) -> alt.LayerChart | Block:
    """Draw each past forecast of the company's total with its interval, and what came."""
    if r.past is None:
        return nothing()
    rows = r.past.company.assign(
        name=[f"{row.period}, week {row.week}" for row in r.past.company.itertuples()], kind="P10 to P90"
    )
    inside = rows.actual.between(rows.p10, rows.p90)
    rows["came"] = inside.map({True: "came, inside", False: "came, outside"})
    names, kinds = list(rows.name), ["P10 to P90", "came, inside", "came, outside"]
    scale = words.scale_for(pd.concat([rows.p90, rows.actual]), currency=r.currency)
    y = alt.Y("name:N", sort=names, title=None, axis=alt.Axis(ticks=False, domain=False))
    axis = alt.Axis(labelExpr=f"format(datum.value / {scale.divisor}, ',')", tickCount=4, labelSeparation=12)
    room = alt.Scale(zero=False)
    color = alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=[ACCENT, INK, INK]))
    fill = alt.Fill("came:N", scale=alt.Scale(domain=kinds, range=[ACCENT, PAPER, INK]))
    shape = alt.Shape("came:N", scale=alt.Scale(domain=kinds, range=["circle", "diamond", "diamond"]))
    outline = alt.Color("came:N", scale=alt.Scale(domain=kinds, range=[ACCENT, INK, INK]))
    base = alt.Chart(rows)
    lines = base.mark_rule(strokeWidth=3).encode(
        y, alt.X("p10:Q", title=scale.unit, axis=axis, scale=room), alt.X2("p90"), color
    )
    dots = base.mark_point(size=70, opacity=1).encode(y, alt.X("actual:Q", scale=room), outline, fill, shape)
    title = f"{words.number(inside.sum())} of {words.plural(len(rows), 'past forecast')} held what came"
    description = f"{title}, in {scale.unit}. " + "; ".join(
        f"{row.name}: {scale.show(row.p10)} to {scale.show(row.p90)}, came {scale.show(row.actual)}"
        for row in rows.itertuples(index=False)
    )
    return finish(alt.layer(lines, dots), title=title, description=description, height=100 + ROW * len(rows))


def chances(r: ForecastReport) -> Block:
    """Say how good the chances of deals were, beside the CRM's probabilities and the base rate."""
    if r.measure == "orders":
        return absent("Orders count in this book: there are no chances of deals.")
    if r.deals is None:
        return absent(
            "The chances of deals cannot be tested: no past day has decided deals before it and open ones on it."
        )
    scores = r.deals.scores.assign(name=r.deals.scores.forecaster.map({"model": "These chances", "CRM": "The CRM’s"}))
    scores["name"] = scores.name.fillna("Base rate: one for all")
    columns = [
        t.text("name", "Chances"),
        t.number("brier", "Brier score", decimals=3),
        t.share("mean", "Foretold"),
        t.share("share_won", "Won"),
        t.number("deals", "Deals", phone=False),
    ]
    table = t.table(
        scores,
        columns,
        caption="Deals open on past days and decided since, judged by what was known on each; a deal counts for each "
        "such day. Brier: lower is better.",
    )
    return together(sentence(_brier_words(r)), table)


@_WHOLE
def calibration_chart(r: ForecastReport) -> alt.LayerChart | Block:
    """Draw, for each band of chances, how many deals were foretold and how many were won; nothing untested."""
    if r.deals is None or r.measure == "orders":
        return nothing()
    names = {"model": "these chances", "CRM": "the CRM’s"}
    rows = r.deals.calibration[r.deals.calibration.forecaster.isin(list(names))]
    rows = rows.assign(who=rows.forecaster.map(names))
    who = [name for name in names.values() if name in set(rows.who)]
    axis = alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1])
    room = alt.Scale(domain=[0, 1])
    x = alt.X("chance:Q", title="Chance foretold", axis=axis, scale=room)
    color = alt.Color("who:N", sort=who, scale=alt.Scale(domain=who, range=[ACCENT, INK][: len(who)]))
    shape = alt.Shape("who:N", sort=who, scale=alt.Scale(domain=who, range=["circle", "diamond"][: len(who)]))
    even = alt.Chart(pd.DataFrame({"a": [0, 1]})).mark_line(color=LINE, strokeWidth=2)
    base = alt.Chart(rows)
    lines = base.mark_rule(strokeWidth=2, opacity=0.6).encode(
        x, alt.Y("low:Q", title="Share won", axis=axis, scale=room), alt.Y2("high"), color
    )
    dots = base.mark_point(size=70, filled=True, opacity=1).encode(x, alt.Y("won:Q", scale=room), color, shape)
    description = "Chance foretold and share won, by band. " + "; ".join(
        f"{row.who}: {words.percent(row.chance)} foretold, {words.percent(row.won)} of {row.deals} won"
        for row in rows.itertuples()
    )
    layers = (even.encode(alt.X("a:Q", scale=room), alt.Y("a:Q", scale=room)), lines, dots)
    return finish(alt.layer(*layers), title=_calibration_title(r), description=description, height=330)


def _wape_words(r: ForecastReport) -> str:
    assert r.past is not None  # the callers show a note instead
    rows = r.past.scores[(r.past.scores.level == "company") & (r.past.scores.week == 0)].set_index("forecaster")
    own = rows.wape["model"]
    others = rows.drop("model")
    others = others[others.wape.notna()]
    beaten = [_NAMES[name][0].lower() + _NAMES[name][1:] for name in others.index]
    off = [f"{name} by {words.percent(wape)}" for name, wape in zip(beaten, others.wape, strict=True)]
    side = "high" if rows.bias["model"] > 0 else "low"
    quarters, weeks = r.past.company.period.nunique(), sorted(set(r.past.company.week))
    beside = f" On the same days {words.and_list(off)}." if off else ""
    few = " Not all have as many past quarters to be judged by." if others.forecasts.nunique() > 1 else ""
    return (
        f"{words.plural(quarters, 'past quarter')}, forecast in weeks {words.and_list(weeks)} from "
        f"what was known then: the company’s total was off by {words.percent(own)} on average, and "
        f"{words.percent(abs(rows.bias['model']))} too {side} in all.{beside}{few}"
    )


def _cover_words(r: ForecastReport) -> str:
    assert r.past is not None
    cover = r.past.coverage[r.past.coverage.week == 0].set_index("level")
    parts = []
    for level, what in (("company", "of the company"), ("rep", "of reps")):
        row = cover.loc[level]
        parts.append(
            f"{words.number(row.inside * row.forecasts)} of {words.plural(row.forecasts, 'interval')} {what} held what "
            f"came ({words.percent(row.inside)}; 95% interval {words.percent(row.low)} to {words.percent(row.high)})"
        )
    quarters = r.past.company.period.nunique()
    company = cover.loc["company"]
    few = (
        f" With {words.plural(quarters, 'quarter')}, whose weeks share one end, this does not tell whether the "
        "company’s intervals are too wide or too narrow."
        if company.low <= 0.8 <= company.high
        else " The company’s intervals are " + ("too wide." if company.inside > 0.8 else "too narrow.")
    )
    return f"From P10 to P90 should lie 80%. {words.and_list(parts)}.{few}"


def _scores(r: ForecastReport) -> Block:
    assert r.past is not None
    company = r.past.scores[r.past.scores.level == "company"]
    wide = company.pivot(index="forecaster", columns="week", values="wape")
    weeks = [int(week) for week in wide.columns if week]
    rows = wide.rename(columns={week: f"week{week}" for week in wide.columns}).reindex(list(_NAMES)).reset_index()
    every = r.past.scores[r.past.scores.week == 0].set_index(["level", "forecaster"])
    rows["bias"] = [every.bias["company", name] for name in rows.forecaster]
    rows["reps"] = [every.wape["rep", name] for name in rows.forecaster]
    rows["count"] = [every.forecasts["company", name] for name in rows.forecaster]
    rows["name"] = rows.forecaster.map(_NAMES)
    rows = rows[rows["count"] > 0]
    columns = [
        t.text("name", "Forecast"),
        *(t.share(f"week{week}", f"Week {week}") for week in weeks),
        t.share("bias", "Bias", phone=False),
        t.share("reps", "Of reps", phone=False),
        t.number("count", "Tests", phone=False),
    ]
    return t.table(
        rows,
        columns,
        caption="WAPE of the company’s total by the week of the forecast; Bias over all weeks, + is too high; Of reps: "
        "WAPE of single reps’ totals. – means that it could not be made.",
    )


def _brier_words(r: ForecastReport) -> str:
    assert r.deals is not None
    brier = r.deals.scores.set_index("forecaster").brier
    better = [
        name for name, key in (("the CRM’s", "CRM"), ("the base rate", "base rate")) if brier["model"] < brier[key]
    ]
    verdict = (
        f"foretold better than {words.and_list(better)}" if better else "foretold no better than what was there before"
    )
    unknown = (
        f" Not judged: {words.plural(r.deals.undecided, 'deal')} still open this day." if r.deals.undecided else ""
    )
    return f"Tested on past days, these chances {verdict}.{unknown}"


def _calibration_title(r: ForecastReport) -> str:
    assert r.deals is not None
    scores = r.deals.scores.set_index("forecaster")
    off = scores.share_won["model"] - scores["mean"]["model"]
    side = "more" if off > 0 else "fewer"
    return (
        f"{words.percent(scores['mean']['model'])} foretold, {words.percent(scores.share_won['model'])} won: "
        f"{side} than these chances said. On the line both agree"
    )
