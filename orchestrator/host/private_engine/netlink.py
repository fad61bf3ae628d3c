"""Removes network links, makes and removes nftables tables by asking the kernel (rtnetlink(7), nfnetlink), without
`ip` or `nft`.

A machine that has only the engine's package need not have these programs. pyroute2 takes 0.2 s of processor time to
import, and is imported where it is used: when the private engine starts or ends.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from orchestrator.planning.labels import BRIDGES

_TABLE = "wirelab_host"
# nfgen_family of nfnetlink (linux/netfilter.h); in a dump 0 means all of them.
_FAMILIES = {"inet": 1, "ip": 2, "arp": 3, "netdev": 5, "bridge": 7, "ip6": 10}


def delete_link(name: str) -> None:
    """Remove a network link (a bridge, one end of a veth pair). Nothing happens if it is gone. Raises OSError."""
    from pyroute2 import IPRoute

    with _kernel_errors(name), IPRoute() as routes:
        for index in routes.link_lookup(ifname=name):
            routes.link("del", index=index)


def tables() -> frozenset[tuple[str, str]]:
    """Every nftables table of this network namespace as (family, name); none where the kernel has no nftables."""
    from pyroute2.nftables.main import NFTables

    names = {number: name for name, number in _FAMILIES.items()}
    tables: set[tuple[str, str]] = set()
    with suppress(OSError), _kernel_errors("nftables"), NFTables(nfgen_family=0) as kernel:
        for table in kernel.get_tables():
            if table["nfgen_family"] in names:
                tables.add((names[table["nfgen_family"]], table.get_attr("NFTA_TABLE_NAME")))
    return frozenset(tables)


def delete_table(family: str, name: str) -> None:
    """Remove an nftables table with all that is in it. Raises OSError."""
    from pyroute2.nftables.main import NFTables

    with _kernel_errors(f"{family} {name}"), NFTables(nfgen_family=_FAMILIES[family]) as kernel:
        kernel.table("del", name=name)


def close_host() -> None:
    """Let this machine drop each new connection to it that comes from a bridge of a lab (`wl-*`). Raises OSError.

    As text for nft(8): `iifname "wl-*" ct state new drop`, in a chain of the hook input. What this machine connects to
    gets its answers back. Neighbours still find each other: ARP is no IP, and the kernel does not track the messages
    of neighbour discovery (RFC 4861), which so are never new.
    """
    from pyroute2.nftables.expressions import genex, verdict
    from pyroute2.nftables.main import NFTables

    def value(packed: bytes) -> dict[str, list[tuple[str, bytes]]]:
        return {"attrs": [("NFTA_DATA_VALUE", packed)]}

    is_new = struct.pack("=I", 8)  # NF_CT_STATE_BIT(IP_CT_NEW) of nf_conntrack_common.h
    zero = bytes(4)
    matches = (
        genex("meta", {"key": 6, "dreg": 1}),  # NFT_META_IIFNAME
        genex("cmp", {"sreg": 1, "op": 0, "data": value(BRIDGES.encode())}),  # equal in the first characters
        genex("ct", {"key": 0, "dreg": 1}),  # NFT_CT_STATE
        genex("bitwise", {"sreg": 1, "dreg": 1, "len": 4, "mask": value(is_new), "xor": value(zero)}),
        genex("cmp", {"sreg": 1, "op": 1, "data": value(zero)}),  # not equal
    )
    open_host()
    try:
        with _kernel_errors("nftables"), NFTables(nfgen_family=_FAMILIES["inet"]) as kernel:
            kernel.table("add", name=_TABLE)
            kernel.chain("add", table=_TABLE, name="input", hook="input", type="filter", policy=1)
            kernel.rule("add", table=_TABLE, chain="input", expressions=(list(matches), verdict(code=0)))
    except OSError:
        open_host()  # a kernel without one of these matches keeps the table, and it would look closed
        raise


def open_host() -> None:
    """Undo `close_host`; nothing happens where it was not done. Raises OSError."""
    if ("inet", _TABLE) in tables():
        delete_table("inet", _TABLE)


def is_host_closed() -> bool:
    """Whether the table of `close_host` exists and has its rule. Only root can see it; another user gets False."""
    from pyroute2.nftables.main import NFTables

    with suppress(OSError), _kernel_errors("nftables"), NFTables(nfgen_family=_FAMILIES["inet"]) as kernel:
        return any(rule.get_attr("NFTA_RULE_TABLE") == _TABLE for rule in kernel.get_rules())
    return False


@contextmanager
def _kernel_errors(what: str) -> Iterator[None]:
    """What the kernel refuses is an OSError here as elsewhere."""
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        yield
    except NetlinkError as error:
        raise OSError(error.code, os.strerror(error.code), what) from error
