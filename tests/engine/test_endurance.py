"""Labs come up and go, again and again: `make endurance` does it some hundred times, `make test` a few."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_bench import Bench, Engine

pytestmark = pytest.mark.endurance
# A DNS server, three databases, six apps that use them, six clients that use those.
SIXTEEN = {
    "dns": "{role: dns}",
    **{f"db{n}": "{role: database}" for n in range(1, 4)},
    **{f"app{n}": f"{{role: app, uses: [db{(n - 1) % 3 + 1}]}}" for n in range(1, 7)},
    **{f"client{n}": f"{{role: client, uses: [app{n}]}}" for n in range(1, 7)},
}


@pytest.fixture
def sixteen(engine: Engine, tmp_path: Path) -> Iterator[Bench]:
    """A lab of sixteen nodes, down at the end; nothing of it may be left."""
    (tmp_path / "sixteen").mkdir()
    text = "name: sixteen\ntitle: Sixteen nodes\ndomain: shop.lab\nnodes:\n"
    text += "".join(f"  {name}: {node}\n" for name, node in SIXTEEN.items())
    (tmp_path / "sixteen" / "scenario.yaml").write_text(text)
    lab = Bench(engine, f"e{secrets.token_hex(4)}", str(tmp_path / "sixteen"), seconds=240)
    yield lab
    lab.cli("down")


@pytest.mark.rounds(1, full=300)
def test_sixteen_nodes_come_up_and_go(sixteen: Bench) -> None:
    """Sixteen nodes: `up` and `down` end with 0, and nothing is left."""
    sixteen.up()
    assert len(sixteen.containers()) == 16
    down = sixteen.cli("down")
    assert (down.code, sixteen.left()) == (0, []), down.err


@pytest.mark.rounds(2, full=200)
def test_basic_comes_up_and_goes(bench: Bench) -> None:
    """The basic lab: `up` and `down` end with 0, and nothing is left."""
    bench.up()
    down = bench.cli("down")
    assert (down.code, bench.left()) == (0, []), down.err
