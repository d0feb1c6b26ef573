"""The final text of the demonstration."""

import sys
from pathlib import Path

from local.cluster import ClusterFacts
from local.models import NAMES


def what_next(cluster: ClusterFacts) -> str:
    """Return what to try in another terminal while the demonstration stays."""
    programs = [str(Path(sys.executable).parent), *([str(cluster.kubectl.parent)] if cluster.kubectl else [])]
    return f"""   All of it runs. In another terminal:

  export KUBECONFIG={cluster.kubeconfig}
  export PATH={":".join(programs)}:$PATH

  kubectl get rasa                                          # model servers, environments, tags
  rasa-environments status -w                               # the table above, as it changes
  kubectl rasa promote {NAMES["b"]} staging             # another environment; its pods are rolled
  kubectl rasa rollback production                          # back to the model before
  kubectl delete deployment production-rasa                 # the operator puts it back
  kubectl scale denv production --replicas 2                # and says what two replicas want
  kubectl describe denv production                          # conditions with reasons

Here every change is shown. Ctrl-C ends everything and leaves nothing behind.
"""


def farewell() -> str:
    """Return the last line."""
    return "\nEverything is ended and removed."
