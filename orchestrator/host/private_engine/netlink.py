"""Removes network links and nftables tables by asking the kernel (rtnetlink(7), nfnetlink), without `ip` or `nft`.

A machine that has only the engine's package need not have these programs. pyroute2 takes 0.2 s of processor time to
import, and is imported where it is used: when the private engine starts or ends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

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


@contextmanager
def _kernel_errors(what: str) -> Iterator[None]:
    """What the kernel refuses is an OSError here as elsewhere."""
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        yield
    except NetlinkError as error:
        raise OSError(error.code, os.strerror(error.code), what) from error
