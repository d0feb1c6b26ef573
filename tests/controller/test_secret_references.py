"""Which objects a change of a Secret affects."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import ObjectKey
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.controller.secret_references import SecretReferences

SECRETS = [ObjectKey("bots", name) for name in ("passwords", "slack", "rasa-x")]
USERS = [
    Request(Kind.DEPLOYMENT_ENVIRONMENT, ObjectKey("bots", "support")),
    Request(Kind.MODEL_SERVER, ObjectKey("bots", "support")),
    Request(Kind.DEPLOYMENT_ENVIRONMENT, ObjectKey("bots", "sales")),
]


@given(history=st.lists(st.tuples(st.sampled_from(USERS), st.frozensets(st.sampled_from(SECRETS)))))
def test_the_users_of_a_secret_are_those_that_named_it_last(
    history: list[tuple[Request, frozenset[ObjectKey]]],
) -> None:
    references = SecretReferences()
    for user, secrets in history:
        references.set(user, secrets)

    latest = dict(history)
    for secret in SECRETS:
        assert set(references.users(secret)) == {user for user, secrets in latest.items() if secret in secrets}


def test_a_secret_that_nobody_names_concerns_nobody() -> None:
    references = SecretReferences()
    references.set(USERS[0], [SECRETS[0]])
    references.set(USERS[0], [])

    assert references.users(SECRETS[0]) == ()
    assert references.users(SECRETS[1]) == ()
