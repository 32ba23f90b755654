"""What a sign-off consists of: the scripts that check the hardware, each with what it depends on."""

from dataclasses import dataclass

RTL = ("hdl/rtl/*.sv", "hdl/*.f")


@dataclass(frozen=True)
class Step:
    name: str
    demands: str
    """What must hold, for the report."""
    command: tuple[str, ...]
    """A script and its options, as somebody runs it by hand."""
    inputs: tuple[str, ...]
    """Beside the RTL, the files that the result depends on."""
    minutes: int
    """Longest that it may take."""
    quick: tuple[str, ...] | None = None
    """The command of --quick, if it is another one."""
    jobs: str | None = None
    """The option that says how many processors it may use."""
    results: bool = True
    """Whether the script takes --results."""
    listing: tuple[str, ...] | None = None
    """Lists what has to be in the results, a line each; `named` makes such lines of a row."""
    tools: tuple[str, ...] = ()
    """Of these folders of target/tools, or programs, the report tells versions."""

    def missed(self, row):
        """What of a row does not hold, by names that a waiver can tell."""
        if row.get("holds", True):
            return []
        if self.name == "synth":
            return [f"{self.named(row)} {goal}" for goal in row["missed"]]
        return [self.named(row) if self.listing else row.get("check") or row.get("what") or row.get("kind")]

    def named(self, row):
        """The line of `listing` that a row is about."""
        return {
            "synth": lambda: f"{row['kernel']}-{row['bits']}",
            "proof-mutants": lambda: f"{row['number']} {row['job']} {row['file']} {row['edit']}",
            "proofs": lambda: row["job"],
            "tb": lambda: row["test"],
        }[self.name]()


# Those that take longest come first, as several run at a time.
STEPS = (
    Step(
        "synth",
        "size, logic levels and clock reach what was asked, placed and routed by three seeds",
        ("scripts/synth", "--seeds", "3"),
        ("hdl/synth/*", "scripts/synth"),
        120,
        quick=("scripts/synth", "--seeds", "1", "tcp_validator-128"),
        jobs="-j",
        listing=("scripts/synth", "--list"),
        tools=("synth",),
    ),
    Step(
        "mutants",
        "each mutant of the RTL is killed by a test of tb, or argued",
        ("scripts/mutate-hdl", "--count", "40", "--seed", "1"),
        ("hdl/tb/*", "scripts/mutate-hdl"),
        120,
        quick=("scripts/mutate-hdl", "--count", "40", "--seed", "1", "--only", "stream_fifo.sv"),
        jobs="--jobs",
        tools=("tb",),
    ),
    Step(
        "proof-mutants",
        "each broken copy of the RTL fails its proof",
        ("scripts/formal", "--mutants"),
        ("hdl/formal/**/*", "scripts/formal"),
        120,
        quick=("scripts/formal", "--mutants", "stream_fifo"),
        jobs="-j",
        listing=("scripts/formal", "--mutants", "--list"),
        tools=("formal",),
    ),
    Step(
        "proofs",
        "every property is proved",
        ("scripts/formal",),
        ("hdl/formal/*.sby", "hdl/formal/**/*.sv", "scripts/formal"),
        120,
        quick=("scripts/formal", "--quick"),
        jobs="-j",
        listing=("scripts/formal", "--list"),
        tools=("formal",),
    ),
    Step(
        "tb",
        "the independent bench passes at every width, by three seeds",
        ("scripts/tb", "--seed", "1", "--seed", "2", "--seed", "3"),
        ("hdl/tb/*", "scripts/tb"),
        30,
        quick=("scripts/tb",),
        jobs="--jobs",
        listing=("scripts/tb", "--list"),
        tools=("tb",),
    ),
    Step(
        "coverage",
        "line, branch and cover points whole, toggles 95 %",
        ("scripts/coverage",),
        ("hdl/tb/*", "hdl/tb/cover/*", "scripts/coverage"),
        30,
        jobs="--jobs",
        tools=("tb",),
    ),
    Step(
        "figures",
        "the rates and latencies of kernel.md and queue.md at every width",
        ("scripts/figures",),
        ("host-runtime/tests/rtl/*.rs", "host-runtime/tests/queue/*.rs", "host-runtime/tests/common/*.rs"),
        60,
        tools=("rustc", "verilator", "g++"),
    ),
    Step(
        "lint",
        "Verilator, Verible and Yosys find nothing: no warning, latch or loop",
        ("scripts/lint-hdl",),
        ("hdl/lint/*", "hdl/synth/*.ys", "hdl/tb/cover/*", "hdl/formal/**/*.sv", "scripts/lint-hdl"),
        30,
        tools=("venv", "verilator"),
    ),
    Step(
        "package",
        "the packaging for Vitis describes the kernels as they are, at every width",
        ("cargo", "test", "--locked", "--package", "fpga-ctl", "--test", "vitis"),
        ("hdl/*.xml", "hdl/vitis/*", "fpga-ctl/tests/vitis/*"),
        60,
        results=False,
        tools=("rustc",),
    ),
)
