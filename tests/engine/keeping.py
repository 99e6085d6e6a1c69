"""A job's snapshots as a worker keeps them: each goes on from those before it, where it can."""

from penstock.engine.job import Job, Snapshot
from penstock.engine.plan import Plan
from penstock.engine.run.kept.growth import Known


class Keeper:
    """Keeps what a job is asked for, and begins it anew from that."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []
        self.known: Known = {}
        self.links = 0
        """How many snapshots a start needs now."""

    def keep(self, job: Job) -> None:
        """Take a snapshot."""
        frozen = job.freeze(self.known)
        goes_on = bool(frozen.firsts)
        self.links = self.links + 1 if goes_on else 1
        self.blocks = [*(self.blocks if goes_on else []), *frozen.pack().blocks]
        self.known = frozen.known

    def again(self, plan: Plan) -> Job:
        """A new job from the last snapshot; nothing is known of what it holds."""
        job = Job(plan)
        job.restore(Snapshot(self.blocks))
        self.known = {}
        return job
