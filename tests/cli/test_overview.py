"""What `status` shows of an object, and how."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.overview import NOT_SEEN, Overview, age, overview
from rasa_environments.cli.status import verdict_on
from rasa_environments.cli.tables import WIDE, as_document, drawn, line

TRUTHS = ("True", "Unknown")
NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
SINCE = "2026-01-02T11:30:00Z"
READY = {"type": "Ready", "status": "True", "reason": "Ready", "message": "serves B", "lastTransitionTime": SINCE}
NOT_READY = {
    "type": "Ready",
    "status": "False",
    "reason": "AnotherModelServed",
    "message": "pod x serves A, B is wanted",
    "lastTransitionTime": SINCE,
}


def environment(name: str, status: JsonObject, namespace: str = "team") -> DeploymentEnvironment:
    """An environment of generation 1."""
    return DeploymentEnvironment.model_validate(
        {
            "metadata": {
                "name": name,
                "namespace": namespace,
                "generation": 1,
                "creationTimestamp": "2026-01-02T11:00:00Z",
            },
            "spec": {"rasa": {"version": "3.6.21"}},
            "status": status,
        }
    )


SERVING = environment(
    "production",
    {
        "observedGeneration": 1,
        "url": "http://production:5005",
        "desiredModel": {"name": "B", "hash": "b"},
        "servedModels": [{"name": "B", "replicas": 2}],
        "servingReplicas": 2,
        "readyReplicas": 2,
        "conditions": [READY, {**READY, "type": "ModelServed"}],
    },
)
BEHIND = environment(
    "staging",
    {
        "observedGeneration": 1,
        "desiredModel": {"name": "B", "hash": "b"},
        "servedModels": [{"name": "A", "replicas": 1}, {"name": "B", "replicas": 1}],
        "servingReplicas": 1,
        "readyReplicas": 2,
        "conditions": [NOT_READY, {**NOT_READY, "type": "ModelServed"}],
    },
)
NEW = environment("new", {})
TAG = ModelTag.model_validate(
    {
        "metadata": {"name": "production", "namespace": "team", "generation": 3},
        "spec": {"model": "B"},
        "status": {
            "observedGeneration": 3,
            "previousModel": {"name": "A", "hash": "a"},
            "history": [
                {"model": "B", "hash": "b", "taggedTime": "2026-01-02T11:55:00Z", "promotedBy": "carol"},
                {"model": "A", "hash": "a", "taggedTime": "2026-01-01T12:00:00Z", "promotedBy": "dave"},
            ],
            "conditions": [READY, {**READY, "type": "Tagged"}, {**READY, "type": "Served", "status": "Unknown"}],
        },
    }
)


def server(status: JsonObject) -> ModelServer:
    """A model server of generation 1."""
    metadata = {"name": "default", "namespace": "team", "generation": 1, "creationTimestamp": "2026-01-02T11:00:00Z"}
    return ModelServer.model_validate({"metadata": metadata, "spec": {"url": "http://x"}, "status": status})


def text(shown: Overview, *, namespaces: bool = False, width: int = WIDE) -> str:
    """Return the output as written to a pipe, or to a terminal of that width."""
    target = StringIO()
    Console(file=target, width=width, markup=False).print(drawn(shown, NOW, None if namespaces else "bots"), crop=False)
    return "\n".join(printed.rstrip() for printed in target.getvalue().splitlines())


def test_an_environment_that_serves_what_is_wanted() -> None:
    (row,) = overview([SERVING], []).environments

    assert (row.wanted, row.served, row.ready) == ("B", "B", "True")


def test_pods_that_serve_different_models_are_counted() -> None:
    (row,) = overview([BEHIND], []).environments

    assert row.served == "A,B (1/2)"


def test_what_the_operator_has_not_seen_is_unknown() -> None:
    (row,) = overview([NEW], []).environments

    assert (row.ready, row.message) == ("Unknown", NOT_SEEN)


def test_a_status_of_an_earlier_spec_is_unknown() -> None:
    moved = TAG.model_copy(update={"metadata": TAG.metadata.model_copy(update={"generation": 4})})

    (row,) = overview([], [moved]).tags

    assert (row.tagged, row.served, row.ready) == ("Unknown", "Unknown", "Unknown")


def test_the_table_says_under_it_why_something_is_not_ready() -> None:
    shown = text(overview([SERVING, BEHIND], [TAG]))

    assert shown.splitlines() == [
        "ENVIRONMENT   TAG          WANTED   SERVED      READY   URL                      AGE",
        "production    production   B        B           True    http://production:5005   60m",
        "staging       staging      B        A,B (1/2)   False   -                        60m",
        "  staging: AnotherModelServed: pod x serves A, B is wanted",
        "",
        "MODEL TAG    TAG          MODEL   TAGGED   SERVED    READY   PREVIOUS   PROMOTED          AGE",
        "production   production   B       True     Unknown   True    A          5m ago by carol   -",
    ]


def test_rows_are_sorted_and_name_their_namespace_where_there_are_several() -> None:
    shown = text(
        overview([environment("b", {}, "z"), environment("a", {}, "z"), environment("c", {}, "y")], []), namespaces=True
    )

    names = [tuple(printed.split()[:2]) for printed in shown.splitlines()[:4]]
    assert names == [("NAMESPACE", "ENVIRONMENT"), ("y", "c"), ("z", "a"), ("z", "b")]


def test_a_ready_environment_that_is_not_registered_says_why() -> None:
    registered = {
        **NOT_READY,
        "type": "Registered",
        "status": "False",
        "reason": "RegistryIncomplete",
        "message": "worker is missing",
    }
    ready = environment("production", {"observedGeneration": 1, "conditions": [READY, registered]})

    assert "production: not registered: worker is missing" in text(overview([ready], []))


def test_conversations_that_are_not_kept_are_reported() -> None:
    forgetful = {
        **NOT_READY,
        "type": "ConversationsPersisted",
        "status": "False",
        "reason": "InMemory",
        "message": "conversations are kept in memory and end with the pod; set spec.trackerStore",
    }
    shown = overview([environment("production", {"observedGeneration": 1, "conditions": [READY, forgetful]})], [])

    told = "InMemory: conversations are kept in memory and end with the pod; set spec.trackerStore"
    assert f"  production: {told}" in text(shown)
    assert as_document(shown)["environments"][0]["forgetful"] == told


def test_where_conversations_are_kept_or_configured_elsewhere_nothing_is_reported() -> None:
    kept = [{**READY, "type": "ConversationsPersisted", "status": truth} for truth in TRUTHS]
    rows = overview([environment("a", {"observedGeneration": 1, "conditions": [each]}) for each in kept], [])

    assert [row.forgetful for row in rows.environments] == [None, None]


@pytest.mark.parametrize(
    ("models", "shown"), [([], "unknown"), ([{"name": "A", "replicas": 1}], "unknown (last: A)")], ids=["never", "once"]
)
def test_what_is_not_known_to_be_served_is_shown_as_unknown(models: list[JsonObject], shown: str) -> None:
    status = {
        "observedGeneration": 1,
        "desiredModel": {"name": "A", "hash": "a"},
        "servedModels": models,
        "servingReplicas": 1,
        "readyReplicas": 1,
        "conditions": [{**NOT_READY, "type": kind, "status": "Unknown"} for kind in ("Ready", "ModelServed")],
    }
    seen = overview([environment("production", status)], [])

    assert f"A        {shown}   " in text(seen)
    assert f"served={shown} ready=Unknown" in line(seen.environments[0])


@pytest.mark.parametrize(("truth", "shown"), [("True", "not checked"), ("False", "none")])
def test_a_verdict_without_a_served_model_is_not_taken_for_one(truth: str, shown: str) -> None:
    conditions = [{**READY, "type": "ModelServed", "status": truth}, {**READY, "status": truth}]
    status = {"observedGeneration": 1, "desiredModel": {"name": "A", "hash": "a"}, "conditions": conditions}

    assert f"A        {shown}   " in text(overview([environment("production", status)], []))


def test_markup_in_a_message_is_text() -> None:
    odd = environment("odd", {"observedGeneration": 1, "conditions": [{**NOT_READY, "message": "[red]x[/nope]"}]})

    assert "odd: AnotherModelServed: [red]x[/nope]" in text(overview([odd], []))


def test_programs_get_the_same_as_plain_data() -> None:
    shown = as_document(overview([SERVING], [TAG]))

    assert shown["environments"][0]["served"] == "B"
    assert shown["tags"][0]["previous"] == "A"
    assert (shown["tags"][0]["promotedBy"], shown["tags"][0]["promotedAt"]) == ("carol", "2026-01-02T11:55:00Z")


def test_a_promotion_by_nobody_known_has_its_time_alone() -> None:
    entry = (TAG.status.history or [])[0].model_copy(update={"promoted_by": None})
    anonymous = TAG.model_copy(update={"status": TAG.status.model_copy(update={"history": [entry]})})

    assert "   5m ago   " in text(overview([], [anonymous]))


def test_a_line_says_why_only_where_something_is_not_ready() -> None:
    serving, behind = (overview([item], []).environments[0] for item in (SERVING, BEHIND))

    assert line(serving) == "environment team/production tag=production wanted=B served=B ready=True"
    assert line(behind).endswith("ready=False (AnotherModelServed: pod x serves A, B is wanted)")


def test_a_model_server_is_shown_with_why_it_is_not_ready_and_that_no_tag_can_be_set_on_it() -> None:
    conditions = [
        {**NOT_READY, "reason": "ModelServerUnreachable", "message": "http://x: no answer"},
        {**NOT_READY, "type": "Writable", "reason": "NoWriteCredentials", "message": "the Secret has no apiToken"},
    ]

    shown = overview([], [], [server({"observedGeneration": 1, "version": "1.0", "conditions": conditions})])

    assert text(shown).splitlines() == [
        "MODEL SERVER   PROFILE      VERSION   MODELS   ENVIRONMENTS   READY   NOTES       URL        AGE",
        "default        OpenSource   1.0       -        -              False   read-only   http://x   60m",
        "  default: ModelServerUnreachable: http://x: no answer",
        "  default: the Secret has no apiToken",
    ]
    assert line(shown.servers[0]) == (
        "model server team/default url=http://x version=1.0 ready=False (ModelServerUnreachable: http://x: no answer)"
    )


def test_suspended_environments_and_those_with_conversations_in_memory_are_marked() -> None:
    forgetful = {**NOT_READY, "type": "ConversationsPersisted", "reason": "InMemory", "message": "set x"}
    suspended = DeploymentEnvironment.model_validate(
        {
            "metadata": {"name": "old", "namespace": "team", "generation": 1},
            "spec": {"suspend": True},
            "status": {"observedGeneration": 1, "conditions": [{**READY, "status": "Unknown", "reason": "Suspended"}]},
        }
    )
    in_memory = environment("new", {"observedGeneration": 1, "conditions": [READY, forgetful]})

    shown = overview([suspended, in_memory], [])

    header, new, old = text(shown).splitlines()[:3]
    place = header.index("NOTES")
    assert (new[place:].partition("   ")[0], old[place:].partition("   ")[0]) == ("in memory", "suspended")
    assert "ready=Unknown notes=suspended" in line(shown.environments[1])


def test_what_is_so_of_many_is_said_once() -> None:
    shown = text(overview([environment(f"e{number}", {}) for number in range(7)], []))

    assert f"  e0, e1, e2, e3, e4 and 2 more: NotSeenYet: {NOT_SEEN}" in shown.splitlines()
    assert shown.count(NOT_SEEN) == 1


@pytest.mark.parametrize(
    ("readies", "code"),
    [
        ((), ExitCode.NOT_FOUND),
        (("True", "True", "True"), ExitCode.DONE),
        (("True", "True", "False"), ExitCode.FAILED),
        (("Unknown", "True", "False"), ExitCode.FAILED),
        (("True", "Unknown", "True"), ExitCode.UNKNOWN),
    ],
)
def test_the_exit_code_is_that_of_the_worst_row(readies: tuple[str, ...], code: ExitCode) -> None:
    statuses = [{"observedGeneration": 1, "conditions": [{**READY, "status": ready}]} for ready in readies]
    seen = overview(
        [environment(f"e{n}", each) for n, each in enumerate(statuses[:-1])], [], map(server, statuses[-1:])
    )

    assert verdict_on(seen) is code


@pytest.mark.parametrize("hostile", ["\x1b[2Jgone", "a\nENVIRONMENT", "\u202eabc"])
def test_text_of_the_cluster_steers_no_terminal(hostile: str) -> None:
    odd = environment(
        "odd", {"observedGeneration": 1, "url": hostile, "conditions": [{**NOT_READY, "message": hostile}]}
    )
    shown = overview([odd], [])

    assert all(printed.isprintable() for printed in text(shown).splitlines())
    assert len(text(shown).splitlines()) == 3
    assert line(shown.environments[0]).isprintable()


def test_at_80_columns_no_name_is_cut_and_other_columns_leave() -> None:
    model = {"name": "20260101-120000", "hash": "b"}
    status = {
        "observedGeneration": 1,
        "url": "http://production-rasa.team.svc:5005",
        "desiredModel": model,
        "servedModels": [{"name": model["name"], "replicas": 1}],
        "conditions": [READY, {**READY, "type": "ModelServed"}],
    }

    shown = text(overview([environment("production", status)], []), width=80)

    assert shown.splitlines() == [
        "ENVIRONMENT   TAG          WANTED            SERVED            READY   AGE",
        "production    production   20260101-120000   20260101-120000   True    60m",
    ]


@pytest.mark.parametrize(
    ("passed", "shown"),
    [
        (timedelta(0), "0s"),
        (timedelta(seconds=-5), "0s"),
        (timedelta(seconds=119), "119s"),
        (timedelta(minutes=2), "2m"),
        (timedelta(minutes=119), "119m"),
        (timedelta(hours=47), "47h"),
        (timedelta(days=2), "2d"),
    ],
)
def test_an_age_is_in_the_unit_that_tells_most(passed: timedelta, shown: str) -> None:
    assert age((NOW - passed).isoformat().replace("+00:00", "Z"), NOW) == shown


def test_an_age_that_is_not_known_is_a_dash() -> None:
    assert age("", NOW) == "-"


def test_the_image_of_an_action_server_is_shown_where_there_is_one() -> None:
    status = {"observedGeneration": 1, "conditions": [READY]}
    with_actions = {**status, "actionServer": {"image": "registry.example.com/actions:1"}}

    without = text(overview([environment("staging", status)], []))
    shown = overview([environment("production", with_actions), environment("staging", status)], [])

    assert "ACTIONS" not in without
    header, production = text(shown).splitlines()[:2]
    assert header.split().index("ACTIONS") == 4
    assert "registry.example.com/actions:1" in production
    assert "actions=registry.example.com/actions:1" in line(shown.environments[0])
    assert "actions=" not in line(shown.environments[1])
