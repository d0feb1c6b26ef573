"""One HTTP request, made in a pod: reads the request as JSON from standard input, and prints the response as JSON.

So tokens appear neither in an argument nor in a log.
"""

import json
import sys

import httpx


def main() -> None:
    """Print status and body; status 0 and the error if there is no response."""
    given = json.load(sys.stdin)
    try:
        with httpx.Client(timeout=30, trust_env=False, verify=False) as client:
            answer = client.request(given["method"], given["url"], params=given["params"], json=given["json"])
    except httpx.HTTPError as error:
        print(json.dumps({"status": 0, "body": {"error": f"{type(error).__name__}: {error}"}}))
        return
    is_json = answer.headers.get("Content-Type", "").startswith("application/json")
    print(json.dumps({"status": answer.status_code, "body": answer.json() if is_json else {"text": answer.text}}))


if __name__ == "__main__":
    main()
