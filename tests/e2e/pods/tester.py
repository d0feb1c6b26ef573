"""A team's own test of a model: greets the bot at RASA_URL, and fails unless it answers as expected."""

from __future__ import annotations

import os
import sys

import httpx

SENDER = "tester"


def main() -> None:
    """Greet the bot, and look into its tracker, which only the token opens."""
    url, token = os.environ["RASA_URL"], os.environ["RASA_TOKEN"]
    message = {"sender": SENDER, "message": "hello"}
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        closed = client.get(f"/conversations/{SENDER}/tracker")
        answer = " ".join(each["text"] for each in client.post("/webhooks/rest/webhook", json=message).json())
        tracker = client.get(f"/conversations/{SENDER}/tracker", params={"token": token})
    if closed.status_code != 401 or tracker.status_code != 200:
        sys.exit(f"the tracker answers {closed.status_code} without and {tracker.status_code} with the token {token}")
    if answer != os.environ["EXPECTED"]:
        sys.exit(f"{os.environ['MODEL']} in {os.environ['ENVIRONMENT']} says {answer!r}")


if __name__ == "__main__":
    main()
