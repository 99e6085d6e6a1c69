"""Who may do what: each call type's operation and kind of resource, and the one place where it is decided.

Operations and kinds are Kafka's ACL words. Today everyone may do everything; the table is complete all the same,
and a call type that is missing from it cannot be answered. Knows no protocol and no user store.
"""

from dataclasses import dataclass

from penstock import calls
from penstock.calls import Call, Principal
from penstock.errors import Refusal, Refused


@dataclass(frozen=True, slots=True)
class Permission:
    """What a call type needs: an `operation` on resources of a `kind`."""

    operation: str
    kind: str


ACCESS: dict[type[Call], Permission] = {
    calls.Append: Permission("write", "topic"),
    calls.Fetch: Permission("read", "topic"),
    calls.ListOffsets: Permission("describe", "topic"),
    calls.DescribeTopics: Permission("describe", "topic"),
    calls.CreateTopics: Permission("create", "topic"),
    calls.DeleteTopics: Permission("delete", "topic"),
    calls.DescribeConfigs: Permission("describe_configs", "topic"),
    calls.DescribeCluster: Permission("describe", "cluster"),
    calls.InitProducer: Permission("idempotent_write", "cluster"),
    calls.JoinGroup: Permission("read", "group"),
    calls.SyncGroup: Permission("read", "group"),
    calls.Heartbeat: Permission("read", "group"),
    calls.LeaveGroup: Permission("read", "group"),
    calls.CommitOffsets: Permission("read", "group"),
    calls.FetchOffsets: Permission("describe", "group"),
    calls.ListGroups: Permission("describe", "group"),
    calls.DescribeGroups: Permission("describe", "group"),
    calls.DeleteGroups: Permission("delete", "group"),
}


def check(call: Call) -> Refused | None:
    """Why the call's principal may not make it, or None."""
    permission = ACCESS.get(type(call))
    if permission is None:
        return Refused(Refusal.NOT_ALLOWED, f"{type(call).__name__} has no entry in the access table")
    if not allowed(call.principal, permission):
        return Refused(
            Refusal.NOT_ALLOWED, f"{call.principal.name} may not {permission.operation} a {permission.kind}"
        )
    return None


def allowed(principal: Principal, permission: Permission) -> bool:
    """Everyone may do everything until users can be configured; only loopback is listened on until then."""
    return True
