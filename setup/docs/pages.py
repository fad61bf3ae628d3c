"""Put pages from outside of docs/ on the site, and make their links lead to pages of the site.

MkDocs calls the functions `on_config`, `on_files` and `on_page_markdown` by these names.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
DECISIONS = sorted(file for file in (DOCS / "decisions").glob("*.md") if file.name != "README.md")
SCENARIOS = {f"scenarios/{file.parent.name}.md": file for file in sorted(ROOT.glob("scenarios/*/README.md"))}
# Path on the site -> file of the checkout.
OUTSIDE = {
    "index.md": ROOT / "README.md",
    "contributing.md": ROOT / "CONTRIBUTING.md",
    "security.md": ROOT / "SECURITY.md",
    "changelog.md": ROOT / "CHANGELOG.md",
    "images.md": ROOT / "images" / "README.md",
    **SCENARIOS,
}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```.*?^```)$", re.MULTILINE | re.DOTALL)


def on_config(config: MkDocsConfig) -> None:
    """Add the scenarios and the decisions to the navigation."""
    nav: list[Any] = config.nav or []
    for entry in nav:
        if "Scenarios" in entry:
            entry["Scenarios"] += [{Path(path).stem: path} for path in SCENARIOS]
        for part in entry.get("Development", ()):
            if "Decisions" in part:
                part["Decisions"] += [f"decisions/{file.name}" for file in DECISIONS]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside of docs/."""
    for path, file in OUTSIDE.items():
        files.append(File.generated(config, path, abs_src_path=str(file)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Make links between files of the checkout lead to pages of the site. Links to other files become plain text."""
    parts = FENCE.split(markdown)
    source = Path(str(page.file.abs_src_path)).resolve()
    parts[::2] = [LINK.sub(lambda link: _on_site(link, source, page.file.src_uri), part) for part in parts[::2]]
    return "".join(parts)


def _on_site(link: re.Match[str], source: Path, page_path: str) -> str:
    mark, text, target = link.groups()
    path, _, anchor = target.partition("#")
    if "://" in target or not path:
        return link[0]
    file = (source.parent / path).resolve()
    pages = {file: site_path for site_path, file in OUTSIDE.items()}
    if file in pages:
        site_path = pages[file]
    elif file.is_file() and file.is_relative_to(DOCS):
        site_path = file.relative_to(DOCS).as_posix()
    else:
        return f"`{text}`" if re.fullmatch(r"[\w./-]+", text) else text
    relative = posixpath.relpath(site_path, posixpath.dirname(page_path) or ".")
    return f"{mark}[{text}]({relative}{'#' + anchor if anchor else ''})"
