"""Which values an environment takes from Secrets that people keep."""

from __future__ import annotations

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentSpec
from rasa_environments.api.model_server import ModelServer, Profile
from rasa_environments.desired.context import profile_of_environment
from rasa_environments.desired.errors import SecretElsewhereError
from rasa_environments.desired.secret_variables import (
    LICENSE_VARIABLE,
    TOKEN_VARIABLE,
    SecretVariable,
    secret_variables,
)

SERVICE_TOKEN_KEY = "token"
"""Of the Secret with a ModelServer's credentials: what Rasa servers pull with."""


def named_values(
    environment: DeploymentEnvironment, server: ModelServer, spec: EnvironmentSpec
) -> tuple[SecretVariable, ...]:
    """Return every value that a person keeps in a Secret, the token among them where it is not generated.

    Of the Secrets in a ModelServer's namespace only the token to pull is for environments elsewhere: these generate
    their own token where the server's are to share one. Only Rasa Pro gets the licence. Raises SpecError where a
    reference is not complete, and SecretElsewhereError for a default of a server in another namespace.
    """
    namespace = environment.metadata.namespace
    runs_rasa_pro = profile_of_environment(environment, server) is Profile.RASA_PRO
    variables = tuple(each for each in secret_variables(spec) if runs_rasa_pro or each.name != LICENSE_VARIABLE)
    for variable in variables:
        if variable.source.namespace != namespace:
            raise SecretElsewhereError(variable.path, server.metadata.key, "secret values", namespace)
    if spec.auth_token is not None:
        return (*variables, SecretVariable(TOKEN_VARIABLE, spec.auth_token.secret_key_ref, "spec.authToken"))
    if server.spec.auth_token is not None and server.metadata.namespace == namespace:
        reference = server.spec.auth_token.secret_key_ref
        shared = reference.model_copy(update={"namespace": server.metadata.namespace})
        place = f"ModelServer {server.metadata.key}: spec.authToken"
        return (*variables, SecretVariable(TOKEN_VARIABLE, shared, place))
    return variables


def credentials_secret(server: ModelServer) -> ObjectKey | None:
    """Return the Secret with the server's credentials; None where it names none."""
    reference = server.spec.credentials_secret_ref
    return None if reference is None else ObjectKey(server.metadata.namespace, reference.name)
