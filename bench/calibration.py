"""Lets the operator and the peer each make one environment, and requires that both have made the same."""

import json

from bench import manifests
from bench.cluster import CHILD_PATHS, DEPLOYMENTS, ENVIRONMENTS, USER, BenchCluster
from bench.contenders import Contender, Operator, Peer
from bench.go_program import find_or_build_peer
from bench.models import Models
from bench.shape import (
    KINDS,
    comparable,
    rendered_children,
    require_same,
    status_template,
    template,
    without_times,
)
from local.progress import Progress
from rasa_environments.api.base import JsonObject

NAMESPACE = "peer-comparison"
SILENCE = 3.0
"""Seconds without a request after which a contender counts as done."""


def calibrated_peer(cluster: BenchCluster, models: Models, progress: Progress) -> Peer:
    """Return the peer, which was seen to write what the operator writes.

    Raises PeerDiffersError where it does not, or BinariesUnavailableError.
    """
    program = find_or_build_peer(progress)
    progress("one environment by each, to compare what they write")
    children, status = made_by(Operator(), cluster, models, NAMESPACE)
    file = cluster.directory / "template.json"
    content = template(
        rendered_children(models.url, cluster.directory),
        models.token,
        status_template(status, manifests.environment_name(1), NAMESPACE),
    )
    file.write_text(json.dumps(content))
    peer = Peer(program, file)
    their_children, their_status = made_by(peer, cluster, models, NAMESPACE)
    require_same(
        {**children, "status": without_times(status)}, {**their_children, "status": without_times(their_status)}
    )
    return peer


def made_by(
    contender: Contender, cluster: BenchCluster, models: Models, namespace: str
) -> tuple[dict[str, JsonObject], JsonObject]:
    """Create an environment and delete it; return the children that the contender made, by kind, and the status."""
    name = manifests.environment_name(1)
    furnish(cluster, models, namespace)
    with contender.running(cluster) as running:
        start = cluster.audit.end()
        cluster.create(ENVIRONMENTS, namespace, manifests.environment(name))
        running.child.wait_until(lambda: cluster.count(DEPLOYMENTS, namespace) == 1, 30, "done with a Deployment")
        cluster.audit.wait_for_silence(start, USER, SILENCE)
        places = zip(KINDS, (*CHILD_PATHS, DEPLOYMENTS), strict=True)
        path = {kind: f"{cluster.collection(where, namespace)}/{name}-rasa" for kind, where in places}
        children = {kind: comparable(cluster.api.get(path[kind])) for kind in KINDS}
        status = cluster.items(ENVIRONMENTS, namespace)[0]["status"]
    cluster.remove_namespace(namespace)
    return children, status


def furnish(cluster: BenchCluster, models: Models, namespace: str) -> None:
    """Create a namespace with a ModelServer and its credentials."""
    cluster.new_namespace(namespace)
    cluster.create(("api/v1", "secrets"), namespace, manifests.credentials(models.token, models.api_token))
    where = ("apis/rasa-environments.io/v1alpha1", "modelservers")
    cluster.create(where, namespace, manifests.model_server(models.url))
