"""Logins and refusals are Apache Kafka's: the same asked of its StandardAuthorizer and of ours, by the same rules."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from bench.oracle import kafka as oracle
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from penstock.testing.processes import BrokerProcess
from penstock.users import change, file
from penstock.users.directory import Directory
from penstock.users.rules import CLUSTER, Rule, parse_rule
from tests.differential.asking import Connection, batch, create, fetch, produce, warm

pytestmark = pytest.mark.java
RULES = [
    "allow read topic:both", "allow write topic:both", "allow create topic:made-*", "allow describe topic:made-*",
    "allow describe topic:seen", "allow read topic:read-*", "deny read topic:read-not", "allow write topic:written",
    "allow all group:mine-*", "deny delete group:mine-kept", "allow describe-configs topic:seen",
    "allow delete topic:gone", "allow alter-configs topic:both",
]  # fmt: skip
TOPICS = ("both", "seen", "read-it", "read-not", "written", "shut", "gone")
KINDS = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP, "cluster": ResourceType.BROKER}


@dataclass
class Side:
    """One server: `as_user` opens a connection that is logged in."""

    address: str

    def as_user(self, user: str, password: str = "secret") -> Connection:
        connection = Connection(self.address)
        assert connection.ask(17, 1, mechanism="PLAIN")["error_code"] == 0
        token = f"\0{user}\0{password}".encode()
        assert connection.ask(36, 1, auth_bytes=token)["error_code"] == 0
        return connection


def binding(rule: Rule) -> AclBinding:
    operation = AclOperation[rule.operation.replace("-", "_").upper()]
    pattern = ResourcePatternType.PREFIXED if rule.prefix else ResourcePatternType.LITERAL
    permission = AclPermissionType.ALLOW if rule.allow else AclPermissionType.DENY
    return AclBinding(KINDS[rule.kind], rule.name or CLUSTER, pattern, "User:bob", "*", operation, permission)


@pytest.fixture(scope="module")
def kafka() -> Iterator[Side]:
    if oracle.missing():
        pytest.skip(oracle.missing())
    plain, sasl, controller = (oracle.free_port() for _ in range(3))
    entry = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_ada="secret" user_bob="secret";'
    settings = {
        "listeners": f"PLAINTEXT://127.0.0.1:{plain},SASL_PLAINTEXT://127.0.0.1:{sasl},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{plain},SASL_PLAINTEXT://127.0.0.1:{sasl}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config": entry,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:ada",
    }
    ports = itertools.cycle((plain, controller))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oracle, "free_port", lambda: next(ports))
        with oracle.kafka(settings) as address:
            admin = AdminClient({"bootstrap.servers": address})
            for made in admin.create_acls([binding(parse_rule(rule)) for rule in RULES]).values():
                made.result(20)
            side = Side(f"127.0.0.1:{sasl}")
            warm(address)
            prepare(side)
            yield side


@pytest.fixture(scope="module")
def penstock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    folder = tmp_path_factory.mktemp("like-kafka")
    people = change.add_user(Directory(), "ada", "secret", ("admin",), lambda n: b"s" * n)
    people = change.add_user(people, "bob", "secret", (), lambda n: b"s" * n)
    for rule in RULES:
        people = change.add_rule(people, "bob", parse_rule(rule))
    file.write(folder / file.FILE_NAME, people)
    with BrokerProcess(folder) as process:
        side = Side(process.address)
        prepare(side)
        yield side


def prepare(side: Side) -> None:
    ada = side.as_user("ada")
    for topic in TOPICS:
        create(ada, topic)
        produce(ada, topic, batch(b"a"))
    for group in ("mine-one", "mine-kept", "other"):
        committed(ada, group, "seen")
    ada.close()


def committed(c: Connection, group: str, *topics: str) -> Any:
    part = {
        "partition_index": 0,
        "committed_offset": 1,
        "committed_leader_epoch": -1,
        "committed_metadata": "",
    }
    rows = [{"name": name, "partitions": [part]} for name in topics]
    who = {"group_id": group, "generation_id_or_member_epoch": -1, "member_id": "", "group_instance_id": None}
    answer = c.ask(8, 7, **who, topics=rows)
    return by_name([(topic["name"], topic["partitions"][0]["error_code"]) for topic in answer["topics"]])


def codes(answer: Any) -> Any:
    """Every error code in an answer, in order, with the names beside it."""
    if isinstance(answer, list):
        return [codes(each) for each in answer]
    if isinstance(answer, dict):
        kept = {
            k: codes(v) for k, v in answer.items() if isinstance(v, list) and v and isinstance(v[0], dict)
        }
        named = {
            k: v
            for k, v in answer.items()
            if k in ("error_code", "name", "topic", "group_id", "key", "partition_index")
        }
        return {**named, **kept}
    return answer


def by_name(rows: list[Any]) -> list[Any]:
    return sorted(rows, key=str)


# --- what is asked ----------------------------------------------------------------------------------------------------


def metadata_by_name(c: Connection) -> Any:
    return [codes(c.ask(3, 8, topics=[{"name": name}], allow_auto_topic_creation=False))["topics"][0]["error_code"]
            for name in (*TOPICS, "nowhere")]  # fmt: skip


def metadata_of_all(c: Connection) -> Any:
    topics = c.ask(3, 8, topics=None, allow_auto_topic_creation=False)["topics"]
    return sorted(topic["name"] for topic in topics if topic["name"] in TOPICS)


def creation_by_metadata(c: Connection) -> Any:
    return [c.ask(3, 8, topics=[{"name": name}], allow_auto_topic_creation=True)["topics"][0]["error_code"] in (0, 3, 5)
            for name in ("made-by-asking", "unmade")]  # fmt: skip


def producing(c: Connection) -> Any:
    return [codes(produce(c, topic, batch(b"x"))) for topic in (*TOPICS, "nowhere")]


def fetching(c: Connection) -> Any:
    return [fetch(c, topic, 0)["error_code"] for topic in (*TOPICS, "nowhere")]


def offsets(c: Connection) -> Any:
    part = [{"partition_index": 0, "timestamp": -1}]
    rows = [{"name": name, "partitions": part} for name in (*TOPICS, "nowhere")]
    answer = c.ask(2, 1, replica_id=-1, topics=rows)
    return by_name([(t["name"], t["partitions"][0]["error_code"]) for t in answer["topics"]])


def creating(c: Connection) -> Any:
    return [create(c, name)["error_code"] for name in ("made-now", "elsewhere", "seen", "shut")]


def deleting(c: Connection) -> Any:
    answer = c.ask(20, 4, topic_names=["gone", "seen", "shut", "nowhere"], timeout=5000)
    return by_name([(r["name"], r["error_code"]) for r in answer["responses"]])


def describing_settings(c: Connection) -> Any:
    kinds = [(2, "seen"), (2, "both"), (2, "read-it"), (2, "shut"), (2, "nowhere"), (4, "1")]
    rows = [
        {"resource_type": kind, "resource_name": name, "configuration_keys": ["cleanup.policy"]}
        for kind, name in kinds
    ]
    answer = c.ask(32, 1, resources=rows, include_synonyms=False)
    return by_name([(r["resource_name"], r["error_code"]) for r in answer["results"]])


def committing(c: Connection) -> Any:
    return [committed(c, "mine-two", "read-it", "shut", "seen"), committed(c, "other", "read-it")]


def committed_offsets(c: Connection) -> Any:
    rows = [{"name": name, "partition_indexes": [0]} for name in ("seen", "shut")]
    asked = [c.ask(9, 5, group_id=group, topics=rows) for group in ("mine-one", "other")]
    return [
        (a["error_code"], by_name([(t["name"], t["partitions"][0]["error_code"]) for t in a["topics"]]))
        for a in asked
    ]


def groups(c: Connection) -> Any:
    listed = sorted(
        g["group_id"] for g in c.ask(16, 3)["groups"] if g["group_id"] in ("mine-one", "mine-kept", "other")
    )
    described = c.ask(15, 4, groups=["mine-one", "other"], include_authorized_operations=False)["groups"]
    deleted = c.ask(42, 1, groups_names=["mine-one", "mine-kept", "other"])["results"]
    return [listed, by_name([(g["group_id"], g["error_code"]) for g in described]),
            by_name([(g["group_id"], g["error_code"]) for g in deleted])]  # fmt: skip


def joining(c: Connection) -> Any:
    def join(group: str) -> int:
        protocols = [{"name": "range", "metadata": b"\0\0"}]
        return int(c.ask(11, 5, group_id=group, session_timeout=10_000, rebalance_timeout=10_000, member_id="",
                         group_instance_id=None, protocol_type="consumer", protocols=protocols)["error_code"])  # fmt: skip

    beats = [c.ask(12, 3, group_id=g, generation_id=1, member_id="m", group_instance_id=None)["error_code"]
             for g in ("mine-three", "other")]  # fmt: skip
    return [join("mine-three"), join("other"), beats]


def coordinators(c: Connection) -> Any:
    found = [c.ask(10, 2, key=key, key_type=kind) for key, kind in (("mine-one", 0), ("other", 0), ("t", 1))]
    return [(one["error_code"], one["node_id"]) for one in found]


def producer_ids(c: Connection) -> Any:
    return [
        c.ask(22, 1, transactional_id=name, transaction_timeout=10_000)["error_code"]
        for name in (None, "mine-t")
    ]


ASKED: list[Callable[[Connection], Any]] = [
    metadata_by_name, metadata_of_all, creation_by_metadata, producing, fetching, offsets, creating, deleting,
    describing_settings, committing, committed_offsets, groups, joining, coordinators, producer_ids,
]  # fmt: skip


@pytest.mark.parametrize("asked", ASKED, ids=lambda f: f.__name__)
def test_rules_refuse_as_kafkas_do(asked: Callable[[Connection], Any], kafka: Side, penstock: Side) -> None:
    ours, theirs = penstock.as_user("bob"), kafka.as_user("bob")
    assert asked(ours) == asked(theirs)


LOGINS: list[list[tuple[int, int, dict[str, Any]]]] = [
    [(17, 1, {"mechanism": "GSSAPI"}), (18, 0, {})],
    [(17, 1, {"mechanism": "PLAIN"}), (36, 1, {"auth_bytes": b"\0bob\0wrong"}), (18, 0, {})],
    [(17, 1, {"mechanism": "PLAIN"}), (36, 1, {"auth_bytes": b"\0nobody\0secret"})],
    [(17, 1, {"mechanism": "PLAIN"}), (36, 1, {"auth_bytes": b"ada\0bob\0secret"})],
    [(17, 1, {"mechanism": "PLAIN"}), (36, 1, {"auth_bytes": b"garbage"})],
    [(17, 1, {"mechanism": "PLAIN"}), (36, 1, {"auth_bytes": b""})],
    [
        (17, 1, {"mechanism": "PLAIN"}),
        (36, 1, {"auth_bytes": b"\0bob\0secret"}),
        (17, 1, {"mechanism": "PLAIN"}),
    ],
    [(3, 4, {"topics": None, "allow_auto_topic_creation": False})],
    [(17, 1, {"mechanism": "PLAIN"}), (3, 4, {"topics": None, "allow_auto_topic_creation": False})],
    [(36, 1, {"auth_bytes": b"\0bob\0secret"})],
]


@pytest.mark.parametrize("asked", LOGINS, ids=range(len(LOGINS)))
def test_logins_go_as_at_kafkas(
    asked: list[tuple[int, int, dict[str, Any]]], kafka: Side, penstock: Side
) -> None:
    def seen(side: Side) -> list[Any]:
        connection = Connection(side.address)
        answers = [connection.ask(key, version, **values) for key, version, values in asked]
        return [answer and answer.get("error_code") for answer in answers]

    assert seen(penstock) == seen(kafka)
