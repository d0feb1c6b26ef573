"""`rollback`: back to the model before."""

from __future__ import annotations

from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.cli.access import Context, Kubeconfig, Namespace, session
from rasa_environments.cli.failures import CommandError, execute
from rasa_environments.cli.promote import Environment, Following, Timeout, Wait, model_tag_of, promote_to
from rasa_environments.cli.promotion import rollback_target
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS


def rollback(
    environment: Environment,
    wait: Wait = True,
    timeout: Timeout = 300.0,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Promote the model that an environment had before."""

    async def command() -> None:
        async with session(kubeconfig, context, namespace) as connected:
            target = await connected.get(DeploymentEnvironment, DEPLOYMENT_ENVIRONMENTS, environment)
            tag = await model_tag_of(connected, target)
            if tag is None:
                raise CommandError(
                    f"no ModelTag rules the tag {target.tag} of environment {target.metadata.key}, so no earlier "
                    f"model is known; name one: kubectl rasa promote MODEL {environment}"
                )
            model = rollback_target(tag)
            if model is None:
                raise CommandError(
                    f"ModelTag {tag.metadata.key} knows no model before {tag.spec.model}; "
                    f"name one: kubectl rasa promote MODEL {environment}"
                )
            await promote_to(connected, target, tag, model, Following(wait, timeout))

    execute(command())
