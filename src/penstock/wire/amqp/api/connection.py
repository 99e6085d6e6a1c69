"""The class connection: opening, closing, and a renewed secret."""

from penstock.calls.queues import OpenClient
from penstock.errors import Refusal, Refused
from penstock.wire.amqp.channels.channel import Channel
from penstock.wire.amqp.methods import KEYS, Values, frame
from penstock.wire.amqp.opening import FRAME_BYTES_MIN, log_in, meet
from penstock.wire.amqp.refusals import HangUpError, refused_error
from penstock.wire.amqp.registry import Steps, answers


@answers("connection.start-ok", refusals=True)
def start_ok(channel: Channel, values: Values) -> Steps:
    """Who it is; then what holds for the connection."""
    session = channel.session
    meet(session, values)
    yield from log_in(session, values["mechanism"], values["response"])
    session.passed()
    options = session.options
    return frame(
        0, "connection.tune",
        channel_max=options.channels_max, frame_max=options.frame_bytes_max, heartbeat=options.heartbeat_s,
    )  # fmt: skip


@answers("connection.tune-ok")
def tune_ok(channel: Channel, values: Values) -> Steps:
    """Within the limits that were offered; 0 would be none."""
    session = channel.session
    options = session.options
    frame_max, channel_max = values["frame_max"], values["channel_max"]
    if not FRAME_BYTES_MIN <= frame_max <= options.frame_bytes_max:
        raise HangUpError(
            f"negotiated frame_max = {frame_max}, not {FRAME_BYTES_MIN} to {options.frame_bytes_max}"
        )
    if not 0 < channel_max <= options.channels_max:
        raise HangUpError(f"negotiated channel_max = {channel_max}, not 1 to {options.channels_max}")
    session.payload_max, session.channels_max = frame_max - 8, channel_max
    session.heartbeat_s = values["heartbeat"]
    session.passed()
    return None
    yield


@answers("connection.open", refusals=True)
def open_(channel: Channel, values: Values) -> Steps:
    """Enter the virtual host."""
    session = channel.session
    vhost = values["virtual_host"]
    found = yield OpenClient(session.principal, vhost, session.principal.client_id)
    if isinstance(found, Refused):
        if found.reason is Refusal.VHOST_NOT_ALLOWED:
            words = f"access to vhost '{vhost}' refused for user '{session.principal.name}'"
            found = Refused(found.reason, words)
        raise refused_error(found, KEYS["connection.open"])
    channel.handle = found
    session.opened(vhost)
    return frame(0, "connection.open-ok")


@answers("connection.close")
def close(channel: Channel, values: Values) -> Steps:
    """When what was asked before is done."""
    channel.session.leave()
    return None
    yield


@answers("connection.update-secret")
def update_secret(channel: Channel, values: Values) -> Steps:
    """Passwords do not run out: there is nothing to renew, and RabbitMQ's own users get the same answer."""
    return frame(0, "connection.update-secret-ok")
    yield
