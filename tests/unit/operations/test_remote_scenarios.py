"""`wirelab up URL`: fetched by a pin once, asked for before anything starts, and nothing is left where it fails."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from observed_labs import BASIC
from scenario_server import ScenarioServer, make_repository, scenario_server

from orchestrator.cli.main import cli
from orchestrator.errors import EngineMissing, UsageInvalid, WirelabError
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.source import LabSource, keep_source
from orchestrator.operations.remote_scenarios.address import parse_address
from orchestrator.operations.remote_scenarios.fetch import FetchedScenario, obtain_scenario

pytestmark = pytest.mark.slow

SHOP = BASIC.replace(", seed: seed.sql", "")
PROGRAMS = (
    SHOP + "  web: {role: service, command: [python3, -m, http.server, '80'], files: {/etc/motd: motd}, "
    'listens: [{port: 80}], environment: {A: "b\\u202Ec"}}\nchecks:\n'
    "  - {name: It runs, from: client, runs: [id], before: [{name: In it, from: app, runs: [whoami]}], "
    "during: {stop: db}}\n"
)
AGREED: list[str] = []


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScenarioServer]:
    (tmp_path / "served").mkdir()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with scenario_server(tmp_path / "served") as running:
        yield running


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path / "state")


def put(server: ScenarioServer, files: dict[str, str], name: str = "shop.tar.gz") -> str:
    """Serve an archive, and return its hash as an option takes it."""
    with tarfile.open(server.folder / name, "w:gz") as tar:
        for path, text in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return f"sha256:{hashlib.sha256((server.folder / name).read_bytes()).hexdigest()}"


def obtain(
    state: StateFolder, url: str, digest: str | None = None, folder: str | None = None, *, agree: bool = True
) -> Path:
    """The file of the scenario that somebody fetched and agreed to."""

    def decide(_fetched: FetchedScenario) -> None:
        if not agree:
            raise UsageInvalid("no")

    return obtain_scenario(state, parse_address(url, digest), folder, None, decide, AGREED.append).path


def error_of(state: StateFolder, url: str, digest: str | None = None, folder: str | None = None) -> WirelabError:
    """How it failed; and nothing is left in the state folder."""
    with pytest.raises(WirelabError) as caught:
        obtain(state, url, digest, folder)
    assert kept(state) == []
    return caught.value


def kept(state: StateFolder) -> list[str]:
    return sorted(path.name for path in (state.root / "fetched").glob("*"))


def test_a_pinned_archive_is_fetched_once(server: ScenarioServer, state: StateFolder) -> None:
    digest = put(server, {"shop-1/scenario.yaml": SHOP, "README": "x"})
    url = f"{server.url}/shop.tar.gz"
    file = obtain(state, url, digest)
    assert file.read_text() == SHOP
    assert kept(state) == [digest.replace(":", "-")]
    (server.folder / "shop.tar.gz").unlink()
    assert obtain(state, url, digest) == file
    assert server.asked == ["/shop.tar.gz"]


def test_a_kept_file_that_somebody_changed_is_fetched_again(server: ScenarioServer, state: StateFolder) -> None:
    """A pin names a content, so no other one is taken for it; a file that was added counts, too."""
    digest = put(server, {"shop-1/scenario.yaml": SHOP})
    file = obtain(state, f"{server.url}/shop.tar.gz", digest)
    file.write_text(SHOP.replace("name: shop", "name: other"))
    assert obtain(state, f"{server.url}/shop.tar.gz", digest).read_text() == SHOP
    (file.parent / "seed.sql").write_text("drop table items;")
    assert not (obtain(state, f"{server.url}/shop.tar.gz", digest).parent / "seed.sql").exists()
    assert len(server.asked) == 3
    assert kept(state) == [digest.replace(":", "-")]


def test_a_commit_comes_from_a_repository_and_is_kept(server: ScenarioServer, state: StateFolder) -> None:
    """By HTTP as git's own server speaks it; no file of the repository beside the scenario, and no hook."""
    _, commit = make_repository(server.folder, {"labs/shop/scenario.yaml": SHOP, "README.md": "x"})
    url = f"{server.url}/git/shop.git#{commit}"
    file = obtain(state, url)
    assert file.read_text() == SHOP
    assert kept(state) == [f"git-{commit}"]
    assert sorted(path.name for path in (state.root / "fetched").rglob("*") if path.is_file()) == [
        "manifest.json", "scenario.yaml",
    ]  # fmt: skip
    asked = len(server.asked)
    assert (obtain(state, url), len(server.asked)) == (file, asked)


def test_a_repository_on_this_machine_gives_the_same_bytes_with_any_settings(
    tmp_path: Path, state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filter of the user's own configuration does not run; the newest commit is named where nothing pins it."""
    files = {"scenario.yaml": SHOP, ".gitattributes": "*.yaml filter=evil\n"}
    bare, commit = make_repository(tmp_path / "there", files)
    settings = tmp_path / "gitconfig"
    settings.write_text(f'[filter "evil"]\n\tsmudge = touch {tmp_path}/ran; cat\n[core]\n\tautocrlf = true\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    assert obtain(state, f"file://{bare}").read_bytes() == SHOP.encode()
    assert kept(state) == [f"git-{commit}"]
    assert obtain(state, f"file://{bare}#main").read_bytes() == SHOP.encode()
    assert not (tmp_path / "ran").exists()


def test_what_is_refused_leaves_nothing(server: ScenarioServer, state: StateFolder) -> None:
    digest = put(server, {"scenario.yaml": SHOP})
    with pytest.raises(UsageInvalid):
        obtain(state, f"{server.url}/shop.tar.gz", digest, agree=False)
    assert kept(state) == []


def test_what_a_killed_command_left_goes_at_the_next_one(server: ScenarioServer, state: StateFolder) -> None:
    """And what a running one has there stays."""
    ended = subprocess.Popen(("true",))
    ended.wait()
    left = [state.root / "fetched" / f".part-{process}-00" for process in (ended.pid, os.getpid())]
    for folder in left:
        folder.mkdir(parents=True)
    obtain(state, f"{server.url}/shop.tar.gz", put(server, {"scenario.yaml": SHOP}))
    assert [folder.exists() for folder in left] == [False, True]


def test_several_scenarios_are_named_and_one_is_chosen(server: ScenarioServer, state: StateFolder) -> None:
    digest = put(server, {f"shop-1/{name}/scenario.yaml": SHOP for name in ("one", "two/deep")})
    url = f"{server.url}/shop.tar.gz"
    error = error_of(state, url, digest)
    assert (error.what, error.why, error.hint) == (
        f"{url} holds 2 scenarios", "they are in the folders shop-1/one, shop-1/two/deep", "--folder shop-1/one",
    )  # fmt: skip
    wrong = error_of(state, url, digest, "three")
    assert wrong.what == f"{url} has no scenario in a folder 'three'"
    assert obtain(state, url, digest, "two/deep").parent.name == "deep"
    assert obtain(state, url, digest, "one").parent.name == "one"


def test_each_failure_is_told_and_leaves_nothing(server: ScenarioServer, state: StateFolder) -> None:
    digest, other = put(server, {"scenario.yaml": SHOP}), "sha256:" + "0" * 64
    bare, commit = make_repository(server.folder, {"scenario.yaml": SHOP})
    port = server.server_port
    with scenario_server(server.folder) as gone:
        nobody = gone.url
    expected = {
        (f"{server.url}/none.zip", digest): "the server has nothing there (404)",
        (f"{server.url}/closed", digest): "the server wants a login",
        (f"{server.url}/away", digest): "the server redirects more than 5 times",
        (f"{server.url}/shop.tar.gz", other): f"its hash is {digest}, and not {other}",
        (f"{nobody}/shop.tar.gz", digest): "127.0.0.1 cannot be reached: no network?",
        (f"https://127.0.0.1:{port}/shop.tar.gz", digest): "127.0.0.1 does not speak TLS there",
        (f"file://{server.folder}/none.zip", None): "No such file or directory",
        ("file:///dev/zero", None): "",
        (f"{server.url}/git/none.git#{commit}", None): "there is no git repository",
        (f"{nobody}/git/shop.git#{commit}", None): "its host cannot be reached: no network?",
        (f"file://{bare}#{'0' * 40}", None): f"the repository has no commit, branch or tag {'0' * 40}",
        (f"file://{bare}#nobranch", None): "the repository has no commit, branch or tag nobranch",
    }
    assert {key: error_of(state, *key).why for key in expected} == expected


def test_an_archive_without_an_end_is_left_at_its_bound(server: ScenarioServer, state: StateFolder) -> None:
    error = error_of(state, f"{server.url}/endless", "sha256:" + "0" * 64)
    assert (error.what, error.why) == (f"{server.url}/endless is too large", "an archive may have 64 MiB")


def test_a_link_in_a_commit_is_refused(tmp_path: Path, state: StateFolder) -> None:
    bare, commit = make_repository(tmp_path / "there", {"scenario.yaml": SHOP}, links={"seed.sql": "/etc/passwd"})
    assert "'seed.sql' is a link" in error_of(state, f"file://{bare}#{commit}").why


def test_git_that_is_missing_is_named(tmp_path: Path, state: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    bare, commit = make_repository(tmp_path / "there", {"scenario.yaml": SHOP})
    monkeypatch.setenv("PATH", str(tmp_path))
    assert error_of(state, f"file://{bare}#{commit}").what == "git is not installed"


@pytest.mark.parametrize(
    ("url", "digest", "what"),
    [
        ("ssh://host/shop.git", None, "ssh://host/shop.git cannot be fetched"),
        ("git+ext://sh -c id", None, "this is no address"),
        ("http://host/shop.zip", None, "http://host/shop.zip has to be pinned"),
        ("http://host/shop.git#main", None, "http://host/shop.git#main has to be pinned"),
        ("https:///shop.zip", None, "https:///shop.zip names no host"),
        ("https://host:x/shop.zip", None, "https://host:x/shop.zip is no address"),
        ("https://me:secret@host/shop.zip", None, "an address must not contain a user or a password"),
        ("file://other/shop.zip", None, "file://other/shop.zip names no file"),
        ("https://host/shop.zip", "sha256:12", "--hash is no hash"),
        ("https://host/shop.zip#abc", None, "an archive has no commit"),
        ("https://host/shop.git", "sha256:" + "0" * 64, "--hash pins an archive, and this is a git repository"),
        ("https://host/shop.git#abcdef0", None, "#abcdef0 is only a part of a commit"),
        ("https://host/shop.git#--upload-pack=id", None, "#--upload-pack=id is neither a commit nor a branch or tag"),
    ],
)
def test_an_address_that_is_wrong_is_refused_before_anything_is_asked(url: str, digest: str | None, what: str) -> None:
    with pytest.raises(UsageInvalid) as caught:
        parse_address(url, digest)
    assert caught.value.what == what
    assert "secret" not in " ".join(caught.value.lines())


def up(tmp_path: Path, *words: str) -> Result:
    """`wirelab up WORDS` where no engine answers: what agrees to a scenario ends there."""
    environ = {"WIRELAB_STATE": str(tmp_path / "state"), "DOCKER_HOST": f"unix://{tmp_path}/nobody"}
    return CliRunner().invoke(cli, ["up", *words], env=environ)


def test_what_would_run_is_shown_and_nobody_answers_for_the_reader(tmp_path: Path, server: ScenarioServer) -> None:
    """Each image, command, file and port, with no sign that the terminal obeys; with the pin for --yes."""
    digest = put(server, {"scenario.yaml": PROGRAMS, "motd": "hello\n"})
    words = (f"{server.url}/shop.tar.gz", "--hash", digest)
    result = up(tmp_path, *words)
    assert isinstance(result.exception, UsageInvalid)
    assert result.exception.what == "wirelab cannot ask whether to start it"
    assert result.exception.hint == f"wirelab up {' '.join(words)} --yes"
    lines = {" ".join(line.split()) for line in result.stderr.splitlines()}
    assert lines >= {
        "images of wirelab: app, client, database, dns",
        "commands web: python3 -m http.server 80",
        "variables web: A=b\\u202ec",
        "checks run client: id",
        "app: whoami",
        "files web: motd (6 bytes) at /etc/motd, read-only",
        "ports none of this machine; inside of the lab:",
        "web: tcp 80",
        "ways out none",
    }
    assert isinstance(up(tmp_path, *words, "--yes").exception, EngineMissing)


def test_what_is_not_bounded_is_refused_even_if_somebody_would_agree(tmp_path: Path, server: ScenarioServer) -> None:
    """The image is shown; only --trusted lets it in."""
    digest = put(server, {"scenario.yaml": SHOP + "  web: {role: service, image: 'nginx:1'}\n"})
    words = (f"{server.url}/shop.tar.gz", "--hash", digest, "--yes")
    result = up(tmp_path, *words)
    assert isinstance(result.exception, UsageInvalid)
    assert result.exception.what == "the scenario 'shop' asks for more than an untrusted file may"
    assert "web: nginx:1, from its registry, as its own user, which may be root" in result.stderr
    assert isinstance(up(tmp_path, *words, "--trusted").exception, EngineMissing)


def test_yes_needs_a_pin_and_a_lab_of_another_file_is_left_alone(tmp_path: Path, server: ScenarioServer) -> None:
    digest = put(server, {"scenario.yaml": SHOP})
    result = up(tmp_path, f"file://{server.folder}/shop.tar.gz", "--yes")
    assert isinstance(result.exception, UsageInvalid)
    assert result.exception.what == "--yes takes a scenario from an address only with a pin"
    state = StateFolder(tmp_path / "state")
    keep_source(state, "shop", LabSource("shop", "/home/me/scenario.yaml", SHOP, {}), 1.0)
    words = (f"{server.url}/shop.tar.gz", "--hash", digest, "--yes")
    taken = up(tmp_path, *words)
    assert isinstance(taken.exception, UsageInvalid)
    assert taken.exception.what == "the lab 'shop' is made from another file"
    assert isinstance(up(tmp_path, *words, "--lab", "mine").exception, EngineMissing)
