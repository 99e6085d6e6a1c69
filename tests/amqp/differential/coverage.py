"""What a scenario covers: methods with what became of them, and what else a client can tell by.

Facts are short sentences, computed from the frames that went to and fro, so that no scenario says of itself what it
covers. Knows frames' plain values; knows neither sockets nor scenarios.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.amqp.differential.asking import NAMES, Wire, plain
from tests.amqp.differential.remembering import Memory, traits

UNANSWERED: Final = {"basic.publish", "basic.ack", "basic.nack", "basic.reject", "connection.tune-ok"}
SETTLING: Final = {"basic.ack", "basic.nack", "basic.reject"}
LEAST_FRAME, OFFERED_FRAME, OFFERED_CHANNELS = 4096, 131072, 2047


def error(said: list[Any]) -> str:
    """A close, without the names in it, but with the argument or property that it is about."""
    text = re.sub(r"\b(arg|property|mode|type) '([\w-]+)'", r"\1 \2", plain(said[1]["reply_text"]))
    text = re.sub(r"'[^']*'", "…", text)
    text = re.sub(r"<<.*?>>|\bno-[\w-]+", "…", text)
    return f"{said[0]} {said[1]['reply_code']} {re.sub(r'-?[0-9]+', 'n', text)}"


def tuning(values: Mapping[str, Any]) -> set[str]:
    """What is particular about an answer to connection.tune."""
    frame, channels = values["frame_max"], values["channel_max"]
    told = {
        "frames without a limit": frame == 0,
        "frames under the least": 0 < frame < LEAST_FRAME,
        "smaller frames": LEAST_FRAME <= frame < OFFERED_FRAME,
        "frames over the offer": frame > OFFERED_FRAME,
        "channels without a limit": channels == 0,
        "fewer channels": 0 < channels < OFFERED_CHANNELS,
        "channels over the offer": channels > OFFERED_CHANNELS,
        "heartbeats": values["heartbeat"] > 0,
    }
    return {what for what, holds in told.items() if holds}


class Listener:
    """What one scenario covers; `met` grows while it runs. `reply_to` is where the message that came last wants its reply."""

    def __init__(self) -> None:
        self.met: set[str] = set()
        self.reply_to = ""
        self._memory = Memory()

    # --- what goes out
    def sent(self, wire: Wire, channel: int, name: str, values: dict[str, Any]) -> None:
        """A method goes out."""
        side = self._memory.sides[wire, channel]
        if name == "basic.publish":
            self._publish(wire, channel, values)
        elif name in SETTLING:
            self._settle(wire, channel, name, values)
        elif name == "connection.tune-ok":
            side.in_transaction = tuning(values)
        else:
            side.asked, side.values = name, values
        if values.get("nowait"):
            self.met.add(f"{name}: no answer is wanted")
        if name in ("queue.bind", "exchange.bind"):
            self._memory.bound(values)
        elif name == "basic.consume":
            kinds = self._memory.queues.get(values["queue"], set())
            self._memory.consumers[wire, channel, values.get("consumer_tag", "")] = (
                values["queue"],
                kinds,
                side.bound,
            )
        elif name == "basic.recover":
            self._memory.gave_back = "basic.recover"
            side.held.clear()
        elif name in ("exchange.declare", "queue.declare") and not values.get("passive"):
            self._declare(name, values)

    def _declare(self, name: str, values: dict[str, Any]) -> None:
        memory, what = self._memory, name.partition(".")[0]
        known = memory.exchanges if what == "exchange" else memory.queues
        if values[what] in known:
            self.met.add(f"{name} of one that was declared before")
        elif what == "exchange":
            memory.exchange(values)
        else:
            memory.queues[values["queue"]] = traits(values)

    def _publish(self, wire: Wire, channel: int, values: dict[str, Any]) -> None:
        side, memory = self._memory.sides[wire, channel], self._memory
        came = memory.way(values["exchange"]) | memory.into(values)
        if side.confirms:
            side.published.append(came)
        if side.transaction:
            side.in_transaction.add("basic.publish")
        keys = ("mandatory", "immediate", "expiration", "priority", "user_id", "reply_to")
        self.met |= {f"basic.publish: {key}" for key in keys if values.get(key)}
        self.met |= {
            f"basic.publish: header {key}" for key in values.get("headers") or () if key in ("CC", "BCC")
        }

    def _settle(self, wire: Wire, channel: int, name: str, values: dict[str, Any]) -> None:
        side, memory = self._memory.sides[wire, channel], self._memory
        memory.last_tag = side.tag(values["delivery_tag"])
        said = ", ".join([*sorted(traits(values)), memory.last_tag])
        self.met.add(f"{name}: {said}")
        if side.transaction:
            side.in_transaction.add(name)
        if values.get("requeue"):
            memory.gave_back = f"{name}: {said}"
        side.settled(values["delivery_tag"], values.get("multiple", False))

    # --- what comes in
    def came(self, wire: Wire, channel: int, said: list[Any]) -> None:
        """Something comes in."""
        name, values = said[0], said[1]
        if name in ("channel.close", "connection.close"):
            self._closed(wire, channel, said)
        elif name in ("basic.ack", "basic.nack"):
            self._confirmed(wire, channel, name, values)
        elif name in ("basic.deliver", "basic.get-ok", "basic.return"):
            self.met |= {f"{name}: {one}" for one in self._message(wire, channel, said)}
        elif name == "basic.cancel":
            _, kinds, _ = self._memory.consumers.get((wire, channel, values["consumer_tag"]), ("", set(), 0))
            self.met |= {f"basic.cancel by the server: {one}" for one in kinds | {"a queue is gone"}}
        else:
            self._answered(wire, channel, said)

    def _closed(self, wire: Wire, channel: int, said: list[Any]) -> None:
        side, values, memory = self._memory.sides[wire, channel], said[1], self._memory
        method = NAMES.get((values["class_id"], values["method_id"]), "")
        about = f" {memory.last_tag}" if method in SETTLING else ""
        where = " in a transaction" if side.transaction else ""
        self.met.add(f"{method or side.asked or 'a frame'}{about}{where}: {error(said)}")
        side.closed_by = "an error"
        if values["reply_code"] == 404 and "no queue" in values["reply_text"]:
            gone = memory.queues.get(side.values.get("queue", ""), ())
            self.met |= {f"a queue with {one} is gone" for one in gone}
        elif values["reply_code"] == 404 and method == "exchange.declare":
            gone = memory.exchanges.get(side.values["exchange"], ())
            self.met |= {f"an exchange that was {one} is gone" for one in gone}

    def _confirmed(self, wire: Wire, channel: int, name: str, values: dict[str, Any]) -> None:
        published, place = self._memory.sides[wire, channel].published, values["delivery_tag"] - 1
        what = "confirmed" if name == "basic.ack" else "refused"
        self.met |= {f"a publish {what} {one}" for one in published[place : place + 1] for one in one}

    def _answered(self, wire: Wire, channel: int, said: list[Any]) -> None:
        side, memory = self._memory.sides[wire, channel], self._memory
        asked, values = side.asked, side.values
        expected = {f"{asked}-ok"}
        expected |= {"connection.start-ok": {"connection.tune"}, "basic.get": {"basic.get-empty"}}.get(
            asked, set()
        )
        if said[0] not in expected:
            return
        self.met.add(f"{asked}: {said[0]}")
        self.met |= {f"{asked}, {one}: {said[0]}" for one in traits(values)}
        self.met |= {f"{asked}, {one}: {said[0]}" for one in self._particular(side, asked, values)}
        if asked in ("queue.declare", "queue.delete", "queue.purge"):
            self.met |= {
                f"{asked}: {key} is told" for key, count in said[1].items() if key != "queue" and count
            }
        self._follow(side, asked, values)
        if asked == "channel.close":
            memory.gave_back = "channel.close"

    def _particular(self, side: Any, asked: str, values: Mapping[str, Any]) -> Iterator[str]:
        memory = self._memory
        if asked == "channel.open" and side.closed_by:
            yield f"after {side.closed_by}"
        elif asked in ("tx.commit", "tx.rollback"):
            yield " and ".join(sorted(side.in_transaction)) or "of nothing"
        elif asked == "connection.start-ok":
            yield values["mechanism"]
        elif asked == "connection.open":
            yield from side.in_transaction
        elif (
            asked in ("basic.consume", "queue.declare")
            and not values.get("consumer_tag")
            and not values.get("passive")
        ):
            if asked == "basic.consume" or not values["queue"]:
                yield "a name is made up"
        elif asked in ("basic.get", "queue.purge", "queue.delete"):
            yield from (f"a queue with {one}" for one in memory.queues.get(values["queue"], ()))
        elif asked == "exchange.declare":
            yield values.get("exchange_type", "direct")

    @staticmethod
    def _follow(side: Any, asked: str, values: Mapping[str, Any]) -> None:
        if asked == "channel.close":
            side.closed_by = "its client closed it"
        elif asked == "basic.qos":
            whole = values.get("global_", False)
            side.whole_bound, side.bound = (
                (values.get("prefetch_count", 0), side.bound)
                if whole
                else (side.whole_bound, values.get("prefetch_count", 0))
            )
        elif asked == "confirm.select":
            side.confirms = True
        elif asked == "tx.select":
            side.transaction = True
        elif asked in ("tx.commit", "tx.rollback"):
            side.in_transaction.clear()

    def _message(self, wire: Wire, channel: int, said: list[Any]) -> Iterator[str]:
        name, values, carried, body = said
        side, memory = self._memory.sides[wire, channel], self._memory
        self.reply_to = carried.get("reply_to", self.reply_to)
        yield from memory.way(values["exchange"])
        if name == "basic.return":
            yield f"{values['reply_code']} {values['reply_text']}"
            return
        if values["redelivered"]:
            yield f"again after {memory.gave_back}"
        yield from self._held(wire, channel, said)
        yield from (f"with {key}" for key in carried if key not in ("headers", "delivery_mode"))
        yield from (
            f"a {size} body"
            for size, holds in {"missing": not body, "long": len(body) > 4096}.items()
            if holds
        )
        yield from headers(carried.get("headers") or {})
        if name == "basic.get-ok" and values["message_count"]:
            yield "more is behind it"
        side.given = values["delivery_tag"]

    def _held(self, wire: Wire, channel: int, said: list[Any]) -> Iterator[str]:
        name, values = said[0], said[1]
        side, memory = self._memory.sides[wire, channel], self._memory
        if name == "basic.get-ok":
            queue, no_ack = side.values["queue"], side.values["no_ack"]
            kinds = memory.queues.get(queue, set())
        else:
            tag = values["consumer_tag"]
            queue, kinds, bound = memory.consumers.get((wire, channel, tag), ("", set(), 0))
            no_ack = False
            side.held[values["delivery_tag"]] = tag
            if bound and list(side.held.values()).count(tag) == bound:
                yield "its consumer's bound is reached"
            if side.whole_bound and len(side.held) == side.whole_bound:
                yield "its channel's bound is reached"
            if len(set(side.held.values())) > 1:
                yield "consumers take turns"
        yield from (f"from a queue with {one}" for one in kinds)
        if name == "basic.get-ok" and not no_ack:
            side.held[values["delivery_tag"]] = ""

    # --- what does not come
    def ended(self, wire: Wire, channel: int) -> None:
        """An answer was waited for that did not come."""
        side = self._memory.sides[wire, channel]
        if wire.over and side.asked:
            self.met.add(f"{side.asked}: the connection is closed")
            self.met |= {f"{side.asked}, {one}: the connection is closed" for one in side.in_transaction}
            if "mechanism" in side.values:
                self.met.add(f"{side.asked}, {side.values['mechanism']}: the connection is closed")

    def going_astray(self, wire: Wire, channel: int) -> None:
        """What comes next answers no method that was asked."""
        self._memory.sides[wire, channel].asked = self._memory.sides[wire, 0].asked = ""

    def raw(self, data: bytes, outcome: Any) -> None:
        """Bytes went out that no client would send."""
        met = outcome if isinstance(outcome, str) else outcome[0]
        self.met.add(f"{described(data)}: {met if met != 'hung up' else 'the connection is closed'}")


def headers(carried: Mapping[str, Any]) -> Iterator[str]:
    """What a server wrote into a message."""
    for key, value in carried.items():
        if key == "x-death" and isinstance(value, list):
            yield f"x-death: {', before that '.join(str(death['reason']) for death in value)}"
            for death in value:
                own = death.keys() - {"count", "reason", "queue", "time", "exchange", "routing-keys"}
                yield from (f"x-death with {one}" for one in own)
                if death["count"] != {"l": 1}:
                    yield f"x-death counted on: {death['reason']}"
                if len(death.get("routing-keys", ())) > 1:
                    yield "x-death of several keys"
        elif key.startswith("x-") or key == "CC":
            yield f"header {key}"


def described(data: bytes) -> str:
    """Bytes by what is wrong with them, as far as their first frame tells."""
    if data[:4] == b"AMQP" or len(data) < 7:
        return f"protocol header {list(data[4:8])}" if data[:4] == b"AMQP" else "no protocol header"
    kind, channel, size = struct.unpack_from(">BHI", data)
    if kind not in (1, 2, 3, 8):
        return "no protocol header" if data[:1].isalpha() else "a frame of no known type"
    if len(data) >= size + 8 and data[7 + size] != 0xCE:
        return "a frame without its end"
    what = {1: "a method", 2: "a content header", 3: "a content body", 8: "a heartbeat"}[kind]
    if kind == 1 and size >= 4:
        what = NAMES.get(struct.unpack_from(">HH", data, 7), "a method that nobody knows")
    large = " over the negotiated size" if size > OFFERED_FRAME - 8 else ""
    return f"{what}{large} on channel {min(channel, 1)}"
