"""Answers the calls by which clients say who they are, and those of gateways that ask what someone may do.

Whether a user does not exist, has no password, or gave a wrong one: the answer, its time and its notice are the same.
"""

from penstock.broker.access.guard import refusal
from penstock.broker.access.logins import FAILURE_S, WAITING_MAX
from penstock.broker.answers import answers
from penstock.broker.state import State
from penstock.calls import AskAccess, CheckPassword, EndLogin, FindScram
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.later import Later
from penstock.users.scram import HASHES, ScramKeys


@answers(CheckPassword)
def check_password(state: State, call: CheckPassword, now: Now) -> object:
    """At once where this password was right before; else a thread checks it."""
    user = state.directory.users.get(call.user)
    kept = user.password if user is not None else ""
    if kept and state.logins.is_proven(call.user, kept, call.password):
        state.counts.add("penstock_logins_total")
        return True
    if state.logins.waiting >= WAITING_MAX:
        state.counts.add("penstock_logins_put_off_total")
        return Refused(Refusal.BUSY, f"{WAITING_MAX} logins wait")
    later: Later[object] = Later()

    def checked(right: bool, now: Now) -> None:
        if right:
            state.logins.prove(call.user, kept, call.password)
            state.counts.add("penstock_logins_total")
            later.resolve(True)
        else:
            _fail(state, call, "PLAIN", now).watch(lambda _: later.resolve(Refused(Refusal.LOGIN_FAILED)))

    state.logins.check(kept, call.password, checked)
    return later


@answers(FindScram)
def find_scram(state: State, call: FindScram, now: Now) -> ScramKeys | Refused:
    """Everyone has keys; those of nobody fit no password."""
    if call.mechanism not in HASHES:
        return Refused(Refusal.UNSUPPORTED, call.mechanism[:80])
    user = state.directory.users.get(call.user)
    kept = user.scram.get(call.mechanism) if user is not None else None
    return kept or state.logins.nobodys_keys(call.mechanism, call.user)


@answers(EndLogin)
def end_login(state: State, call: EndLogin, now: Now) -> Later[object] | None:
    """A good login is counted, a bad one noticed, and slowed down."""
    if call.good:
        state.counts.add("penstock_logins_total")
        return None
    return _fail(state, call, call.mechanism, now)


@answers(AskAccess)
def ask_access(state: State, call: AskAccess, now: Now) -> list[Refused | None]:
    """By the same rules as every call."""
    user = call.principal.name
    return [refusal(state.directory, user, call.operation, (call.kind, name)) for name in call.names]


def _fail(state: State, call: CheckPassword | EndLogin, mechanism: str, now: Now) -> Later[object]:
    state.counts.add("penstock_failed_logins_total")
    told = state.logins.failed(f"{call.user[:80]!r} from {call.principal.host} by {mechanism}", now)
    if told:
        state.notices.append(told)
    later: Later[object] = Later()
    state.timers.at(now.mono_s + FAILURE_S, lambda now: later.resolve(None))
    return later
