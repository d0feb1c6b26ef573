"""The rows that each area makes of its figures."""

from __future__ import annotations

from bench.creation import Created, creation_measures
from bench.metrics import passes_in
from bench.model_server import GIGABYTE, ModelServerFigures, model_server_measures
from bench.scale import Climb, Restarted, Scaled, scale_measures
from bench.shards import NAMESPACES, Shared, halves, shard_measures
from bench.tags import Promoted, tag_measures


def created(count: int = 250, seconds: float = 5.0) -> Created:
    """What a round took."""
    return Created(count, seconds, seconds - 1, 2.5, 7 * count, {}, 100_000_000)


def test_new_environments_are_reported_by_the_medians_of_both_sides() -> None:
    ours = [created(seconds=seconds) for seconds in (5.0, 50.0, 6.0)]

    rows = creation_measures({"ours": ours, "Go": [created(seconds=4.0)]})

    assert [(row.ours, row.ratio) for row in rows] == [(6.0, 1.5), (10.0, 1.0), (7.0, 1.0), (100.0, 1.0)]


def test_many_environments_are_reported_by_the_last_step() -> None:
    scaled = Scaled(
        totals=[100, 300],
        climb=Climb([created(100, 2.0), created(200, 4.0)], [0.02, 0.05, 0.03]),
        rest_percent=0.04,
        restarted=Restarted(320, 2.0, 0, 110_000_000),
    )

    peer = Climb([created(100, 2.0), created(200, 5.0)], [0.04])

    measures = scale_measures(scaled, peer)

    rows = {row.name: row.ours for row in measures}

    assert rows["environments created per second, up to 300"] == 50
    assert rows["one more with 300: to its Deployment, p50"] == 30
    assert rows["one more with 300: to its Deployment, max"] == 50
    assert rows["milliseconds for each, up to 100: 20.0, 300: 20.0: spread"] == 0
    assert {row.name: row.ratio for row in measures if row.peer} == {
        "environments created per second, up to 300": 1.25,
        "one more with 300: to its Deployment, p50": 0.75,
        "one more with 300: to its Deployment, max": 1.25,
        "operator CPU for each on the way to 300": 1.0,
    }


def test_downloads_are_compared_by_their_rates() -> None:
    figures = ModelServerFigures([3000.0], [0.5 * GIGABYTE], [1.0 * GIGABYTE], [0.3 * GIGABYTE], [0.1])

    assert [row.ratio for row in model_server_measures(figures)] == [None, 0.5, None, None]


def test_without_nginx_there_is_no_ratio_of_downloads() -> None:
    figures = ModelServerFigures([3000.0], [0.5 * GIGABYTE], [], [0.3 * GIGABYTE], [0.1])

    assert {row.peer_name for row in model_server_measures(figures)} == {""}


def test_promotions_are_reported_by_their_median_and_the_slowest() -> None:
    rows = tag_measures(Promoted(answering=[0.1, 0.3, 0.2], served=[2.0, 4.0, 3.0]))

    assert [row.ours for row in rows] == [200.0, 3.0, 4.0]


def test_two_operators_are_compared_with_one() -> None:
    rows = shard_measures(Shared(4.0, 3.0, 90_000_000, 1750), Shared(8.0, 2.0, 100_000_000, 1750), 250)

    assert [row.ratio for row in rows] == [0.5, 1.5, 0.9, 1.0]


def test_environments_of_two_namespaces_take_turns() -> None:
    assert [made["metadata"]["namespace"] for made in halves(4)] == [*NAMESPACES, *NAMESPACES]


def test_reconciliations_of_a_kind_are_counted_over_all_results() -> None:
    metrics = """\
rasa_environments_reconcile_total{kind="DeploymentEnvironment",result="done"} 7.0
rasa_environments_reconcile_total{kind="DeploymentEnvironment",result="retry"} 2.0
rasa_environments_reconcile_total{kind="ModelServer",result="done"} 40.0
"""

    assert passes_in(metrics, "DeploymentEnvironment") == 9
