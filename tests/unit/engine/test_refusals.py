"""What engines write, and the error that it becomes. Above the seam nobody reads the text."""

from __future__ import annotations

import pytest
from docker.errors import APIError
from requests import Response

from orchestrator.engine.docker.api_errors import map_api_errors
from orchestrator.engine.docker.http_api import Refused
from orchestrator.engine.docker.image_transfers import build_lines
from orchestrator.engine.docker.sdk_errors import map_sdk_errors
from orchestrator.errors import (
    AddressTaken,
    Conflict,
    ContainerBusy,
    DiskFull,
    EngineRefused,
    FileUnseen,
    ImageMissing,
    NameTaken,
    NetworkBusy,
    NoRoom,
    NotFound,
    NotPossible,
    RangeTaken,
    VolumeBusy,
    WirelabError,
    WrongState,
)

# Texts of Docker Engine 20.10 to 28.
WRITTEN = [
    (403, "Pool overlaps with other one on this address space", RangeTaken),
    (403, "error while removing network: network shop id 4f has active endpoints", NetworkBusy),
    (409, 'error while removing network: network shop has active endpoints (name:"a" id:"b")', NetworkBusy),
    (409, "remove shop: volume is in use - [4fac]", VolumeBusy),
    (403, "Address already in use", AddressTaken),
    (409, 'Conflict. The container name "/shop" is already in use by container "4fac".', NameTaken),
    (409, "network with name shop already exists", NameTaken),
    (409, "Container 4fac is not running", WrongState),
    (409, "Container 4fac is paused, unpause the container before exec", WrongState),
    (409, "cannot join network of a non running container: 4fac", WrongState),
    (404, "No such image: mine:1", ImageMissing),
    (404, "No such container: 4fac", NotFound),
    (400, "invalid mount config: bind source path does not exist: /x", FileUnseen),
    (500, "mkdir /data/overlay2/4fac: no space left on device", NoRoom),
    (
        500,
        "OCI runtime pause failed: cannot toggle freezer: cgroups not configured for container: unknown",
        NotPossible,
    ),
    (500, "container 4f does not exist in database: no such container", NotFound),
    (
        500,
        "container 4f has dependent containers which must be removed before it: container already exists",
        ContainerBusy,
    ),
    (409, "something else that is a conflict", Conflict),
    (500, "the disk is on fire", EngineRefused),
]


@pytest.mark.parametrize(("status", "text", "kind"), WRITTEN, ids=[text[:40] for _, text, _ in WRITTEN])
def test_a_refusal_has_a_type_of_its_own(status: int, text: str, kind: type[WirelabError]) -> None:
    response = Response()
    response.status_code = status
    with pytest.raises(WirelabError) as caught, map_api_errors("the thing"):
        raise Refused(status, text)
    with pytest.raises(WirelabError) as of_the_sdk, map_sdk_errors("the thing"):
        raise APIError("refused", response=response, explanation=text)
    for error in (caught.value, of_the_sdk.value):
        assert type(error) is kind
        assert error.why == text


def test_a_build_that_fails_for_want_of_space_says_so_by_its_type() -> None:
    """Whether the engine writes it, or a program in the build; another failure is none of the disk."""
    engine_says = [{"error": "failed to copy: write /x: no space left on device"}]
    program_says = [{"stream": "dpkg: error: No space left on device\n"}, {"error": "returned a non-zero code: 100"}]
    for messages in (engine_says, program_says):
        with pytest.raises(DiskFull):
            list(build_lines(messages))
    with pytest.raises(ImageMissing) as caught:
        list(build_lines([{"stream": "Step 1/2 : FROM x\n"}, {"error": "returned a non-zero code: 100"}]))
    assert type(caught.value) is ImageMissing
