"""The wheel of kiwisms, built anew."""

import subprocess
import sys
from pathlib import Path

from tests.pages import ROOT


def build_wheel(folder: Path) -> Path:
    """Build it as an installer would, but without looking for the tools elsewhere."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*command, "--directory", folder], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel
