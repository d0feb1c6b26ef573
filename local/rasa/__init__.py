"""Real Rasa 3.6.21 on this machine: its virtual environment, and a server started as a Deployment's pod would be."""

from local.rasa.container import ContainerRun, Pod, plan_run
from local.rasa.environment import RASA_VERSION, RasaUnavailable, find_rasa_python, rasa_environment
from local.rasa.process import RasaProcess

__all__ = [
    "RASA_VERSION",
    "ContainerRun",
    "Pod",
    "RasaProcess",
    "RasaUnavailable",
    "find_rasa_python",
    "plan_run",
    "rasa_environment",
]
