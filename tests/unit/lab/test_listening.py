"""Whether a capture has begun, from what its programs write to standard error."""

from __future__ import annotations

from orchestrator.lab.capture.listening import is_listening


def test_a_capture_has_begun_once_its_program_says_so_in_whatever_pieces() -> None:
    assert is_listening(['Running as user "root".\n', "wirelab: list", "ening\n"])


def test_a_capture_of_which_one_network_is_gone_has_not_begun() -> None:
    """dumpcap opens all of its interfaces, or none."""
    assert not is_listening([])
    assert not is_listening(["dumpcap: The capture session could not be initiated on interface 'wl-1'\n"])
