"""The `App` that users import: pipelines declared in Python, tested without a server, run with one call."""

import sys
from pathlib import Path
from typing import ClassVar

from penstock.errors import PenstockError
from penstock.testing.app import App as TestedApp


class App(TestedApp):
    """A named set of topics, tables and pipelines; see `penstock.dsl.app.App` for how they are declared."""

    _hosting: ClassVar[bool] = False

    def run(self, bootstrap: str = "127.0.0.1:9092", amqp: str = "") -> None:
        """Run the pipelines of the program that calls this, against penstock or any Kafka, until Ctrl-C; and the app's
        tasks, on the AMQP server at `amqp` (default: PENSTOCK_AMQP, else 127.0.0.1:5672). Tasks alone need no Kafka.

        Meant for ``python app.py``: the file is hosted by a worker in this process, which picks up saved changes.
        Raises PenstockError where there is no program file.
        """
        if App._hosting:
            return  # the worker is loading the file, and met this very call
        file = getattr(sys.modules["__main__"], "__file__", None)
        if file is None:
            raise PenstockError(
                "app.run() hosts a program's file, and there is none", remedy="save it and run: python app.py"
            )
        import uvloop

        from penstock.amqp import url_of
        from penstock.lifeline import until_told
        from penstock.tasks.running import Running
        from penstock.tasks.sending import OUTLET
        from penstock.work.options import WorkOptions
        from penstock.work.worker import Worker

        async def host() -> None:
            if self.tasks and self.writes_nothing:
                OUTLET.url = url_of(amqp)
                print(f"ready tasks={len(self.tasks)} amqp={OUTLET.url}", flush=True)
                await Running(self.tasks.values(), OUTLET.url).run(until_told())
            else:
                options = WorkOptions(bootstrap=bootstrap, name=Path(file).stem, paths=(file,), amqp=amqp)
                await Worker(options).run(until_told())

        App._hosting = True
        try:
            uvloop.run(host())
        finally:
            App._hosting = False
