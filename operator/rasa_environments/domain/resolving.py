"""What an environment is made from, without the content of any Secret: its server, its merged spec, its Secrets."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    image: str | None = None
    """The image of its ModelTag."""

    @property
    def secrets(self) -> frozenset[ObjectKey]:
        """The Secrets that it is made from: a change of one concerns it."""
        values = {secret_of(each.source) for each in self.values}
        certificates = {secret_of(each.secret) for each in self.certificates}
        credentials = credentials_secret(self.server)
        return frozenset(values | certificates | ({credentials} if credentials is not None else set()))

    def is_from(self, environment: DeploymentEnvironment, server: ModelServer, image: str | None) -> bool:
        """Return whether it was made from these very specs: a status write keeps the object of the spec."""
        return (
            self.image == image
            and self.environment.spec is environment.spec
            and self.server.spec is server.spec
            and self.environment.metadata.key == environment.metadata.key
            and self.server.metadata.key == server.metadata.key
        )


def resolve(environment: DeploymentEnvironment, lister: Lister, earlier: Resolved | None = None) -> Resolved | Problem:
    """Return what the environment is made from, or why nothing may be made for it.

    Specs that have not changed since `earlier` are not merged again, which takes most of the time.
    """
    server = usable_server(environment, lister)
    if isinstance(server, Problem):
        return server
    image = image_from(lister.followed(environment), environment)
    if earlier is not None and earlier.is_from(environment, server, image):
        return replace(earlier, environment=environment, server=server)
    try:
        spec = with_image(merged_spec(environment, server), image)
        return Resolved(
            environment,
            server,
            spec,
            named_values(environment, server, spec),
            named_certificates(environment, server, spec),
            image,
        )
    except SpecError as error:
        return Problem(error.reason, str(error), field=error.path)
