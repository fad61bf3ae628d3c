"""Asks the server of a class for what its board's page can ask for: the commands of a teacher in a terminal."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
from typing import Any

from websockets import Origin
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from orchestrator.errors import UsageInvalid, WorldError
from orchestrator.operations.classroom.endpoint import Endpoint, Tls
from orchestrator.web.gate import BOARD_PATH, board_cookie
from orchestrator.web.server import cookie_name
from orchestrator.web.sessions import BOARD, Sessions

SECONDS = 30.0


def ask_board(endpoint: Endpoint, board_token: str, do: str, **words: Any) -> dict[str, Any]:
    """Ask the server that is reached there, and return the data of its reply.

    Raises UsageInvalid where the server refuses what is asked, WorldError where it cannot be reached.
    """
    session = Sessions().admit(BOARD, board_token)
    host = endpoint.origin.partition("//")[2]
    try:
        with connect(
            # The connection is there already, also where it is one of TLS.
            f"ws://{host}{BOARD_PATH}/socket?token={session.page_token}",
            sock=_connected(endpoint),
            origin=Origin(endpoint.origin),
            additional_headers={"Cookie": f"{board_cookie(cookie_name(endpoint.port))}={session.cookie}"},
            open_timeout=SECONDS,
            proxy=None,
        ) as page:
            page.send(json.dumps({"id": 1, "do": do, **words}))
            while (message := json.loads(page.recv(timeout=SECONDS)))["type"] != "reply":
                continue
    except (OSError, WebSocketException) as error:
        hint = "end it with Ctrl-C in its terminal, and start the class again"
        raise WorldError("the server of the class does not answer", why=str(error), hint=hint) from error
    if message["ok"]:
        data: dict[str, Any] = message["data"]
        return data
    raise UsageInvalid(message["error"], why=message["why"], hint=message["try"])


def _connected(endpoint: Endpoint) -> socket.socket:
    """A connection to the server of that certificate, and to no other: nothing is sent before that is known."""
    opened = socket.create_connection((endpoint.address, endpoint.port), SECONDS)
    if endpoint.tls is None:
        return opened
    try:
        return _proved(opened, endpoint.tls)
    except OSError:
        opened.close()
        raise


def _proved(opened: socket.socket, tls: Tls) -> socket.socket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # No authority is asked: the certificate itself is known.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    secured = context.wrap_socket(opened)
    shown = hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()
    if shown != tls.fingerprint.replace(":", "").lower():
        secured.close()
        raise OSError(f"another certificate is shown there: SHA-256 {shown}")
    return secured
