"""Build hook: the playground's page, from web/ into src/glassnet/playground/static, so that the wheel holds it.

It runs `npm ci` and `npm run build` unless the page is built already and newer than its sources. Where Node.js is
missing, or the build fails, it says so and lets the rest be installed: `glassnet play` then tells how to build the
page. An editable install builds nothing.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STATIC = Path("src/glassnet/playground/static")
LEFT_OUT = {"node_modules", "tests", "fake"}
COMMANDS = (["ci", "--no-audit", "--no-fund"], ["run", "build"])


class PlaygroundHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds the page before a wheel or a source distribution is put together."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Hatch calls this first; an editable install has version "editable"."""
        if version == "editable":
            return
        reason = built(Path(self.root))
        if reason is not None:
            self.app.display_warning(
                f"the playground's page is not in this build: {reason}. All else is; to add the page, install "
                "Node.js 20 or newer and build again"
            )


def built(root: Path) -> str | None:
    """Build the page where it has to be; why it is missing, or None when it is there."""
    web, index = root / "web", root / STATIC / "index.html"
    if not (web / "package.json").exists():
        return None if index.exists() else "there is no folder web/ to build it from"
    if fresh(web, index):
        return None
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed"
    for arguments in COMMANDS:
        done = subprocess.run([npm, *arguments], cwd=web, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
            return f"`npm {' '.join(arguments)}` failed: {' / '.join(said[-3:])}"
    return None if index.exists() else "`npm run build` wrote no index.html"


def fresh(web: Path, index: Path) -> bool:
    """Whether the built page is at least as new as everything that it is made from."""
    if not index.exists():
        return False
    sources = [path for path in web.rglob("*") if path.is_file() and not LEFT_OUT & set(path.relative_to(web).parts)]
    return all(path.stat().st_mtime <= index.stat().st_mtime for path in sources)
