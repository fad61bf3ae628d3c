"""Which exchanges on the wire are attempts of a learner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from orchestrator.lessons.comparison import Comparison, Different, Matched
from orchestrator.lessons.observations import ResolvesObservation
from orchestrator.operations.lessons.learner_traffic import LONGEST_SECONDS, LearnerTraffic
from orchestrator.operations.lessons.own_probes import OwnProbes
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.snapshot import Snapshot
from orchestrator.reading.scenario import read_scenario
from orchestrator.traffic.exchanges.events import DnsExchange, DnsRecord, Endpoint, ExchangeStart, Flow, TcpHandshake

SCENARIO = """
name: shop
title: A resolver that asks others
domain: shop.lab
nodes:
  resolver: {role: dns, hints: [auth]}
  auth:     {role: dns, zones: {".": {}, shop.lab: {}}}
  app:      {role: app, resolvers: [auth]}
  client:   {role: client, resolvers: [resolver]}
"""
LATER = 4e9  # seconds since 1970


def traffic(monotonic: Callable[[], float] = lambda: 0.0) -> LearnerTraffic:
    """The traffic of a task that has just begun."""
    scenario = read_scenario(SCENARIO, file="shop", read_companion=dict[str, str]().get).scenario
    learner_traffic = LearnerTraffic((), OwnProbes(), monotonic)
    learner_traffic.begin(scenario, assign_addresses("shop", scenario, Snapshot("/s", "r", {}, secrets={}), {}))
    return learner_traffic


def question(client: str, server: str) -> DnsExchange:
    flow = Flow(1, "udp", Endpoint(client, "192.168.7.5", 40000), Endpoint(server, "192.168.7.6", 53), None)
    return DnsExchange(1, flow, LATER, LATER, "app.shop.lab", "A", "NOERROR", (), True, True, False, 1, LATER)


@pytest.mark.parametrize(("client", "is_attempt"), [("client", True), ("app", True), ("resolver", False)])
def test_a_resolver_that_asks_others_is_no_learner_on_the_wrong_machine(client: str, is_attempt: bool) -> None:
    assert traffic().is_attempt(question(client, "auth")) is is_attempt


def test_the_servers_that_a_node_asks_by_itself_are_those_of_its_list() -> None:
    learner_traffic = traffic()
    assert learner_traffic.servers_of("client") == ("resolver",)
    assert learner_traffic.servers_of("192.168.7.99") == ()


def test_a_name_that_was_looked_up_before_the_task_began_says_nothing_of_an_attempt() -> None:
    learner_traffic = traffic()
    ends = Endpoint("client", "192.168.7.5", 40001), Endpoint("app", "192.168.7.7", 8080)
    refused = TcpHandshake(2, Flow(2, "tcp", *ends, None, "app.shop.lab"), LATER, LATER, "refused", 1, LATER)
    by_address = replace(refused, flow=replace(refused.flow, name=""))
    assert learner_traffic.without_old_name(refused) == by_address
    record = DnsRecord("A", "192.168.7.7")
    learner_traffic.note_lookup(replace(question("client", "resolver"), answers=(record,)))
    assert learner_traffic.without_old_name(refused) == refused
    learner_traffic.start_again()
    assert learner_traffic.without_old_name(refused) == by_address


def test_what_a_program_still_asks_after_it_completed_a_task_is_no_attempt_at_the_next_one() -> None:
    learner_traffic, answer = traffic(), question("client", "resolver")
    learner_traffic.note_finished(answer)
    learner_traffic.start_again()
    rest = replace(answer, type="AAAA", rcode="")
    assert not learner_traffic.is_attempt(rest)
    start = ExchangeStart(2, "dns", LATER, "client", "resolver", 2, "app.shop.lab AAAA", 53)
    assert not learner_traffic.is_begun_by_learner(start, ("client",))
    assert learner_traffic.is_begun_by_learner(replace(start, subject="app.shop.lab A"), ("client",))
    assert learner_traffic.is_attempt(rest)  # another program has begun


AAAA = Different("name", "client asked dns for app.shop.lab AAAA", "a question for app.shop.lab A", True)


@pytest.mark.parametrize(
    ("followed_by", "told"),
    [(None, AAAA.sentence), (Matched("client asked for A"), None), (Different("name", "another", "this"), None)],
)
def test_a_question_that_another_one_may_follow_is_told_later_if_none_does(
    followed_by: Comparison, told: str | None
) -> None:
    now = [10.0]
    learner_traffic = traffic(lambda: now[0])
    assert learner_traffic.tells_later(AAAA)
    assert learner_traffic.told_later() is None
    assert not learner_traffic.tells_later(followed_by)
    now[0] += 1.5
    assert learner_traffic.told_later() == told
    assert learner_traffic.told_later() is None  # once


def test_what_was_to_be_told_of_a_task_is_not_told_in_the_next() -> None:
    now = [10.0]
    learner_traffic = traffic(lambda: now[0])
    learner_traffic.tells_later(AAAA)
    learner_traffic.start_again()
    now[0] += 1.5
    assert learner_traffic.told_later() is None


@pytest.mark.parametrize(("shells", "is_told"), [(("client",), True), (("app",), False)])
def test_of_another_kind_of_attempt_something_is_said_where_a_person_works(
    shells: tuple[str, ...], is_told: bool
) -> None:
    """A server's own program connects to others all the time."""
    observation = ResolvesObservation.model_validate({"from": "client", "resolves": "app.shop.lab"})
    flow = Flow(1, "tcp", Endpoint("client", "192.168.7.5", 40000), Endpoint("app", "192.168.7.6", 80), 1.0)
    refused = TcpHandshake(1, flow, LATER, LATER, "refused", 1, LATER)
    assert (traffic().compare(observation, refused, shells) is not None) is is_told


@pytest.mark.parametrize(("empty", "told"), [("auth", "auth"), ("shop.lab", "shop.lab")])
def test_an_empty_answer_yields_only_to_an_answer_of_the_same_name(empty: str, told: str) -> None:
    """`dig @auth shop.lab` looks up auth first: what is told is the question that the learner put."""
    time = 0.0
    learner_traffic = traffic(lambda: time)
    address = Different("name", "client asked for auth: 192.168.7.5", "x", may_be_followed=True, name="auth")
    nothing = Different("name", f"client asked for {empty}", "x", may_be_followed=True, yields=True, name=empty)
    assert learner_traffic.tells_later(address)
    assert learner_traffic.tells_later(nothing)
    time = 2.0
    assert (learner_traffic.told_later() or "").startswith(f"client asked for {told}")


@pytest.mark.parametrize(("after", "is_told"), [(1.2, False), (LONGEST_SECONDS + 0.1, True)])
def test_what_may_be_followed_waits_while_an_answer_is_awaited_but_not_for_ever(after: float, is_told: bool) -> None:
    """`nc -u dns 53` looks dns up first: what is told is that nothing answers."""
    now = [10.0]
    learner_traffic = traffic(lambda: now[0])
    learner_traffic.tells_later(AAAA)
    learner_traffic.is_begun_by_learner(ExchangeStart(7, "dns", LATER, "client", "dns", 7, "", 53, 40000), ["client"])
    now[0] += after
    assert (learner_traffic.told_later() is not None) is is_told


def test_what_was_told_as_silent_replaces_the_lookup_before_it() -> None:
    now = [10.0]
    learner_traffic = traffic(lambda: now[0])
    learner_traffic.tells_later(AAAA)
    learner_traffic.is_begun_by_learner(ExchangeStart(7, "dns", LATER, "client", "dns", 7, "", 53, 40000), ["client"])
    now[0] += 1.6
    (start,) = learner_traffic.unanswered()
    learner_traffic.count_silence(start)
    now[0] += 5.0
    assert learner_traffic.told_later() is None
