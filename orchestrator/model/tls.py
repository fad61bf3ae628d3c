"""TLS as an author declares it: what certificates say, what a server asks of its clients, and a proxy as a client."""

from __future__ import annotations

from typing import Annotated

from orchestrator.model.language import Field, ScenarioModel
from orchestrator.model.values import Domain

# The name by which a client asks for a certificate (RFC 6066, section 3).
ServerName = Domain


class Certificate(ScenarioModel):
    """What a certificate of a server says. By default it is valid for that name alone, and every node trusts it."""

    names: tuple[Domain, ...] = Field(
        (), strict=False, description="More names for which it is valid.", examples=[["www.shop.lab"]]
    )
    name: Domain | None = Field(
        None,
        description="The only name in it, instead of the node's own: so it is a wrong one.",
        examples=["wrong.lab"],
    )
    expired: bool = Field(False, description="true: it ended yesterday.", examples=[True])
    authority: str = Field(
        "lab",
        pattern="^(lab|unknown)$",
        description="Who signed it: the lab's authority, or one that nobody trusts.",
        examples=["unknown"],
    )
    intermediate: str | None = Field(
        None,
        pattern="^(sent|not_sent)$",
        description="An intermediate authority signs the certificate, and `authority` signs its own. The value says "
        "whether the server also sends the certificate of the intermediate authority, as it should. When absent, there "
        "is none.",
        examples=["sent", "not_sent"],
    )


class ServerTls(Certificate):
    """What a server's certificate says. By default it names the node and its addresses, and every node trusts it."""

    server_names: Annotated[dict[ServerName, Certificate], Field(min_length=1)] | None = Field(
        None,
        description="More certificates of the same listener, one for each name that a client sends (SNI). A client "
        "that sends another name, or none, gets the listener's own certificate.",
        examples=[{"www.shop.lab": {}, "old.shop.lab": {"expired": True}}],
    )
    client_certificate: bool = Field(
        False,
        description="true: the server wants a certificate of the client, signed by the lab's authority (mutual TLS).",
        examples=[True],
    )


class UpstreamTls(ScenarioModel):
    """How a proxy speaks TLS to the servers that it uses: it is their client, and verifies their certificate."""

    verify: bool = Field(
        True,
        description="false: it accepts any certificate, as nginx does unless it is told otherwise.",
        examples=[False],
    )
    name: Domain | None = Field(
        None,
        description="The name that it sends (SNI), and that must be in the certificate. When absent: the name of the "
        "server, or of its group.",
        examples=["www.shop.lab"],
    )
    client_certificate: bool = Field(
        False, description="true: it presents the client certificate of its node.", examples=[True]
    )
