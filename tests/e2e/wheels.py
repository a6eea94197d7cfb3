"""What is released of kiwisms, built anew."""

import subprocess
import sys
from pathlib import Path

from tests.pages import ROOT


def build_wheel(folder: Path, source: Path = ROOT) -> Path:
    """Build the wheel, by default of this checkout, into *folder*."""
    _build("wheel", folder, source)
    (wheel,) = folder.glob("*.whl")
    return wheel


def build_sdist(folder: Path, source: Path = ROOT) -> Path:
    """Build the source distribution, by default of this checkout, into *folder*."""
    _build("sdist", folder, source)
    (sdist,) = folder.glob("*.tar.gz")
    return sdist


def _build(target: str, folder: Path, source: Path) -> None:
    """Build as an installer would, but without looking for the tools elsewhere."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target]
    subprocess.run([*command, "--directory", folder], cwd=source, check=True, capture_output=True)
