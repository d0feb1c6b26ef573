"""Whether a Rasa server has a model, asked from inside its container."""

from __future__ import annotations

from rasa_environments.desired.secret_variables import MODEL_SERVER_TOKEN_VARIABLE, TOKEN_VARIABLE

NO_MODEL = '"no model is loaded"'
UNLESS_NONE_IS_WANTED = f"""\
def without_model():
    token = urllib.parse.quote(os.environ.get("{MODEL_SERVER_TOKEN_VARIABLE}", ""), safe="")
    headers = {{"If-None-Match": "none"}}
    pull = urllib.request.Request(os.environ["RASA_MODEL_SERVER"] + "?token=" + token, headers=headers, method="HEAD")
    try:
        opener.open(pull, timeout=4)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
    except OSError:
        pass
    return {NO_MODEL}
"""
SCRIPT = """\
import json, os, sys, urllib.error, urllib.parse, urllib.request
{definitions}token = urllib.parse.quote(os.environ["{variable}"], safe="")
opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
try:
    status = json.load(opener.open("http://127.0.0.1:{port}/status?token=" + token, timeout=4))
except urllib.error.HTTPError as error:
    sys.exit({without_model} if error.code == 409 else "/status answers %d" % error.code)
except OSError as error:
    sys.exit("the Rasa server does not answer: %s" % error)
sys.exit(None if status.get("model_file") else {without_model})
"""


def readiness_command(port: int, *, ready_if_none_is_wanted: bool = False) -> list[str]:
    """The exec probe: exit code 0 once the server at `port` has loaded a model.

    3.x answers 409 without a model, 1.x and 2.x answer 200 with `model_file: null`. The token comes from the
    environment, so it stands in no pod spec. With `ready_if_none_is_wanted` a server without a model is ready as long
    as no model carries its tag: Rasa X asks production for its version before it takes a first model, and has worker
    train it. Neither question goes through a proxy, whatever the variables say: Rasa itself pulls without one.
    """
    script = SCRIPT.format(
        variable=TOKEN_VARIABLE,
        port=port,
        definitions=UNLESS_NONE_IS_WANTED if ready_if_none_is_wanted else "",
        without_model="without_model()" if ready_if_none_is_wanted else NO_MODEL,
    )
    return ["python", "-c", script]
