"""The verdict on which models an environment's Rasa servers serve."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import NonServingPod, ServedModel
from rasa_environments.domain.facts import ProbeResult, TaggedModel
from rasa_environments.judge.comparison import (
    described,
    described_wanted,
    not_comparable,
    served_name,
    serves,
    serves_what_is_wanted,
    unread,
)
from rasa_environments.judge.environment_facts import EnvironmentFacts
from rasa_environments.judge.verdicts import Verdict

MAXIMUM_SERVED_MODELS = 32
"""Maximum number of models in the status."""
MAXIMUM_NON_SERVING_PODS = 10
"""Maximum number of pods in the status."""
REMEDY = (
    "the operator must reach the pods at their port: let it in where a NetworkPolicy is in force, and see that the "
    "addresses of the pods lead to them"
)
"""Remedy for a pod that never answered."""


def model_served(facts: EnvironmentFacts) -> Verdict:
    """Return whether every available server serves the desired model; Unknown if one cannot be asked."""
    if facts.lost and facts.wanted is not None:
        message = lost_message(facts, facts.wanted.name)
        return Verdict("False", Reason.MODEL_LOST, message)
    return model_answered(facts)


def model_answered(facts: EnvironmentFacts) -> Verdict:
    """Return the same verdict, by the last answers alone."""
    wanted = facts.wanted
    if not facts.served or (facts.deployment is not None and facts.deployment.wanted == 0):
        return _nobody_asked(facts)
    if wanted is None:
        return _without_a_wanted_model(facts)
    wrong = next((result for result in facts.served if serves(result, wanted) == "False"), None)
    if wrong is not None:
        reason = Reason.ANOTHER_MODEL_SERVED if wrong.serves_one else Reason.NO_MODEL_SERVED
        return Verdict("False", reason, _wrong_message(wrong, wanted))
    unknown = next((result for result in facts.served if serves(result, wanted) == "Unknown"), None)
    if unknown is not None:
        return _not_known(unknown, wanted, facts)
    count = len(facts.served)
    who = f"{facts.served[0].server} serves" if facts.external else f"{count} of {count} ready pods serve"
    silent = next((result for result in facts.served if result.problem is not None), None)
    since = f"; {_silent_message(silent)}" if silent is not None else ""
    return Verdict("True", Reason.SERVED, f"{who} {wanted.name}{since}")


def _nobody_asked(facts: EnvironmentFacts) -> Verdict:
    """Return the verdict if no server is asked, with the reason why not."""
    if facts.deployment is not None and facts.deployment.wanted == 0:
        return Verdict("False", Reason.NO_PODS, "no replicas are desired, so no model is served")
    if facts.problem is not None and any(pod.ready for pod in facts.pods):
        message = "the pods are not asked which model they serve while the environment cannot be reconciled"
        return Verdict("Unknown", Reason.PENDING, message)
    return Verdict("Unknown", Reason.NO_PODS, "no pod is ready to be asked which model it serves")


def _not_known(result: ProbeResult, wanted: TaggedModel, facts: EnvironmentFacts) -> Verdict:
    if result.known:
        return Verdict("Unknown", Reason.MODEL_UNKNOWN, not_comparable(result, wanted))
    message = f"{result.server} does not report its model: {result.problem}{unread(result, wanted)}"
    if result.reason is not Reason.PODS_UNREACHABLE:
        return Verdict("Unknown", result.reason, message)
    if facts.accept_unchecked:
        accepted = f"{wanted.name} is wanted; whether it is served is not checked (--accept-unchecked): {message}"
        return Verdict("True", Reason.SERVED_UNCHECKED, accepted)
    return Verdict("Unknown", result.reason, f"{message}; {REMEDY}")


def _without_a_wanted_model(facts: EnvironmentFacts) -> Verdict:
    silent = next((result for result in facts.served if not result.known), None)
    if silent is not None:
        message = f"{silent.server} does not report its model: {silent.problem}"
        return Verdict("Unknown", silent.reason, message)
    names = ",".join(sorted({served_name(result, None) for result in facts.served}))
    who = f"{facts.served[0].server} serves" if facts.external else "pods serve"
    message = f"{who} {names}; which model is wanted is not known"
    return Verdict("Unknown", Reason.TAG_NOT_FOUND, message)


def _wrong_message(result: ProbeResult, wanted: TaggedModel) -> str:
    hint = "it has not pulled it yet or could not load it (see its log)"
    if result.problem is not None:
        return f"{_silent_message(result)}; {wanted.name} is wanted: it may be loading it"
    return f"{result.server} serves {described(result)}, {described_wanted(result, wanted)} is wanted: {hint}"


def _silent_message(result: ProbeResult) -> str:
    last = f"served {described(result)} at {result.answered_time}"
    return f"{result.server} {last} and does not answer now: {result.problem}"


def lost_message(facts: EnvironmentFacts, wanted: str) -> str:
    """Describe the first pod that has lost its model, and what is done about it."""
    pod = facts.lost[0]
    result = next((result for result in facts.served if result.server == pod), None)
    now = "does not answer now"
    if result is not None and result.problem is None:
        now = f"serves {described(result)} now"
    elif result is not None and result.reason is Reason.MODEL_UNKNOWN:
        now = "serves a model now that the model server does not list"
    cure = (
        "if that lasts, the pod is restarted"
        if facts.healing
        else "spec.model.healing is Disabled: delete the pod to have it restarted"
    )
    return f"{pod} had {wanted} and {now}: its tag has just moved, or somebody used Rasa's API to replace it; {cure}"


def served_models(served: Sequence[ProbeResult], wanted: TaggedModel | None) -> list[ServedModel]:
    """Return the served models by the answers that count, the most widely served first."""
    counted = Counter(served_name(result, wanted) for result in served if result.known and result.serves_one)
    ranked = sorted(counted.items(), key=lambda entry: (-entry[1], entry[0]))
    return [ServedModel(name=name, replicas=count) for name, count in ranked[:MAXIMUM_SERVED_MODELS]]


def non_serving_pods(facts: EnvironmentFacts) -> list[NonServingPod]:
    """Return the pods that are not known to serve the desired model, by the answers that count; the first by name.

    Without a desired model, these are the pods that are not known to serve none.
    """
    names = {f"pod {pod.name}": pod.name for pod in facts.pods}
    found = [
        pod
        for result in facts.served
        if result.server in names and (pod := _non_serving_pod(names[result.server], result, facts.wanted)) is not None
    ]
    return sorted(found, key=lambda pod: pod.name)[:MAXIMUM_NON_SERVING_PODS]


def _non_serving_pod(name: str, result: ProbeResult, wanted: TaggedModel | None) -> NonServingPod | None:
    """Return the entry of a pod; None if it is known to serve what is wanted."""
    if serves_what_is_wanted(result, wanted) == "True":
        return None
    is_another = wanted is not None and serves(result, wanted) == "False"
    model = served_name(result, None) if result.known and result.serves_one else None
    return NonServingPod(name=name, served="False" if is_another else "Unknown", model=model)
