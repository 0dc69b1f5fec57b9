"""Whom to call: the best expected profits, within the limits, with controls that differ by chance alone."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from salesops.errors import ChurnError
from salesops.models.churn.calls import ARMS, Terms, plan_calls
from salesops.models.churn.profit import realised_profit

TERMS = Terms(save_rate=0.3, contact_cost=1, incentive=30, margin=1, capacity=0, control_share=0)


def scores(*rows: tuple[float, float]) -> pd.DataFrame:
    """Clients A0, A1, … with these chances to leave and worths."""
    table = pd.DataFrame(rows, columns=["p_churn", "worth"], dtype=float)
    return table.assign(account_id=[f"A{n}" for n in range(len(table))])


def many(count: int, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return scores(*zip(rng.uniform(0.2, 0.9, count), rng.uniform(500, 5000, count), strict=True))


def test_profit_by_hand() -> None:
    """p·[γ(CLV − d) − f] − (1 − p)(d + f), with CLV the worth times the margin."""
    found = plan_calls(scores((0.5, 1000)), replace(TERMS, margin=0.4))
    assert found.table.profit.tolist() == pytest.approx([0.5 * (0.3 * (400 - 30) - 1) - 0.5 * 31])
    assert found.table.clv.tolist() == [400]


def test_telco_profit_beats_probability(shared: Path) -> None:
    """On Telco, the 700 with the largest expected profit bring about 72.7k, the 700 most likely to leave 67.7k."""
    data = pd.read_csv(shared / "data" / "telco_churn" / "WA_Fn-UseC_-Telco-Customer-Churn.csv")
    left = (data.Churn == "Yes").to_numpy()
    charges = pd.to_numeric(data.TotalCharges, errors="coerce").fillna(0)
    features = data.drop(columns=["customerID", "Churn"]).assign(TotalCharges=charges)
    numbers = ["tenure", "MonthlyCharges", "TotalCharges"]
    words = [name for name in features if name not in numbers]
    by_profit, by_chance = [], []
    for seed in range(3):
        # scored outside the fold that each client was learned from
        columns = make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(), words))
        model = make_pipeline(columns, LogisticRegression(max_iter=2000))
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
        p = cross_val_predict(model, features, left, cv=folds, method="predict_proba")[:, 1]
        table = pd.DataFrame(
            {"account_id": data.customerID, "p_churn": p, "worth": 6 * data.MonthlyCharges, "left": left}
        )
        for sums, ordered in (
            (by_profit, plan_calls(table, replace(TERMS, capacity=700)).called),
            (by_chance, table.nlargest(700, "p_churn")),
        ):
            assert len(ordered) == 700
            brought = realised_profit(ordered.left, ordered.worth, save_rate=0.3, contact_cost=1, incentive=30)
            sums.append(float(brought.sum()))
    assert np.mean(by_profit) == pytest.approx(72_700, abs=1_000)
    assert np.mean(by_chance) == pytest.approx(67_700, abs=1_000)


@given(
    st.lists(st.tuples(st.one_of(st.floats(0, 1), st.just(np.nan)), st.floats(-100, 1e5)), max_size=40),
    st.floats(0, 1e4),
    st.integers(0, 20),
    st.floats(0, 0.9),
)
def test_limits_hold_for_any_scores(
    rows: list[tuple[float, float]], budget: float, capacity: int, control_share: float
) -> None:
    """Never more calls or money than allowed, none without profit, and nobody is lost from the table."""
    terms = replace(TERMS, budget=budget, capacity=capacity, control_share=control_share)
    found = plan_calls(scores(*rows), terms)
    assert len(found.table) == len(rows) == sum(found.counts.values())
    assert (found.called.profit > 0).all()
    assert not budget or found.cost <= budget * (1 + 1e-9)
    assert not capacity or len(found.called) <= capacity
    assert set(found.table.arm) <= set(ARMS)
    best_left = found.table[found.table.arm == "beyond"].profit.max()
    assert found.called.empty or np.isnan(best_left) or found.called.profit.min() >= best_left


def test_a_budget_below_one_call_pays_none() -> None:
    """With less money than one call may cost, nobody is called, and so nobody is a control."""
    found = plan_calls(many(50), replace(TERMS, budget=30.5, control_share=0.5))
    assert found.counts["call"] == found.counts["control"] == 0
    assert found.counts["beyond"] == 50


def test_money_that_just_pays_a_call_pays_it() -> None:
    """The rounding of money takes no call away."""
    terms = Terms(save_rate=0.3, contact_cost=1.1, incentive=0, budget=3.3, capacity=0)
    assert terms.most_calls == 3


def test_controls_differ_by_chance_alone() -> None:
    """Controls stand among the called, none below the last; they are the same on every day, and about the share."""
    clients = many(2000)
    terms = replace(TERMS, capacity=300, control_share=0.2)
    found = plan_calls(clients, terms)
    assert found.counts["call"] == 300
    controls = found.table[found.table.arm == "control"]
    assert controls.profit.min() > found.called.profit.min()
    assert len(controls) / 300 == pytest.approx(0.25, abs=0.08)
    assert abs(controls.profit.mean() - found.called.profit.mean()) < 3 * controls.profit.std() / len(controls) ** 0.5
    again = plan_calls(clients.sample(frac=1, random_state=3), terms).table
    assert set(again[again.arm == "control"].account_id) == set(controls.account_id)
    less = plan_calls(clients, replace(terms, control_share=0.1)).table
    assert set(less[less.arm == "control"].account_id) <= set(found.table[found.table.arm != "call"].account_id)


def test_who_another_experiment_holds_out_is_left_alone() -> None:
    """An account of the playbook's hold-out is neither called nor a control, and the next moves up."""
    found = plan_calls(scores((0.9, 9000), (0.8, 9000)), replace(TERMS, capacity=1), left_alone=frozenset(["A0"]))
    assert found.table.set_index("account_id").arm.to_dict() == {"A0": "left alone", "A1": "call"}


def test_who_is_not_due_is_never_called() -> None:
    """However large the profit: a client in its rhythm or its usual pause is neither called nor a control."""
    clients = many(300).assign(may_call=lambda table: np.arange(len(table)) % 2 == 0)
    found = plan_calls(clients, replace(TERMS, control_share=0.3)).table
    assert not found.arm[~found.may_call].isin(["call", "control", "beyond"]).any()
    assert (found.arm[~found.may_call & (found.profit > 0)] == "not due").all()


@pytest.mark.parametrize(("calls", "capacity", "talks"), [(9, 0, 1), (27, 0, 3), (8, 0, 0), (9, 9, 0), (18, 19, 1)])
def test_talks_take_a_tenth_of_what_is_left(calls: int, capacity: int, talks: int) -> None:
    """Clients without a rhythm fill places that are left, a tenth of the list at most, and claim no profit."""
    clients = scores(*[(0.9, 9000.0)] * calls)
    others = pd.DataFrame({"account_id": [f"B{n}" for n in range(9)], "worth": 5000.0, "hiatus_days": 200})
    found = plan_calls(clients, replace(TERMS, capacity=capacity), others=others)
    assert found.counts["talk"] == talks
    assert found.called.account_id.tolist()[calls:] == [f"B{n}" for n in range(talks)]
    assert found.profit == pytest.approx(plan_calls(clients, replace(TERMS, capacity=capacity)).profit)
    alone = plan_calls(clients, replace(TERMS, capacity=capacity), others=others, left_alone=frozenset(["B0"]))
    assert "B0" not in set(alone.called.account_id)


def test_defaults_are_those_of_the_notebook() -> None:
    """The client's page takes the same terms as the churn page: both know who is left alone by chance."""
    folder = Path(__file__).resolve().parents[3] / "notebooks"
    said = {
        name: "".join(
            next(cell for cell in json.loads((folder / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
                 if "parameters" in cell["metadata"].get("tags", []))["source"]
        )
        for name in ("churn", "client")
    }  # fmt: skip  # the parameters of two notebooks
    for field in fields(Terms):
        assert f"{field.name}: {field.type} = {field.default}" in said["churn"]
    assert f"control_share: float = {Terms().control_share}" in said["client"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"save_rate": 1.2}, "save_rate must be a share from 0 to 1"),
        ({"control_share": 1.0}, "control_share must be a share"),
        ({"margin": -0.1}, "margin must be a share"),
        ({"contact_cost": -1}, "contact_cost must be 0 or more"),
        ({"budget": float("nan")}, "budget must be 0 or more"),
        ({"capacity": -5}, "capacity must be 0 or more"),
    ],
)
def test_terms_that_cannot_be_are_refused(change: dict[str, float], said: str) -> None:
    """A share outside 0 to 1 and a negative cost or limit are named."""
    with pytest.raises(ChurnError, match=said):
        replace(TERMS, **change)  # type: ignore[arg-type]  # the point of the test


def test_scores_without_a_column_are_refused() -> None:
    """The missing column is named."""
    with pytest.raises(ChurnError, match="no column worth"):
        plan_calls(scores((0.5, 1)).drop(columns="worth"), TERMS)
