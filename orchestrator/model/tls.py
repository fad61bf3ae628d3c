"""TLS as an author declares it: what certificates say, what a server asks of its clients, and a proxy as a client."""

from __future__ import annotations

from typing import Annotated

from orchestrator.model.language import Field, ScenarioModel
from orchestrator.model.values import Domain

# The name by which a client asks for a certificate (RFC 6066, section 3).
ServerName = Domain


class Certificate(ScenarioModel):
    """What a certificate of a server says. Without a word it is good for that name alone, and all trust it."""

    names: tuple[Domain, ...] = Field(
        (), strict=False, description="More names that it is good for.", examples=[["www.shop.lab"]]
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
        description="An intermediate authority signs the certificate, and its own is signed by that authority. Says "
        "whether the server sends that one, too, as it should; there is none when absent.",
        examples=["sent", "not_sent"],
    )


class ServerTls(Certificate):
    """What a server's certificate says. Without a word it names the node and its addresses, and all trust it."""

    server_names: Annotated[dict[ServerName, Certificate], Field(min_length=1)] | None = Field(
        None,
        description="More certificates of the same listener, each by the name that the client sends (SNI). Who sends "
        "another name, or none, is shown the listener's own.",
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
        description="The name that it sends (SNI) and that must stand in the certificate; the name of the server, or "
        "of its group, when absent.",
        examples=["www.shop.lab"],
    )
    client_certificate: bool = Field(
        False, description="true: it presents the client certificate of its node.", examples=[True]
    )
