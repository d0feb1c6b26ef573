"""Real Rasa on this machine: the environment of a release, and a server started as a Deployment's pod would be."""

from local.rasa.container import ContainerRun, Pod, plan_run
from local.rasa.environment import rasa_environment
from local.rasa.process import RasaProcess
from local.rasa.python import RasaUnavailableError, find_python
from local.rasa.release import RASA_PRO_RELEASES, RASA_VERSION, RELEASES, RasaRelease, rasa_pro_to_run

__all__ = [
    "RASA_PRO_RELEASES",
    "RASA_VERSION",
    "RELEASES",
    "ContainerRun",
    "Pod",
    "RasaProcess",
    "RasaRelease",
    "RasaUnavailableError",
    "find_python",
    "plan_run",
    "rasa_environment",
    "rasa_pro_to_run",
]
