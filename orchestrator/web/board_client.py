"""Asks the server of a class for what its board's page can ask for: the commands of a teacher in a terminal."""

from __future__ import annotations

import json
from typing import Any

from websockets import Origin
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from orchestrator.errors import UsageInvalid, WorldError
from orchestrator.web.gate import BOARD_PATH, board_cookie
from orchestrator.web.server import LOOPBACK, cookie_name
from orchestrator.web.sessions import BOARD, Sessions

SECONDS = 30.0


def ask_board(port: int, board_token: str, do: str, **words: Any) -> dict[str, Any]:
    """Ask the server on this port, and return the data of its reply.

    Raises UsageInvalid where the server refuses what is asked, WorldError where it cannot be reached.
    """
    session = Sessions().admit(BOARD, board_token)
    address = f"{LOOPBACK}:{port}"
    try:
        with connect(
            f"ws://{address}{BOARD_PATH}/socket?token={session.page_token}",
            origin=Origin(f"http://{address}"),
            additional_headers={"Cookie": f"{board_cookie(cookie_name(port))}={session.cookie}"},
            open_timeout=SECONDS,
            proxy=None,
        ) as socket:
            socket.send(json.dumps({"id": 1, "do": do, **words}))
            while (message := json.loads(socket.recv(timeout=SECONDS)))["type"] != "reply":
                continue
    except (OSError, WebSocketException) as error:
        raise WorldError("the server of the class does not answer", why=str(error)) from error
    if message["ok"]:
        data: dict[str, Any] = message["data"]
        return data
    raise UsageInvalid(message["error"], why=message["why"], hint=message["try"])
