"""Who may come in, for one process: the users' file, the secret of penstock's own processes, and TLS.

Makes the session of whoever connects, and takes over changed files while clients are connected.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from penstock.app.addresses import Address
from penstock.app.passes import SECRET_MECHANISM, SECRET_VARIABLE
from penstock.app.room import Room
from penstock.broker.broker import Broker
from penstock.calls import Principal
from penstock.errors import PenstockError
from penstock.serve.connection import Peer
from penstock.tls import TlsOptions, load_pair, server_context
from penstock.users.directory import ANONYMOUS, ITSELF
from penstock.users.follow import FollowedUsers, told_of
from penstock.users.passwords import COST_LOG2_MIN, SALT_BYTES, hash_password
from penstock.users.scram import ITERATIONS_MIN, keys_of
from penstock.wire.amqp.options import AmqpOptions
from penstock.wire.amqp.session import AmqpSession
from penstock.wire.kafka.fetch_sessions import FetchSessions
from penstock.wire.kafka.session import KafkaOptions, KafkaSession
from penstock.wire.sasl import Login

logger = logging.getLogger("penstock.broker")

LOOK_S: Final = 0.5


class Entrance:
    """What a broker process knows of who may come in; raises PenstockError for files that are no good."""

    def __init__(self, users: Path, tls: TlsOptions, room: Room | None = None) -> None:
        """`room` is that of the data directory's disk."""
        # Taken out of the environment: what this process starts has no use for it.
        secret = os.environ.pop(SECRET_VARIABLE, "")
        # A random secret needs no stretching.
        keys = (
            {SECRET_MECHANISM: keys_of(SECRET_MECHANISM, secret, os.urandom(16), ITERATIONS_MIN)}
            if secret
            else {}
        )
        # AMQP has no SCRAM: there the secret is a password.
        password = hash_password(secret, os.urandom(SALT_BYTES), COST_LOG2_MIN) if secret else ""
        self.users = FollowedUsers(users, keys, password)
        self.tls_options, self.tls = tls, server_context(tls)
        self._pair = self._pair_signature()
        self.fetch_sessions = FetchSessions(os.urandom)
        self.room = room

    @property
    def secured(self) -> bool:
        """Whether other machines may be let near: there are users, and what they say is not read by others."""
        return self.tls is not None and not self.users.directory.open

    def protocol(self, tls: bool) -> str:
        """A listener's security protocol in Kafka's words."""
        login = "" if self.users.directory.open else "SASL_"
        return login + ("SSL" if tls else "PLAINTEXT")

    def session(self, advertised: Callable[[], Address], peer: Peer) -> KafkaSession:
        """A session for someone who connected to the listener that is advertised as such."""
        address = lambda: (advertised().host, advertised().port)  # noqa: E731  # asked anew for each request
        principal = Principal(host=peer.host)
        return KafkaSession(address, principal, KafkaOptions(), self._login(peer), self.fetch_sessions)

    def amqp_session(self, cluster: str, peer: Peer) -> AmqpSession:
        """A session for someone who connected to the AMQP listener of this cluster."""
        low = lambda: self.room is not None and self.room.low  # noqa: E731  # asked anew from time to time
        return AmqpSession(Principal(host=peer.host), AmqpOptions(cluster), self._login(peer), low)

    def _login(self, peer: Peer) -> Login:
        certified = "" if peer.certified in (ITSELF, ANONYMOUS) else peer.certified
        return Login(
            os.urandom, lambda: not self.users.directory.open, certified,
            lambda user: user in self.users.directory.users,
        )  # fmt: skip

    async def follow(self, broker: Broker) -> None:
        """Take over the users' file and renewed certificates as they change."""
        broker.use_users(self.users.directory)
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                if self.users.look():
                    logger.info("%d users hold from now on", len(self.users.directory.users) - 1)
                    broker.use_users(self.users.directory)
            except PenstockError as error:
                logger.error("%s", told_of(error))
            if self.room is not None and self.room.look():
                logger.warning("publishers %s", "wait: the disk is nearly full" if self.room.low else "go on")
            try:
                self._renew()
            except PenstockError as error:
                logger.error(
                    "the renewed certificate was not taken over, the one from before still holds: %s", error
                )

    def _renew(self) -> None:
        seen = self._pair_signature()
        if self.tls is not None and seen != self._pair:
            self._pair = seen
            load_pair(self.tls, self.tls_options.cert, self.tls_options.key)
            logger.info("the renewed certificate holds for new connections")

    def _pair_signature(self) -> list[int]:
        files = [Path(name) for name in (self.tls_options.cert, self.tls_options.key) if name]
        return [file.stat().st_mtime_ns for file in files if file.exists()]
