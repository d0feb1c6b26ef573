"""What an environment is made from, without the content of any Secret: its server, its merged spec, its Secrets."""

from __future__ import annotations

from dataclasses import dataclass

from rasa_environments.api.base import ObjectKey, secret_of
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentSpec
from rasa_environments.api.model_server import ModelServer
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.merging import merged_spec
from rasa_environments.desired.secret_variables import SecretVariable
from rasa_environments.desired.tls import CertificateSource
from rasa_environments.domain.action_servers import image_from, with_image
from rasa_environments.domain.certificates import named_certificates
from rasa_environments.domain.checks import usable_server
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.lister import Lister
from rasa_environments.domain.secret_values import credentials_secret, named_values


@dataclass(frozen=True)
class Resolved:
    """An environment with everything that it refers to."""

    environment: DeploymentEnvironment
    server: ModelServer
    spec: EnvironmentSpec
    """The environment's spec over its server's defaults, with the image of its ModelTag for its action server."""
    values: tuple[SecretVariable, ...]
    """Values that people keep in Secrets."""
    certificates: tuple[CertificateSource, ...]

    @property
    def secrets(self) -> frozenset[ObjectKey]:
        """The Secrets that it is made from: a change of one concerns it."""
        values = {secret_of(each.source) for each in self.values}
        certificates = {secret_of(each.secret) for each in self.certificates}
        credentials = credentials_secret(self.server)
        return frozenset(values | certificates | ({credentials} if credentials is not None else set()))


def resolve(environment: DeploymentEnvironment, lister: Lister) -> Resolved | Problem:
    """Return what the environment is made from, or why nothing may be made for it."""
    server = usable_server(environment, lister)
    if isinstance(server, Problem):
        return server
    try:
        spec = with_image(merged_spec(environment, server), image_from(lister.followed(environment), environment))
        return Resolved(
            environment,
            server,
            spec,
            named_values(environment, server, spec),
            named_certificates(environment, server, spec),
        )
    except SpecError as error:
        return Problem(error.reason, str(error), field=error.path)
