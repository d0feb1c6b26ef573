"""A model server that is down, slow, refusing or something else: the known state stays, and the reason is reported."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from rasa_model_server import __version__
from tests.integration.audit import AuditLog
from tests.integration.conftest import Installation, furnish
from tests.integration.manifests import CREDENTIALS, environment, model_server, model_tag, secret
from tests.integration.model_server_front import MODELS, Asked, Fault, Front, Said, login_page, says_json
from tests.integration.model_server_process import API_TOKEN, MODEL_A, MODEL_B, TOKEN
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_model_tags import TAG, wait_until_tagged

SERVER = "ModelServer"
REFUSED = "401 (NotAuthenticated)"


def wait_for_server(space: Space, status: str, reason: str, message: str) -> None:
    space.wait_for_condition(SERVER, "default", "Ready", status=status, reason=reason, message=message)


def test_a_model_server_tells_its_version_and_what_it_holds(tag_space: Space) -> None:
    tag_space.apply(environment(), environment("worker"), model_tag(model=MODEL_A))

    wait_for_server(tag_space, "True", "Ready", "the model server is reachable and accepts the credentials")
    counts = {"version": __version__, "environmentCount": 2, "tagCount": 1}
    tag_space.eventually(
        lambda: counts.items() <= tag_space.status(SERVER, "default").items(), f"the status to hold {counts}"
    )
    assert tag_space.status(SERVER, "default")["modelCount"] >= 2


def test_a_wrong_api_token_is_told_and_harms_nobody_who_only_pulls(tag_space: Space, front: Front) -> None:
    front.behind.put_tag(MODEL_A, "worker")
    tag_space.apply(secret(CREDENTIALS, token=TOKEN, apiToken="wrong"))
    advice = "check `apiToken`, or `username` and `password`, in the Secret of credentialsSecretRef"
    wait_for_server(
        tag_space,
        "False",
        "Unauthorized",
        f"the model server at {front.url}{MODELS} answers {REFUSED} to the credentials that write: it "
        f"does not accept the credentials; {advice}",
    )

    tag_space.apply(model_tag(model=MODEL_A), model_tag("worker", model=MODEL_A), environment("worker"))

    tag_space.wait_for_condition(
        TAG,
        "production",
        "Tagged",
        status="False",
        reason="Unauthorized",
        message=f"the model server at {front.url}{MODELS}/{MODEL_A}/tags/production answers {REFUSED} "
        f"to tag production for model {MODEL_A}: it does not accept the credentials; {advice}",
    )
    wait_until_tagged(tag_space, MODEL_A, "worker")
    tag_space.wait_until_ready("worker")
    tag_space.wait_for_condition(ENVIRONMENT, "worker", "ModelAvailable", status="True")

    tag_space.apply(secret(CREDENTIALS, token=TOKEN, apiToken=API_TOKEN))

    wait_until_tagged(tag_space, MODEL_A)
    wait_for_server(tag_space, "True", "Ready", "the model server is reachable and accepts the credentials")


def test_without_credentials_to_write_a_tag_must_be_right_already(empty_space: Space, front: Front) -> None:
    front.behind.put_tag(MODEL_A, "worker")
    empty_space.apply(secret(CREDENTIALS, token=TOKEN), model_server(front.url))
    wait_for_server(empty_space, "True", "Ready", "the model server is reachable and accepts the credentials")
    empty_space.wait_for_condition(
        SERVER,
        "default",
        "Writable",
        status="False",
        reason="NoWriteCredentials",
        message="models can only be pulled; to put tags, add apiToken, or username and password, to the Secret "
        "model-server-credentials",
    )

    empty_space.apply(model_tag(model=MODEL_A), model_tag("worker", model=MODEL_A))

    wait_until_tagged(empty_space, MODEL_A, "worker")
    empty_space.wait_for_condition(
        TAG,
        "production",
        "Tagged",
        status="False",
        reason="NoWriteCredentials",
        message=f"the model server at {front.url} takes no tags or models without credentials; add `apiToken`, or "
        "`username` and `password`, to the Secret of credentialsSecretRef",
    )


def test_a_wrong_pull_token_is_told_where_rasa_itself_would_say_nothing(tag_space: Space, front: Front) -> None:
    tag_space.apply(model_tag(model=MODEL_A), environment())
    tag_space.wait_until_ready()

    tag_space.apply(secret(CREDENTIALS, token="wrong", apiToken=API_TOKEN))

    message = (
        f"the model server at {front.url}{MODELS} answers {REFUSED} to the listing of models: it does not "
        "accept the credentials; check `token` in the Secret of credentialsSecretRef"
    )
    wait_for_server(tag_space, "False", "Unauthorized", message)
    tag_space.wait_for_condition(
        ENVIRONMENT, "production", "ModelAvailable", status="Unknown", reason="Unauthorized", message=message
    )
    tag_space.wait_for_condition(TAG, "production", "Tagged", status="Unknown", reason="Unauthorized", message=message)
    tag_space.wait_for_condition(ENVIRONMENT, "production", "Ready", status="True")
    assert tag_space.status(ENVIRONMENT, "production")["desiredModel"]["name"] == MODEL_A


def test_a_missing_credentials_secret_is_named_and_used_when_it_appears(empty_space: Space, front: Front) -> None:
    empty_space.apply(model_server(front.url))
    wait_for_server(
        empty_space,
        "False",
        "SecretNotFound",
        f"ModelServer {empty_space.namespace}/default: spec.credentialsSecretRef: Secret "
        f"{empty_space.namespace}/{CREDENTIALS} not found: create it with keys token and apiToken",
    )

    empty_space.apply(secret(CREDENTIALS, token=TOKEN, apiToken=API_TOKEN))

    wait_for_server(empty_space, "True", "Ready", "the model server is reachable and accepts the credentials")


def test_while_the_server_is_down_the_last_known_state_stays_and_nothing_flaps(
    tag_space: Space, front: Front, audit: AuditLog
) -> None:
    tag_space.apply(model_tag(model=MODEL_A), environment())
    tag_space.wait_until_ready()
    before = wait_until_tagged(tag_space, MODEL_A)
    start = audit.mark()

    front.down()

    message = (
        f"the model server at {front.url}{MODELS} cannot be reached: it gives no HTTP answer; check "
        "`url` of the ModelServer"
    )
    wait_for_server(tag_space, "False", "ModelServerUnreachable", message)
    for kind, condition in ((ENVIRONMENT, "ModelAvailable"), (TAG, "Tagged")):
        tag_space.wait_for_condition(
            kind, "production", condition, status="Unknown", reason="ModelServerUnreachable", message=message
        )
    tag_space.operator.wait_for_passes(SERVER, 3)
    tag = tag_space.status(TAG, "production")
    assert {name: tag[name] for name in ("taggedModel", "history")} == {
        name: before[name] for name in ("taggedModel", "history")
    }
    assert tag_space.status(ENVIRONMENT, "production")["desiredModel"]["name"] == MODEL_A
    tag_space.wait_for_condition(ENVIRONMENT, "production", "Ready", status="True")
    written = [each for each in audit.requests(start) if each.writes and each.namespace == tag_space.namespace]
    told = ["deploymentenvironments", "events", "modelservers", "modeltags"]
    assert sorted(each.resource for each in written) == told


def test_a_server_that_comes_back_is_taken_up_again(tag_space: Space, front: Front) -> None:
    tag_space.apply(model_tag(model=MODEL_A))
    wait_until_tagged(tag_space, MODEL_A)
    front.down()
    tag_space.wait_for_condition(SERVER, "default", "Ready", status="False")
    tag_space.patch(TAG, "production", {"spec": {"model": MODEL_B}})
    tag_space.wait_for_condition(TAG, "production", "Tagged", status="Unknown", reason="ModelServerUnreachable")

    front.up()

    wait_until_tagged(tag_space, MODEL_B)
    assert front.behind.tags() == {"production": MODEL_B}


def no_put(asked: Asked) -> Said | None:
    return Said(503, "starting") if asked.method == "PUT" else None


def test_a_server_that_only_fails_at_the_put_is_tried_again(tag_space: Space, front: Front) -> None:
    front.fault = no_put
    tag_space.apply(model_tag(model=MODEL_A))
    tag_space.wait_for_condition(
        TAG,
        "production",
        "Tagged",
        status="Unknown",
        reason="ModelServerUnreachable",
        message=f"the model server at {front.url}{MODELS}/{MODEL_A}/tags/production answers 503 to tag "
        f"production for model {MODEL_A}: it is not ready, or a proxy before it has no server to pass this to; see "
        "that its pods are ready and that their Service selects them, then the proxy's log",
    )

    front.fault = lambda _: None

    wait_until_tagged(tag_space, MODEL_A)


def test_a_failed_put_does_not_wait_for_the_next_listing(
    breakable: Installation, mortal_space: Space, front: Front
) -> None:
    furnish(mortal_space, front)
    front.fault = no_put
    mortal_space.apply(model_tag(model=MODEL_A))
    operator = breakable.operator("--model-server-interval", "10m")
    operator.start()
    mortal_space.wait_for_condition(TAG, "production", "Tagged", status="Unknown", reason="ModelServerUnreachable")
    listings = front.listings_since()

    front.fault = lambda _: None

    wait_until_tagged(mortal_space, MODEL_A)
    assert front.listings_since() == listings
    operator.kill()


def test_a_server_that_says_nothing_holds_nobody_else_up(
    tag_space: Space, front: Front, new_space: Callable[[], Space], model_server: Front
) -> None:
    wait_for_server(tag_space, "True", "Ready", "the model server is reachable and accepts the credentials")
    front.fault = front.hang
    start = len(front.asked)
    tag_space.eventually(lambda: len(front.asked) > start, "the silent server to be asked")

    other = new_space()
    furnish(other, model_server)
    other.apply(environment())
    other.wait_until_ready()

    wait_for_server(
        tag_space,
        "False",
        "ModelServerUnreachable",
        f"the model server at {front.url}{MODELS} cannot be reached: it gives no HTTP answer; check `url` of the "
        "ModelServer",
    )


@dataclass(frozen=True)
class Wrong:
    """A wrong answer to the listing, and the resulting message."""

    name: str
    fault: Fault
    said: str


ADVICE = "check `url` of the ModelServer"
PAST_IT = (
    "make `url` of the ModelServer its address inside the cluster (http://SERVICE.NAMESPACE.svc:PORT), or let the "
    "proxy pass these requests without a login"
)
LISTING = "a list of models"
WRONG = (
    Wrong(
        "web page",
        lambda _: Said(200, "<html><body>Welcome</body></html>", {"Content-Type": "text/html"}),
        f"answers with a web page instead of {LISTING}; {ADVICE}: is it the base address, without /api?",
    ),
    Wrong(
        "login page",
        login_page,
        f"answers with a login page instead of {LISTING}: a proxy with a login (single sign-on) stands before it; "
        f"{PAST_IT}",
    ),
    Wrong(
        "other JSON",
        says_json(MODELS, {"models": []}),
        f"answers with JSON of another shape than {LISTING} (the top: Input should be a valid array); {ADVICE}",
    ),
    Wrong(
        "missing hash",
        says_json(MODELS, [{"model": "a"}]),
        f"answers with JSON of another shape than {LISTING} (0.hash: Field required); {ADVICE}",
    ),
    Wrong(
        "no JSON",
        lambda _: Said(200, "OK"),
        f"answers with something that is not JSON instead of {LISTING}; {ADVICE}",
    ),
    Wrong(
        "broken",
        lambda _: Said(500, json.dumps({"message": "out of memory"})),
        "answers 500 to the listing of models: it failed; see its log",
    ),
    Wrong(
        "elsewhere",
        lambda _: Said(404, "{}"),
        f"answers 404 to the listing of models: it has no such path; {ADVICE}: is it the base address, without /api?",
    ),
    Wrong(
        "moved",
        lambda _: Said(302, "", {"Location": "https://rasa-x.example/?token=secret"}),
        "redirects to https://rasa-x.example, where its credentials may not go; if that is where it lives, make it the "
        "address",
    ),
    Wrong(
        "moved to a login page",
        lambda _: Said(302, "", {"Location": "https://login.example/?token=secret"}),
        "redirects to https://login.example, where its credentials may not go: it looks like the login page of a proxy "
        f"before it; {PAST_IT}",
    ),
)


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name)
def test_an_answer_that_the_api_does_not_promise_is_described(tag_space: Space, front: Front, wrong: Wrong) -> None:
    front.fault = wrong.fault

    message = f"the model server at {front.url}{MODELS} {wrong.said}"
    wait_for_server(tag_space, "False", "UnexpectedAnswer", message)


def test_a_tag_that_answers_with_another_hash_is_told(tag_space: Space, front: Front) -> None:
    def another_hash(asked: Asked) -> Said | None:
        return Said(200, "", {"ETag": '"0123"'}) if asked.path == f"{MODELS}/tags/production" else None

    front.fault = another_hash
    tag_space.apply(model_tag(model=MODEL_A))

    tag_space.wait_for_condition(
        TAG,
        "production",
        "Tagged",
        status="False",
        reason="HashMismatch",
        message=f"tag production answers with hash 0123, model {MODEL_A} has {front.behind.hash_of(MODEL_A)}: the "
        "server serves another model under this tag; look at its log",
    )
    front.fault = lambda _: None
    wait_until_tagged(tag_space, MODEL_A)


@pytest.mark.parametrize("etag", ['W/"{}"', '"{}"', "{}"])
def test_a_hash_is_the_same_however_the_server_writes_its_etag(tag_space: Space, front: Front, etag: str) -> None:
    written = etag.format(front.behind.hash_of(MODEL_A))

    def rewritten(asked: Asked) -> Said | None:
        return Said(200, "", {"ETag": written}) if asked.path == f"{MODELS}/tags/production" else None

    front.fault = rewritten
    tag_space.apply(model_tag(model=MODEL_A))

    assert wait_until_tagged(tag_space, MODEL_A)["taggedModel"]["hash"] == front.behind.hash_of(MODEL_A)


def test_a_model_path_that_answers_nothing_is_suspected(empty_space: Space, front: Front) -> None:
    furnish(empty_space, front, modelPath="/elsewhere/{tag}")
    empty_space.apply(model_tag(model=MODEL_A))

    empty_space.wait_for_condition(
        TAG,
        "production",
        "Tagged",
        status="False",
        reason="TagNotFound",
        message=f"the model server took tag production for model {MODEL_A}, but does not serve it: is spec.modelPath "
        f"of ModelServer {empty_space.namespace}/default right?",
    )
    furnish(empty_space, front)
    wait_until_tagged(empty_space, MODEL_A)


def test_no_token_is_in_any_status_or_in_the_log(tag_space: Space, front: Front) -> None:
    front.fault = lambda asked: Said(500, f"cannot handle {asked.query}")
    tag_space.wait_for_condition(SERVER, "default", "Ready", status="False", reason="UnexpectedAnswer")
    front.down()
    tag_space.wait_for_condition(SERVER, "default", "Ready", status="False", reason="ModelServerUnreachable")

    log = tag_space.operator.log.read_text()
    told = json.dumps(tag_space.status(SERVER, "default"))
    assert [secret for secret in (TOKEN, API_TOKEN) if secret in log or secret in told] == []
