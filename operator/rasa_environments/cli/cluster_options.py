"""The options for cluster and user, the same as kubectl's, on each command that calls the API server."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, TypeAlias, get_type_hints

import typer
from typer.models import OptionInfo

from rasa_environments.cluster.credentials import CredentialSource
from rasa_environments.cluster.impersonation import Impersonation


def option(*flags: str, shown: str, said: str) -> OptionInfo:
    """Return an option of the panel `Cluster`, with its default in words."""
    made: OptionInfo = typer.Option(*flags, help=said, show_default=shown, rich_help_panel="Cluster")
    return made


Given: TypeAlias = str | None
Namespace = Annotated[Given, option("--namespace", "-n", said="Namespace.", shown="that of the context")]


@dataclass(frozen=True)
class ClusterOptions:
    """One option for each field; see `with_cluster_options`."""

    kubeconfig: Annotated[Given, option(said="Kubeconfig file.", shown="$KUBECONFIG, or ~/.kube/config")] = None
    context: Annotated[Given, option(said="Context of the kubeconfig.", shown="the current one")] = None
    cluster: Annotated[Given, option(said="Cluster of the kubeconfig.", shown="that of the context")] = None
    user: Annotated[Given, option(said="User of the kubeconfig.", shown="that of the context")] = None
    as_user: Annotated[
        Given,
        option("--as", said="Act as this user, if you may impersonate it.", shown="`as` of the kubeconfig's user"),
    ] = None
    as_groups: Annotated[
        list[str] | None,
        option("--as-group", said="Act as a member of this group; repeat it for more.", shown="its `as-groups`"),
    ] = None
    as_uid: Annotated[Given, option("--as-uid", said="Act as the user of this UID.", shown="its `as-uid`")] = None

    @property
    def source(self) -> CredentialSource:
        """Source of the credentials, and the user to impersonate."""
        acting_as = Impersonation(self.as_user or "", tuple(self.as_groups or ()), self.as_uid or "")
        return CredentialSource(self.kubeconfig, self.context, self.cluster, self.user, acting_as)


def with_cluster_options(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with the options of ClusterOptions instead of its parameter `where`, as typer requires."""
    own, its_hints = dict(inspect.signature(command).parameters), get_type_hints(command, include_extras=True)
    del own["where"]
    shared = inspect.signature(ClusterOptions).parameters
    hints = {**its_hints, **get_type_hints(ClusterOptions, include_extras=True)}
    parameters = [
        each.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[each.name])
        for each in (*own.values(), *shared.values())
    ]

    @wraps(command)
    def wrapped(**given: Any) -> None:
        where = ClusterOptions(**{name: given.pop(name) for name in shared})
        command(**given, where=where)

    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {each.name: each.annotation for each in parameters}
    return wrapped
