"""Where and of what a result is: the commit, the files it depends on, the machine and its tools."""

import glob
import hashlib
import json
import os
import platform
import subprocess
from pathlib import Path

from steps import RTL

ROOT = Path(__file__).resolve().parents[2]
# What a sign-off writes itself.
WRITTEN = ("docs/hardware-report.md", "docs/hardware-mutants.md", "hdl/sign-off/results")
# What the requirements of a folder in target/tools are in.
REQUIREMENTS = {
    "formal": ("scripts/requirements-formal.txt", "scripts/requirements.txt"),
    "tb": ("hdl/tb/requirements.txt",),
    "synth": ("hdl/synth/requirements.txt",),
    "venv": ("scripts/requirements.txt",),
}


def said(*command):
    """What a program says, None if it is not there or fails."""
    try:
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def commit():
    return said("git", "rev-parse", "HEAD") or "unknown"


def changed():
    """Whether files differ from the commit's, those apart that a sign-off writes."""
    status = said("git", "status", "--porcelain", "--", ".", *(f":!{path}" for path in WRITTEN))
    return status is None or status != ""


def digest(patterns):
    """Of the files that match, their names and bytes; short, to be seen and compared."""
    whole = hashlib.sha256()
    names = {name for pattern in patterns for name in glob.glob(pattern, root_dir=ROOT, recursive=True)}
    for name in sorted(names):
        if (ROOT / name).is_file():
            data = (ROOT / name).read_bytes()
            whole.update(f"{name}\0{len(data)}\0".encode() + data)
    return whole.hexdigest()[:16]


def rtl():
    return digest(RTL)


def inputs(step):
    return digest((*RTL, *step.inputs))


def machine():
    """The class of this machine, not its name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {len(os.sched_getaffinity(0))} processors, {memory:.0f} GiB, {platform.freedesktop_os_release().get('PRETTY_NAME', 'Linux')}"


def versions(step):
    """Versions by tool. Of a folder of Python packages, those that the project names in its requirements."""
    found = {}
    for tool in step.tools:
        if tool in REQUIREMENTS:
            listed = said(ROOT / "target/tools" / tool / "bin/pip", "list", "--format", "json", "--disable-pip-version-check")
            wanted = {
                line.split("==")[0].strip().lower().replace("_", "-")
                for path in REQUIREMENTS[tool]
                for line in (ROOT / path).read_text().splitlines()
                if "==" in line and not line.startswith("#")
            }
            for package in json.loads(listed or "[]"):
                if package["name"].lower().replace("_", "-") in wanted:
                    found[package["name"]] = package["version"]
        else:
            found[f"{tool} (program)"] = (said(tool, "--version") or "not there").splitlines()[0]
    return found
