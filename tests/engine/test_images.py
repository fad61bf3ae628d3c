"""The images keep the promises of images/README.md, on a real engine, as hardened as wirelab runs them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from image_stage import (
    PASSWORD,
    READY,
    SEED,
    ImageStage,
    connect,
    dns_texts,
    remove_all,
    resolver,
    until,
)
from lab_bench import Engine

from orchestrator.host.images.catalog import image_catalog
from orchestrator.host.images.files import images_folder
from orchestrator.host.state_folder import StateFolder

pytestmark = pytest.mark.sampled(3)

NAMES = ("dns", "database", "app", "client")
APP_ENVIRONMENT = {"DATABASE_HOST": "db.shop.lab"}


@pytest.fixture(scope="module")
def tags(engine: Engine) -> dict[str, str]:
    return image_catalog(engine.url, StateFolder.of(engine.environ), engine.environ, print).ensure(NAMES)


@pytest.fixture(scope="module")
def stage(
    engine: Engine, tags: dict[str, str], run_label: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ImageStage]:
    """dns, db, app and client on one internal network, all ready."""
    api = connect(engine.url)
    made = ImageStage(api, run_label, tags, tmp_path_factory.mktemp("stage"))
    try:
        made.open_network()
        made.start("dns", "dns", texts=dns_texts(made))
        made.start("db", "database", texts={"password": PASSWORD, "seed.sql": SEED}, volume="db")
        node = {"resolv.conf": resolver(made)}
        made.start("app", "app", texts={**node, "password": PASSWORD}, environment=APP_ENVIRONMENT)
        made.start("client", "client", texts=node)
        yield made
    finally:
        remove_all(api, run_label)
        api.close()


# every image


@pytest.mark.parametrize("name", ["dns", "db", "app", "client"])
def test_a_node_runs_as_its_own_user_without_any_capability(stage: ImageStage, name: str) -> None:
    """The user id is the fixed one, has a name, and the process holds no capability."""
    user = {"dns": "10053", "db": "10432", "app": "10080", "client": "10000"}[name]
    code, output = stage.run(name, "bash", "-c", "id -u; id -un; grep -h ^Cap /proc/self/status")
    lines = output.split()
    assert code == 0
    assert lines[0] == user
    assert re.fullmatch(r"[a-z]+", lines[1])
    assert set(re.findall(r"[0-9a-f]{16}", output)) == {"0" * 16}


@pytest.mark.parametrize("role", NAMES)
def test_an_image_has_no_volume_no_package_lists_and_no_documentation(stage: ImageStage, role: str) -> None:
    """Anonymous volumes bear no label, and lists and documentation are dead weight."""
    seen = stage.api.inspect_image(stage.tags[role])
    name = "db" if role == "database" else role
    find = "find /var/lib/apt/lists /usr/share/man /usr/share/locale /usr/share/doc -type f ! -name copyright"
    assert seen["Config"].get("Volumes") in (None, {})
    assert seen["Config"]["Labels"]["wirelab.image"] == role
    assert seen["Config"]["Labels"]["wirelab.release"]
    assert stage.run(name, "bash", "-c", find)[1].strip() == ""


@pytest.mark.parametrize("name", ["dns", "db", "app", "client"])
def test_nothing_in_the_root_file_system_can_be_written(stage: ImageStage, name: str) -> None:
    """The root is read-only; /tmp is the place for scratch files."""
    assert stage.run(name, "bash", "-c", "touch /tmp/x && rm /tmp/x")[0] == 0
    assert stage.run(name, "bash", "-c", "touch /var/x /wirelab/x")[0] != 0


@pytest.mark.parametrize("name", ["dns", "db", "app", "client"])
def test_the_probe_leaves_no_zombie_behind(stage: ImageStage, name: str) -> None:
    """The init of the container reaps the probe once it has said its line."""
    script = "for s in /proc/[0-9]*/stat; do read -r _ _ state _ < $s; echo $state; done 2> /dev/null"
    until(lambda: "Z" not in stage.run(name, "bash", "-c", script)[1].split())


def test_a_prompt_says_which_node_this_is_and_at_which_address(stage: ImageStage) -> None:
    """student@client 192.168.x.13:~$"""
    _, output = stage.run("client", "bash", "-ic", 'echo "${PS1@P}"', tty=True)
    assert f"student@client {stage.address('client')}:~$" in output


# readiness


def test_ready_is_said_once_for_each_start(stage: ImageStage) -> None:
    """Whoever follows the log waits for one line; so many starts, so many lines."""
    for name in ("dns", "db", "app", "client"):
        assert stage.said_ready(name) == stage.starts[name]


def test_ready_is_not_said_while_a_probe_does_not_hold(stage: ImageStage) -> None:
    """`ready` asks for a port where nobody listens: status 1, and no ready line; and status 0 where somebody does."""
    assert stage.run("app", "/usr/lib/wirelab/ready", "--seconds", "60", "tcp:80")[0] == 0
    for probe in ("tcp:81", "udp:80", "http:81/health", "http:80/nothing-here", "dns:80", "database"):
        code, output = stage.run("app", "/usr/lib/wirelab/ready", "--seconds", "0", probe)
        assert code == 1, probe
        assert READY not in output
        assert probe in output


def test_a_probe_that_does_not_exist_is_said(stage: ImageStage) -> None:
    """A misspelt probe must not wait for ever."""
    code, output = stage.run("app", "/usr/lib/wirelab/ready", "htpp:80")
    assert code == 2
    assert "htpp:80" in output


def test_a_dns_server_that_answers_servfail_is_not_ready(stage: ImageStage) -> None:
    """A zone that BIND did not load must not pass for a server that answers."""
    texts = dns_texts(stage) | {"root.zone": "nonsense\n"}
    stage.start("broken", "dns", texts=texts, wait=False)
    until(lambda: "not loaded" in stage.log("broken"))
    code, _ = stage.run("broken", "/usr/lib/wirelab/ready", "--seconds", "1", "dns:53")
    assert code == 1
    assert stage.run("broken", "/usr/lib/wirelab/ready", "--seconds", "60", "dns:53/shop.lab")[0] == 0
    assert READY not in stage.log("broken")
    stage.remove("broken")


def test_a_helper_in_a_nodes_network_probes_it(stage: ImageStage) -> None:
    """The client image shares the network of another node, without capabilities, and says the same line."""
    share: dict[str, Any] = {"NetworkMode": f"container:{stage.ids['app']}"}
    stage.start("helper", "client", command=("/usr/lib/wirelab/ready", "http:80/health", "tcp:80"), **share)
    assert stage.exit_code("helper") == 0
    stage.remove("helper")


def test_a_helper_in_a_nodes_network_looks_and_asks_for_it(stage: ImageStage) -> None:
    """`dig` and `ss` for a node that has them not: same addresses, same resolver."""
    share: dict[str, Any] = {"NetworkMode": f"container:{stage.ids['app']}"}
    stage.start("helper", "client", texts={"resolv.conf": resolver(stage)}, **share)
    assert stage.run("helper", "dig", "+short", "client.shop.lab")[1].split() == [stage.address("client")]
    assert re.search(r"LISTEN .*0\.0\.0\.0:80\b", stage.run("helper", "ss", "-tln")[1])
    stage.remove("helper")


def test_nobody_sees_a_probe_as_a_client(stage: ImageStage) -> None:
    """No access line, no connection in the database's log; in the query log the probe's name tells it."""
    for name, probe, lines in (("app", "http:80/health", 0), ("db", "database", 0), ("dns", "dns:53", 1)):
        stage.let_go()
        before = len(stage.log(name))
        assert stage.run(name, "/usr/lib/wirelab/ready", "--seconds", "60", probe)[0] == 0
        until(lambda: stage.log(name).count("\n", before) >= lines, lambda: stage.log(name)[before:])  # noqa: B023
        new = stage.log(name)[before:].splitlines()
        assert all("(wirelab-probe)" in line for line in new), new
        assert len(new) == lines


# the DNS server


def test_the_dns_server_answers_with_authority_and_refuses_to_invent(stage: ImageStage) -> None:
    """A name of the lab has the aa flag; another name is NXDOMAIN at once."""
    _, known = stage.run("client", "dig", "app.shop.lab")
    _, unknown = stage.run("client", "dig", "+tries=1", "+time=30", "www.example.org")
    assert re.search(r"flags: qr aa", known)
    assert stage.address("app") in known
    assert "status: NXDOMAIN" in unknown


def test_the_dns_server_logs_each_query_with_its_asker(stage: ImageStage) -> None:
    """The query log is the witness: name, type, and the client's own address."""
    stage.run("client", "dig", "+short", "witness-1.shop.lab")
    asked = rf"queries: .*client @\S+ {re.escape(stage.address('client'))}#\d+ \(witness-1\.shop\.lab\): query:"
    until(lambda: re.search(asked, stage.log("dns")) is not None, lambda: stage.log("dns"))


def test_sighup_reloads_the_zones(stage: ImageStage) -> None:
    """A changed zone file is served without a restart."""
    assert stage.run("client", "dig", "+short", "later.shop.lab")[1] == ""
    stage.write("dns", dns_texts(stage, "later.shop.lab. IN A 192.0.2.7", serial=2))
    stage.api.kill(stage.ids["dns"], signal="SIGHUP")
    until(lambda: stage.run("client", "dig", "+short", "later.shop.lab")[1].strip() == "192.0.2.7")


def test_a_mistake_in_the_dns_configuration_is_in_the_log(stage: ImageStage) -> None:
    """The container ends, and its last lines name file and line."""
    texts = dns_texts(stage)
    texts["named.conf"] = texts["named.conf"].replace("recursion yes", "recursionn yes")
    stage.start("broken", "dns", texts=texts, wait=False)
    assert stage.exit_code("broken") == 1
    assert "/wirelab/named.conf:3: unknown option 'recursionn'" in stage.log("broken")
    stage.remove("broken")


# the database


def test_the_database_asks_for_its_password_and_logs_the_clients_address(stage: ImageStage) -> None:
    """Right password: in, and the log has the client's address. Wrong password: refused."""
    host = f"host={stage.address('db')} user=app dbname=app"
    assert stage.run("client", "psql", "-tAc", "SELECT 6*7", f"{host} password={PASSWORD}")[1].strip() == "42"
    code, output = stage.run("client", "psql", "-c", "SELECT 1", f"{host} password=wrong")
    assert code != 0
    assert "password authentication failed" in output
    seen = re.escape(stage.address("client"))
    received = re.compile(rf"connection received: host={seen} port=\d+")
    until(lambda: received.search(stage.log("db")) is not None, lambda: stage.log("db"))


def test_the_superuser_is_not_let_in_over_the_network(stage: ImageStage) -> None:
    """Nobody becomes superuser from another machine."""
    text = f"host={stage.address('db')} user=postgres dbname=app password=x"
    assert "rejects connection" in stage.run("client", "psql", "-c", "SELECT 1", text)[1]


def test_on_the_node_itself_psql_needs_no_password_and_leaves_no_line(stage: ImageStage) -> None:
    """Checks ask over the local socket as role app; the log is about the network."""
    assert stage.run("db", "psql", "-tAc", "SELECT current_user || current_database()")[1].strip() == "appapp"
    assert re.findall(r"\[local\] .* LOG:  (?:dis)?connection.*", stage.log("db")) == []


def test_the_seed_runs_once_and_what_is_committed_survives_a_kill(stage: ImageStage) -> None:
    """After SIGKILL and a new start: the seed's rows once, and the row that was written before."""
    stage.start("db2", "database", texts={"password": "one", "seed.sql": SEED}, volume="db2")
    stage.run("db2", "psql", "-c", "INSERT INTO items (name) VALUES ('kept')")
    stage.api.kill(stage.ids["db2"])
    assert stage.exit_code("db2") == 137
    stage.write("db2", {"password": "two"})
    stage.again("db2")
    names = stage.run("db2", "psql", "-tAc", "SELECT name FROM items ORDER BY id")[1].split()
    assert names == ["anvil", "rope", "kept"]
    uri = "postgresql://app:{}@127.0.0.1/app"
    assert stage.run("db2", "psql", "-c", "SELECT 1", uri.format("two"))[0] == 0
    assert stage.run("db2", "psql", "-c", "SELECT 1", uri.format("one"))[0] != 0
    stage.remove("db2")


def test_a_stop_of_the_database_is_prompt_and_clean(stage: ImageStage) -> None:
    """SIGINT, the image's stop signal, is PostgreSQL's fast shutdown: exit code 0, in the log."""
    stage.start("db3", "database", texts={"password": "x"}, volume="db3")
    stage.api.stop(stage.ids["db3"], timeout=50)
    assert stage.exit_code("db3") == 0
    assert "database system is shut down" in stage.log("db3")
    stage.remove("db3")


def test_a_mistake_in_the_seed_ends_the_node_with_its_file_and_line(stage: ImageStage) -> None:
    """Exit code 1, psql's own message as the last words, never ready; and nothing of the seed is kept."""
    seed = SEED + "INSERT INTO itms (name) VALUES ('x');\n"
    stage.start("db4", "database", texts={"password": "x", "seed.sql": seed}, volume="db4", wait=False)
    assert stage.exit_code("db4") == 1
    last = "\n".join(stage.log("db4").splitlines()[-4:])
    assert 'psql:/wirelab/seed.sql:3: ERROR:  relation "itms" does not exist' in last
    assert READY not in stage.log("db4")
    stage.write("db4", {"seed.sql": SEED})
    stage.again("db4")
    assert stage.run("db4", "psql", "-tAc", "SELECT count(*) FROM items")[1].strip() == "2"
    stage.remove("db4")


# the app


def test_the_app_serves_the_databases_rows_and_takes_new_ones(stage: ImageStage) -> None:
    """GET has the seed's rows; POST answers 201, and SQL finds the row."""
    status, items = stage.get("client", "http://app.shop.lab/items")
    assert status == 200
    assert {"id": 1, "name": "anvil"} in items
    status, item = stage.get("client", "http://app.shop.lab/items", "-d", '{"name": "tongs"}')
    assert (status, item["name"]) == (201, "tongs")
    query = f"SELECT name FROM items WHERE id = {item['id']}"
    assert stage.run("db", "psql", "-tAc", query)[1].strip() == "tongs"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("not json", 400),
        ("[1]", 422),
        ("{}", 422),
        ('{"name": 7}', 422),
        ('{"name": " "}', 422),
        ('{"name": "\\u0000"}', 422),
        ('{"name": "\\ud800"}', 422),
    ],
)
def test_the_app_refuses_a_bad_item_with_a_reason(stage: ImageStage, body: str, expected: int) -> None:
    """The client's fault is a 4xx, and the answer says why."""
    status, answer = stage.get("client", "http://app.shop.lab/items", "-d", body)
    assert status == expected
    assert answer["error"]


def test_whoami_names_both_ends_of_both_conversations(stage: ImageStage) -> None:
    """Server to the client, client of the database: the addresses are the true ones."""
    status, who = stage.get("client", "http://app.shop.lab/whoami", "-H", "X-Forwarded-For: 192.0.2.1")
    assert status == 200
    assert who["node"] == "app"
    assert who["serves"] == {"address": stage.address("app"), "port": 80}
    assert who["asked_by"]["address"] == stage.address("client")
    assert who["forwarded_for"] == "192.0.2.1"
    assert who["database"]["name"] == "db.shop.lab"
    assert who["database"]["resolved"] == [stage.address("db")]
    assert who["database"]["peer"] == {"address": stage.address("db"), "port": 5432}
    assert who["database"]["own"]["address"] == stage.address("app")
    local = f"host={stage.address('app')} port={who['database']['own']['port']}"
    until(lambda: local in stage.log("db"), lambda: stage.log("db"))


def test_each_request_is_one_line_with_the_clients_own_address(stage: ImageStage) -> None:
    """What X-Forwarded-For claims is not who connected."""
    stage.get("client", 'http://app.shop.lab/health?mark="7', "-H", "X-Forwarded-For: 192.0.2.1")
    line = rf'^access {re.escape(stage.address("client"))}:\d+ "GET /health\?mark=%227 HTTP/1\.1" 200 \d+B [\d.]+ms$'
    until(lambda: len(re.findall(line, stage.log("app"), re.MULTILINE)) == 1, lambda: stage.log("app"))


def test_idle_connections_are_let_go_so_a_cold_request_shows_the_whole_path(stage: ImageStage) -> None:
    """After some seconds no connection is left; the next request asks the DNS server again and connects anew."""
    stage.get("client", "http://app.shop.lab/ready")
    stage.let_go()
    asked = f"client @\\S+ {re.escape(stage.address('app'))}#\\d+ \\(db\\.shop\\.lab\\): query: db\\.shop\\.lab IN A "
    before = len(stage.log("dns"))
    assert stage.get("client", "http://app.shop.lab/items")[0] == 200
    # The engine writes a log down a moment later: what the client asks now comes after what the app asked before.
    stage.run("client", "dig", "+short", "after-the-request.shop.lab")
    until(lambda: "after-the-request" in stage.log("dns")[before:], lambda: stage.log("dns"))
    assert len(re.findall(asked, stage.log("dns")[before:])) == 1


def _away(stage: ImageStage, reason: str) -> None:
    """The app says 503 with the reason before curl gives up, and says that its own process is up."""
    by_address = f"http://{stage.address('app')}"
    for path in ("/items", "/ready"):
        status, answer = stage.get("client", by_address + path)
        assert (status, answer["error"]) == (503, "the database is away")
        assert re.search(reason, answer["reason"]), answer
    assert stage.get("client", f"{by_address}/health")[0] == 200


def _back_with_the_first_request(stage: ImageStage) -> None:
    """No waiting, no second try: the first request after the database is back has the rows."""
    status, answer = stage.get("client", f"http://{stage.address('app')}/items")
    assert status == 200, answer


def test_while_the_database_is_stopped_the_app_says_so_and_comes_back_at_once(stage: ImageStage) -> None:
    """No matter how long it was away and how often somebody asked."""
    stage.get("client", "http://app.shop.lab/items")  # a warm connection that the stop will break
    stage.api.stop(stage.ids["db"])
    _away(stage, "refused|unreachable|No route|timeout|timed out")
    stage.again("db")
    _back_with_the_first_request(stage)


def test_a_database_that_is_restarted_between_two_requests_is_no_error(stage: ImageStage) -> None:
    """The broken idle connection is noticed before it is used."""
    stage.get("client", "http://app.shop.lab/items")
    stage.again("db", stop=True)
    _back_with_the_first_request(stage)


def test_while_the_database_is_frozen_the_app_says_so_and_comes_back_at_once(stage: ImageStage) -> None:
    """A paused machine accepts connections and answers nothing: the deadline ends that, warm or cold."""
    stage.get("client", "http://app.shop.lab/items")
    stage.api.pause(stage.ids["db"])
    try:
        _away(stage, "no answer|timeout|no connection")
    finally:
        stage.api.unpause(stage.ids["db"])
    _back_with_the_first_request(stage)


def test_while_the_dns_server_is_stopped_the_app_names_it_and_comes_back_at_once(stage: ImageStage) -> None:
    """The reason tells a name that does not resolve from a database that is down."""
    stage.let_go()
    stage.api.stop(stage.ids["dns"], timeout=50)
    try:
        _away(stage, "db.shop.lab does not resolve")
    finally:
        stage.again("dns")
    _back_with_the_first_request(stage)


def test_while_the_network_is_cut_the_app_says_so_and_comes_back_at_once(stage: ImageStage) -> None:
    """A cut that comes under a warm connection ends in a 503, never in a request that hangs."""
    stage.get("client", "http://app.shop.lab/items")
    stage.api.disconnect_container_from_network(stage.ids["db"], stage.network)
    try:
        _away(stage, ".")
    finally:
        address = stage.address("db")
        stage.api.connect_container_to_network(stage.ids["db"], stage.network, ipv4_address=address)
    _back_with_the_first_request(stage)


def test_a_wrong_password_is_told_as_the_reason(stage: ImageStage) -> None:
    """503, in the database's own words, without the password."""
    stage.write("app", {"password": "quite-wrong"})
    stage.let_go()
    _away(stage, "password authentication failed")
    assert "quite-wrong" not in stage.log("app")
    stage.write("app", {"password": PASSWORD})
    _back_with_the_first_request(stage)


def test_many_requests_at_once_all_get_their_rows(stage: ImageStage) -> None:
    """Twenty at once share the few connections of the pool."""
    asked = ("-o", "/dev/null", "http://app.shop.lab/items") * 20
    show = ("-w", "%{http_code} ", "--parallel", "--parallel-immediate")
    _, output = stage.run("client", "curl", "-s", "-m", "60", *show, *asked)
    assert output.split() == ["200"] * 20


def test_an_app_without_a_database_still_says_who_it_is(stage: ImageStage) -> None:
    """/items has a reason for its 503; /whoami and / work."""
    stage.start("alone", "app")
    fetch = 'exec 3<> /dev/tcp/127.0.0.1/80; printf "GET $0 HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3'
    items = stage.run("alone", "bash", "-c", fetch, "/items")[1]
    assert items.startswith("HTTP/1.1 503")
    assert "this app uses no database" in items
    assert stage.run("alone", "bash", "-c", fetch, "/whoami")[1].startswith("HTTP/1.1 200")
    assert stage.run("alone", "bash", "-c", fetch, "/")[1].startswith("HTTP/1.1 200")
    stage.remove("alone")


def test_an_app_with_a_wrong_setting_ends_with_one_line(stage: ImageStage) -> None:
    """Not a traceback."""
    stage.start("alone", "app", environment={"PORT": "eighty"}, wait=False)
    assert stage.exit_code("alone") == 1
    assert stage.log("alone").splitlines()[-1] == "app: 'eighty' is not a port number (1 to 65535)"
    stage.remove("alone")


# the client


@pytest.mark.parametrize("tool", ["dig", "curl", "psql", "nc", "ip", "ss", "openssl", "python3", "ping", "ssh"])
def test_the_client_has_its_tools(stage: ImageStage, tool: str) -> None:
    """Each is there, and starts."""
    flag = {"dig": "-v", "ip": "-V", "ss": "-V", "nc": "-h", "openssl": "version", "ping": "-V", "ssh": "-V"}.get(
        tool, "--version"
    )
    assert stage.run("client", tool, flag)[0] in (0, 1)


@pytest.mark.parametrize("name", ["app", "client"])
def test_a_node_ends_at_once_when_told(stage: ImageStage, name: str) -> None:
    """SIGTERM is enough; nobody waits for a kill (137)."""
    stage.api.stop(stage.ids[name], timeout=50)
    assert stage.exit_code(name) != 137
    stage.again(name)


def test_tags_name_what_the_engine_has(engine: Engine, tags: dict[str, str], stage: ImageStage) -> None:
    """`ensure` gave tags of images that are there, and gives the same ones again without a word."""
    said: list[Any] = []
    again = image_catalog(engine.url, StateFolder.of(engine.environ), engine.environ, said.append).ensure(NAMES)
    assert again == tags
    assert said == []
    assert all(stage.api.inspect_image(tag) for tag in tags.values())
    assert Path(images_folder() / "base" / "Dockerfile").is_file()
