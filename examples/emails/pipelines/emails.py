"""The queue `emails`: who signs up is welcomed. `penstock up` runs the task, and again after it failed.

An address that is none is given up at once; while the mail folder is not there (the mail server, in earnest) a call comes
again after each wait, and then lies in `emails.dlq`.
"""

from pathlib import Path

from penstock import App, Retry

OUTBOX = Path(__file__).parent.parent / "outbox"

app = App("emails")


@app.task(
    queue="emails",
    retry=Retry("1s", "5s", "1m", fatal=(ValueError,), dead_letter="emails.dlq"),
    result="emails.sent",
)
async def welcome(user: str) -> dict[str, str]:
    """Send the welcome; what it returns is a record of the topic `emails.sent`."""
    if "@" not in user:
        raise ValueError(f"{user!r} is no address")
    (OUTBOX / f"{user}.txt").write_text(f"Welcome email for {user}\n")
    return {"to": user}
