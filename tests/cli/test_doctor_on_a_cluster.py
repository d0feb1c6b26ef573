"""`doctor` on a real API server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import yaml

from .conftest import Team, command

LEASES = "/apis/coordination.k8s.io/v1/namespaces"


def renew(team: Team, time: datetime) -> None:
    """Renew a Lease as an operator does at that time."""
    now = time.isoformat(timespec="microseconds").replace("+00:00", "Z")
    spec = {"holderIdentity": "pod-1", "leaseDurationSeconds": 10, "renewTime": now}
    body = {"metadata": {"name": "rasa-environments", "namespace": team.namespace}, "spec": spec}
    manifest = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", **body}
    answer = team.api.apply(f"{LEASES}/{team.namespace}/leases/rasa-environments", manifest)
    assert answer.accepted, answer.body["message"]


@contextmanager
def operator_at_work(team: Team) -> Iterator[None]:
    """Renew a Lease until the block ends."""
    done = threading.Event()

    def work() -> None:
        while not done.wait(0.5):
            renew(team, datetime.now(UTC))

    renew(team, datetime.now(UTC))
    with ThreadPoolExecutor() as pool:
        working = pool.submit(work)
        try:
            yield
        finally:
            done.set()
            working.result()
            team.api.request("DELETE", f"{LEASES}/{team.namespace}/leases/rasa-environments")


def test_what_is_wrong_is_found_and_a_lease_that_is_renewed_is_an_operator(team: Team) -> None:
    team.report("DeploymentEnvironment", "production", {}, Ready=("False", "TagNotFound", "promote a model"))

    with operator_at_work(team):
        ran = team.run("doctor -o json")

    assert ran.exit_code == 1, ran.errors
    document = json.loads(ran.output)
    problems = {finding["problem"]: finding["subjects"] for finding in document["findings"]}
    assert problems["TagNotFound: promote a model"] == [f"DeploymentEnvironment {team.namespace}/production"]
    assert not any(problem.startswith("no operator was found at work") for problem in problems)
    assert not any("CRD" in subject for subjects in problems.values() for subject in subjects)
    assert document["unchecked"] == []


def test_a_lease_that_nobody_renews_is_no_operator(team: Team) -> None:
    path = f"{LEASES}/{team.namespace}/leases/rasa-environments"
    renew(team, datetime(2026, 1, 1, tzinfo=UTC))
    try:
        ran = team.run("doctor")
    finally:
        team.api.request("DELETE", path)

    assert ran.exit_code == 1
    assert "and the Lease " in ran.output.replace("\n  ", " ")


def test_who_may_read_nothing_is_told_what_was_not_checked(team: Team) -> None:
    ran = team.run("doctor --as nobody")

    assert ran.exit_code == 6
    assert ran.output.startswith("no problem found, 7 checks not possible\n")
    assert "  not checked: whether an operator is at work: " in ran.output


def test_a_cluster_that_does_not_answer_is_unknown(tmp_path: Path, unused_tcp_port: int) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    named = {"name": "c"}
    content = {
        "clusters": [{**named, "cluster": {"server": f"http://127.0.0.1:{unused_tcp_port}"}}],
        "contexts": [{**named, "context": {"cluster": "c"}}],
        "current-context": "c",
    }
    kubeconfig.write_text(yaml.safe_dump(content))

    ran = command("doctor", kubeconfig)

    assert ran.exit_code == 6
    assert ran.errors.startswith("error: could not check the installation: no answer from the API server")
