"""The readiness probe, which checks from inside the container whether a Rasa server has a model.

A kubelet starts the script in every pod for as long as the pod lives, so it costs nodes more than the operator does.
Without `site` and with `socket` alone a start takes 19 ms of CPU, with http.client 44 to 49 ms, with urllib 61 to 67 ms
(the Pythons of Rasa 1.10.26, 2.8.34 and 3.6.21): one every ten seconds takes 7 s per pod and hour.
"""

from __future__ import annotations

from rasa_environments.desired.secret_variables import MODEL_SERVER_TOKEN_VARIABLE, TOKEN_VARIABLE

NO_MODEL = '"no model is loaded"'
UNLESS_NONE_IS_WANTED = f"""\
def without_model():
    import urllib.error, urllib.parse, urllib.request
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
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
import os, socket, sys
{definitions}token = "".join("%%%02X" % byte for byte in os.environ["{variable}"].encode())
address = "127.0.0.1:{port}"
question = "GET /status?token=" + token + " HTTP/1.0\\r\\nHost: " + address + "\\r\\nConnection: close\\r\\n\\r\\n"
try:
    with socket.create_connection(address.split(":"), timeout=4) as connection:
        connection.sendall(question.encode())
        head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\\r\\n\\r\\n")
except OSError as error:
    sys.exit("the Rasa server does not answer: %s" % error)
status = b" ".join(head.split()[1:2]).decode("latin-1")
if status not in ("200", "409"):
    sys.exit("/status answers %s" % (status or "nothing"))
has_model = status == "200" and b'"model_file":"' in b"".join(body.split())
sys.exit(None if has_model else {without_model})
"""


def readiness_command(port: int, *, ready_if_none_is_wanted: bool = False) -> list[str]:
    """Return an exec probe that succeeds once the server at `port` has loaded a model.

    Without a model, 3.x answers 409, while 1.x and 2.x answer 200 with `model_file: null`. The token comes from the
    environment, so that no pod spec contains it. With `ready_if_none_is_wanted`, a server without a model is ready as
    long as no model has its tag: Rasa X asks production for its version before it accepts a first model, and has worker
    train it. Both requests bypass any proxy that is set in the environment, as Rasa itself does when it pulls.
    """
    script = SCRIPT.format(
        variable=TOKEN_VARIABLE,
        port=port,
        definitions=UNLESS_NONE_IS_WANTED if ready_if_none_is_wanted else "",
        without_model="without_model()" if ready_if_none_is_wanted else NO_MODEL,
    )
    return ["python", "-I", "-S", "-c", script]
