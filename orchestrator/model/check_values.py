"""What stands inside a check: ranges of seconds, rows, sockets, and the parts that nodes play."""

from __future__ import annotations

from typing import Annotated, Any

from orchestrator.model.language import Field, ScenarioModel
from orchestrator.model.records import Ttl
from orchestrator.model.values import Bound, NodeNames, Port, Seconds, StatusClass, StatusCode

SqlRow = Annotated[tuple[Any, ...], Field(strict=False)]
SqlRows = Annotated[tuple[SqlRow, ...], Field(strict=False)]


class DurationRange(ScenarioModel):
    """How long the one question of a check takes, from when it is put to when it has ended."""

    at_least: Seconds | None = Field(None, description="It takes these seconds or longer.", examples=[0.5])
    at_most: Seconds | None = Field(None, description="It takes these seconds or less.", examples=[8])


class TtlRange(ScenarioModel):
    """A range of seconds; either end may be left out."""

    at_least: Ttl | None = Field(None, description="The fewest seconds that are right.", examples=[1])
    at_most: Ttl | None = Field(None, description="The most seconds that are right.", examples=[4])


# Side by side, by processes of one node: its limit is 128 of them.
MOST_REQUESTS = 32
Count = Annotated[int, Field(ge=0, le=MOST_REQUESTS)]


class CountRange(ScenarioModel):
    """How many of several requests; either end may be left out."""

    at_least: Count | None = Field(None, description="This many or more.", examples=[4])
    at_most: Count | None = Field(None, description="This many or fewer.", examples=[6])


Statuses = StatusCode | StatusClass | Annotated[tuple[StatusCode | StatusClass, ...], Field(strict=False, min_length=1)]


class HeaderText(ScenarioModel):
    """A part of the value of a response header."""

    contains: str = Field(min_length=1, description="A text that the value must hold.", examples=["nginx"])


class Socket(ScenarioModel):
    """A socket that a server has bound, as the node's own table shows it (ss(8))."""

    port: Port = Field(description="The port, 0 to 65535.", examples=[80])
    protocol: str = Field("tcp", pattern="^(tcp|udp)$", description="tcp or udp.", examples=["udp"])
    address: Bound | None = Field(
        None,
        description="Where it is bound: all, loopback, one address, or the node's address on a network; any if absent.",
        examples=["all", "loopback", "front", "192.168.7.20"],
    )
    process: str | None = Field(
        None, min_length=1, description="The name of the program that holds it.", examples=["nginx"]
    )


Sockets = Annotated[tuple[Socket, ...], Field(strict=False)]


class ExpectedPeers(ScenarioModel):
    """The parts that a node plays: of whom it is a client, to whom it is a server."""

    server_to: NodeNames = Field((), description="The nodes that were clients of this one.", examples=[["client"]])
    client_of: NodeNames = Field((), description="The nodes of which this one was a client.", examples=[["db", "dns"]])
