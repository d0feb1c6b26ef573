"""Whether a Rasa server has a model, asked from inside its container."""

from __future__ import annotations

from rasa_environments.desired.secret_variables import TOKEN_VARIABLE

SCRIPT = """\
import json, os, sys, urllib.error, urllib.parse, urllib.request
token = urllib.parse.quote(os.environ["{variable}"], safe="")
opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
try:
    status = json.load(opener.open("http://127.0.0.1:{port}/status?token=" + token, timeout=4))
except urllib.error.HTTPError as error:
    sys.exit("no model is loaded" if error.code == 409 else "/status answers %d" % error.code)
except OSError as error:
    sys.exit("the Rasa server does not answer: %s" % error)
sys.exit(None if status.get("model_file") else "no model is loaded")
"""


def readiness_command(port: int) -> list[str]:
    """The exec probe: exit code 0 once the server at `port` has loaded a model.

    3.x answers 409 without a model, 1.x and 2.x answer 200 with `model_file: null`. The token comes from the
    environment, so it stands in no pod spec.
    """
    return ["python", "-c", SCRIPT.format(variable=TOKEN_VARIABLE, port=port)]
