"""One access rule, as text and as a value: ``allow read topic:orders-*``. Knows neither users nor calls.

Operations and kinds are the words of Kafka's ACLs, and so is what they imply (StandardAuthorizer): whoever may read,
write, delete or alter a thing may describe it, whoever may alter its configs may describe them.
"""

from dataclasses import dataclass
from typing import Final

KINDS: Final = (
    "topic", "group", "cluster", "transactional-id", "pipeline", "vhost", "exchange", "queue",
)  # fmt: skip
"""An exchange or a queue goes by its name, in a virtual host other than `/` by that one's name, a slash and its name."""
OPERATIONS: Final = (
    "read", "write", "create", "delete", "alter", "describe", "describe-configs", "alter-configs",
    "idempotent-write", "all",
)  # fmt: skip
CLUSTER: Final = "kafka-cluster"
"""The one resource of the kind cluster; Kafka's name for it."""
IMPLIED_BY: Final = {
    "describe": frozenset({"describe", "read", "write", "delete", "alter", "all"}),
    "describe-configs": frozenset({"describe-configs", "alter-configs", "all"}),
}
NAME_CHARACTERS_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class Rule:
    """Allows or denies an operation on the resource called `name`, or with `prefix` on all that begin with it."""

    allow: bool
    operation: str
    kind: str
    name: str
    prefix: bool = False

    def fits(self, kind: str, name: str) -> bool:
        """Whether the rule speaks of this resource."""
        return self.kind == kind and (name.startswith(self.name) if self.prefix else name == self.name)

    def allows(self, operation: str) -> bool:
        """Whether the rule, where it fits, allows the operation, by itself or by what it implies."""
        granted = IMPLIED_BY.get(operation)
        return self.allow and (self.operation in granted if granted else self.operation in (operation, "all"))

    def denies(self, operation: str) -> bool:
        """Whether the rule, where it fits, denies the operation. A denial implies nothing."""
        return not self.allow and self.operation in (operation, "all")

    def covers(self, other: "Rule") -> bool:
        """Whether every resource that `other` fits is one that this fits."""
        if self.kind != other.kind:
            return False
        if self.prefix:
            return other.name.startswith(self.name)
        return not other.prefix and other.name == self.name

    def __str__(self) -> str:
        resource = f"{self.kind}:{self.name}{'*' if self.prefix else ''}"
        if self.kind == "cluster":
            resource = "cluster"
        return f"{'allow' if self.allow else 'deny'} {self.operation} {resource}"


def parse_rule(text: str) -> Rule:
    """``allow|deny OPERATION KIND:NAME``; a name may end in ``*``, ``cluster`` has none. Raises ValueError."""
    words = text.split(" ", 2)
    if len(words) != 3 or words[0] not in ("allow", "deny"):
        raise ValueError(f"{text!r} is no rule: write for example 'allow read topic:orders-*'")
    return make_rule(words[0] == "allow", words[1], words[2])


def make_rule(allow: bool, operation: str, resource: str) -> Rule:
    """The rule for an operation and a resource (``topic:orders-*``); raises ValueError with what would be right."""
    if operation not in OPERATIONS:
        raise ValueError(f"{operation!r} is no operation; there are {', '.join(OPERATIONS)}")
    kind, colon, name = resource.partition(":")
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of resource; there are {', '.join(KINDS)}")
    if kind == "cluster":
        if name not in ("", CLUSTER, "*"):
            raise ValueError("there is one cluster: write 'cluster' without a name")
        return Rule(allow, operation, kind, CLUSTER)
    if not colon or not name or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        raise ValueError(f"{resource!r} needs a name: {kind}:NAME, {kind}:PREFIX* or {kind}:*")
    prefix = name.endswith("*")
    return Rule(allow, operation, kind, name.removesuffix("*"), prefix)


def allowed(rules: tuple[Rule, ...], operation: str, kind: str, name: str) -> bool:
    """Whether the rules together allow it: one must allow, and none deny."""
    fitting = [rule for rule in rules if rule.fits(kind, name)]
    return any(rule.allows(operation) for rule in fitting) and not any(r.denies(operation) for r in fitting)


def allowed_somewhere(rules: tuple[Rule, ...], operation: str, kind: str) -> bool:
    """Whether some resource of the kind may exist on which the operation is allowed (Kafka's by-resource-type check)."""
    denying = [rule for rule in rules if rule.denies(operation)]
    granting = (rule for rule in rules if rule.kind == kind and rule.allows(operation))
    return any(not any(no.covers(yes) for no in denying) for yes in granting)
