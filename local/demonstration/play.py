"""The demonstration, from the first step to the last."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from local.api_server import ApiServer
from local.cluster import ClusterFacts, LocalCluster
from local.demonstration.conversation import Bot, bot_of
from local.demonstration.programs import (
    ModelServerProgram,
    OperatorProgram,
    host_for_pods,
    run_command,
    start_model_server,
    start_operator,
)
from local.demonstration.rejection import BAD_MODEL, bad_model, candidate, is_rejected, verified_tag
from local.demonstration.steps import Steps
from local.demonstration.view import View
from local.demonstration.words import farewell, what_next
from local.installation import NAMESPACE, OPERATOR, ROOT, SERVICE_ACCOUNT, apply, documents
from local.models import MODELS, NAMES
from local.processes import Leash, ProcessFailedError
from local.progress import ConsoleProgress, Progress
from local.rasa import RASA_VERSION, RasaUnavailableError, rasa_environment
from local.service_account import service_account_kubeconfig
from rasa_environments.cli.overview import Overview

MODEL_A, MODEL_B = NAMES["a"], NAMES["b"]
TEAM_NAMESPACE = "default"
SAMPLES = ROOT / "manifests" / "samples"
PATIENCE_SECONDS = {"local": 120.0, "envtest": 120.0, "kind": 900.0}
"""Seconds for environments to become ready; kind's nodes download Rasa's image."""
STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Options:
    """Whether to stay until Ctrl-C, and whether to start real Rasa too, if available."""

    stay: bool
    rasa: bool


def demonstrate(options: Options, console: Console) -> None:
    """Run the demonstration and clean up. Raises StepFailedError, or KeyboardInterrupt if interrupted."""
    with ExitStack() as stack:
        progress = stack.enter_context(ConsoleProgress(console))
        Play(options, console, progress, stack).perform()
        stack.close()
    progress(farewell())


class Play:
    """One performance; everything that it starts is ended by `stack`."""

    def __init__(self, options: Options, console: Console, progress: Progress, stack: ExitStack) -> None:
        self._options = options
        self._console = console
        self._progress = progress
        self._stack = stack
        self._steps = Steps(progress, self._operator_log)
        self._operator: OperatorProgram | None = None
        self._bot: Bot | None = None
        self._binaries = Path()
        self._leash = Leash()
        stack.callback(self._leash.close)
        self._workspace = Path(tempfile.mkdtemp(prefix="rasa-environments-demo-"))
        self._leash.remove(self._workspace)

    def perform(self) -> None:
        """Run all steps in order. Raises StepFailedError."""
        cluster = self._start_cluster()
        api = self._stack.enter_context(ApiServer(cluster.kubeconfig))
        model_server = self._start_model_server(cluster)
        self._install(api)
        self._start_operator(cluster)
        view = View(api, TEAM_NAMESPACE, self._console, self._check)
        patience = PATIENCE_SECONDS[cluster.flavour]
        self._upload(api, cluster, model_server)
        self._create_environments(api, view, patience)
        self._start_rasa(cluster, api, view, patience)
        self._promote(cluster, model_server, view, patience)
        self._reject(cluster, api, model_server, view, patience)
        if self._options.stay:
            with self._steps.step("Stay until Ctrl-C"), suppress(KeyboardInterrupt):
                self._progress(what_next(cluster))
                view.follow()

    def _start_cluster(self) -> ClusterFacts:
        with self._steps.step("Start a cluster"):
            local_cluster = LocalCluster(progress=indented(self._progress))
            self._stack.callback(local_cluster.stop)
            return local_cluster.start()

    def _start_model_server(self, cluster: ClusterFacts) -> ModelServerProgram:
        with self._steps.step("Start the model server on an empty directory"):
            program = start_model_server(self._workspace, self._leash, host_for_pods(cluster.flavour))
            self._stack.callback(program.child.stop, STOP_SECONDS)
            self._progress(f"   it serves at {program.url}, with random tokens")
            return program

    def _install(self, api: ApiServer) -> None:
        with self._steps.step("Install the resources, and what the operator may do"):
            apply(api, documents(OPERATOR), progress=indented(self._progress))

    def _start_operator(self, cluster: ClusterFacts) -> None:
        with self._steps.step(f"Start the operator as its ServiceAccount, {NAMESPACE}/{SERVICE_ACCOUNT}"):
            kubeconfig = service_account_kubeconfig(
                cluster.kubeconfig, NAMESPACE, SERVICE_ACCOUNT, self._workspace / "operator.kubeconfig"
            )
            self._progress("   waiting until it is ready: /readyz")
            simulated = cluster.flavour != "kind"
            self._operator = start_operator(self._workspace, self._leash, kubeconfig, simulated=simulated)
            self._stack.callback(self._operator.child.stop, STOP_SECONDS)
            self._progress(f"   it is ready, and tells so at {self._operator.url}")

    def _upload(self, api: ApiServer, cluster: ClusterFacts, model_server: ModelServerProgram) -> None:
        with self._steps.step("Tell the cluster of the model server, and upload two models to it"):
            for document in documents([SAMPLES / "modelserver.yaml"]):
                apply(api, model_server_documents(document, model_server), TEAM_NAMESPACE, indented(self._progress))
            for name in (MODEL_A, MODEL_B):
                file = (MODELS / f"{name}.tar.gz").relative_to(ROOT)
                run_command(["upload", str(file)], cluster.kubeconfig, self._progress)

    def _create_environments(self, api: ApiServer, view: View, patience: float) -> None:
        with self._steps.step(f"Create three environments, and put their tags on model {MODEL_A}"):
            wanted = documents([SAMPLES / "environments.yaml", SAMPLES / "modeltags.yaml"])
            apply(api, wanted, TEAM_NAMESPACE, indented(self._progress))
            view.follow_until(all_ready, "all environments are ready", patience)
            self._progress(
                "   Nobody listens in simulated pods, so what they serve is not checked: --accept-unchecked."
            )

    def _start_rasa(self, cluster: ClusterFacts, api: ApiServer, view: View, patience: float) -> None:
        missing = self._why_no_rasa(cluster)
        if missing:
            self._progress(f"\nReal Rasa is left out: {missing}")
            return
        with self._steps.step(f"Start real Rasa {RASA_VERSION} in the place of production's simulated pod"):
            try:
                binaries = rasa_environment(indented(self._progress))
            except RasaUnavailableError as error:
                self._progress(f"   left out: {error}")
                return
            self._binaries = binaries
            bot = bot_of(api, TEAM_NAMESPACE, "production-rasa", binaries, self._progress)
            self._bot = self._stack.enter_context(bot)
            view.follow_until(serves(MODEL_A), f"production serves {MODEL_A}", patience)
            self._bot.must_answer("hello", "Hello from model A.", self._progress)

    def _promote(self, cluster: ClusterFacts, model_server: ModelServerProgram, view: View, patience: float) -> None:
        with self._steps.step(f"Promote model {MODEL_B} to production"):
            run_command(["promote", MODEL_B, "production", "--no-wait"], cluster.kubeconfig, self._progress)
            view.follow_until(moved(served=self._bot is not None), "production has moved", patience)
            carrying = {tag: model_server.model_of_tag(tag) for tag in ("production", "worker", "staging")}
            self._progress("   the model server says: " + ", ".join(f"{tag} -> {carrying[tag]}" for tag in carrying))
            if carrying != {"production": MODEL_B, "worker": MODEL_A, "staging": MODEL_A}:
                raise ProcessFailedError("the tag production should have moved, and no other")
            if self._bot is not None:
                self._bot.check()
                self._bot.must_answer("hello", "Hello from model B.", self._progress)
                self._progress("   the same process, without a restart")

    def _reject(
        self, cluster: ClusterFacts, api: ApiServer, model_server: ModelServerProgram, view: View, patience: float
    ) -> None:
        if self._bot is None:
            return
        with self._steps.step(f"Promote the bad model {BAD_MODEL}, which a conversation rejects before users meet it"):
            apply(api, verified_tag(), TEAM_NAMESPACE, indented(self._progress))
            self._progress('   From now on, a model must greet with "Hello from model B." before it gets the tag.')
            run_command(["upload", str(bad_model(self._workspace))], cluster.kubeconfig, self._progress)
            run_command(["promote", BAD_MODEL, "production", "--no-wait"], cluster.kubeconfig, self._progress)
            with candidate(api, TEAM_NAMESPACE, self._binaries, self._progress):
                view.follow_until(is_rejected(), "the conversation has rejected the model", patience)
            run_command(["verification", "production"], cluster.kubeconfig, self._progress, exit_code=1)
            self._bot.check()
            self._bot.must_answer("hello", "Hello from model B.", self._progress)
            if model_server.model_of_tag("production") != MODEL_B:
                raise ProcessFailedError("the tag production should have stayed where it was")
            self._progress(
                "   The bad model was asked before any user could ask it. It gave the wrong answer, and stays out."
            )

    def _why_no_rasa(self, cluster: ClusterFacts) -> str | None:
        if not self._options.rasa:
            return "`make run RASA=1` starts it too, and shows what the bot says"
        if cluster.flavour == "kind":
            return "the pods of kind run Rasa themselves"
        return None

    def _check(self) -> None:
        """Check the processes that the environments depend on. Raises ProcessFailedError if one has ended."""
        if self._operator is not None:
            self._operator.child.must_run()
        if self._bot is not None:
            self._bot.check()

    def _operator_log(self) -> str:
        return "" if self._operator is None else f"\nThe operator's log ends:\n{self._operator.child.log_tail()}"


def model_server_documents(sample: dict[str, Any], program: ModelServerProgram) -> list[dict[str, Any]]:
    """Return the sample ModelServer with its actual URL, preceded by its Secret.

    The sample's defaults are left out: there is no database here, and conversations are kept in memory.
    """
    spec = {name: value for name, value in sample["spec"].items() if name != "defaults"}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": spec["credentialsSecretRef"]["name"]},
        "stringData": {"token": program.token, "apiToken": program.api_token},
    }
    return [secret, {**sample, "spec": {**spec, "url": program.url}}]


def all_ready(seen: Overview) -> bool:
    """Return whether every environment is ready and wants model A."""
    rows = seen.environments
    return len(rows) == 3 and all(row.ready == "True" and row.wanted == MODEL_A for row in rows)


def serves(model: str) -> Callable[[Overview], bool]:
    """Return a check whether production is known to serve the model."""
    return lambda seen: any(row.name == "production" and row.served == model for row in seen.environments)


def moved(*, served: bool) -> Callable[[Overview], bool]:
    """Return a check whether production alone wants model B and is ready; with `served`, also whether it serves it."""
    wanted = {"production": MODEL_B, "staging": MODEL_A, "worker": MODEL_A}

    def done(seen: Overview) -> bool:
        tag = next((row for row in seen.tags if row.name == "production"), None)
        return (
            {row.name: row.wanted for row in seen.environments} == wanted
            and all(row.ready == "True" for row in seen.environments)
            and tag is not None
            and (tag.model, tag.tagged, tag.ready) == (MODEL_B, "True", "True")
            and (not served or serves(MODEL_B)(seen))
        )

    return done


def indented(progress: Progress) -> Progress:
    """Return the same progress, indented for the inside of a step."""
    return lambda said: progress(f"   {said}")
