"""Builds the RTL for cocotb with Verilator and runs cocotb_peer.py on it: DESCRIPTORS VERDICTS OPTIONS BUILD_FOLDER."""

import sys
from pathlib import Path

from cocotb.runner import get_runner

HERE = Path(__file__).resolve().parent
HDL = HERE.parent.parent / "hdl"


def main():
    descriptors, verdicts, options, folder = sys.argv[1:]
    sources = [HDL / line for line in (HDL / "tcp_validator.f").read_text().split()]
    runner = get_runner("verilator")
    runner.build(
        verilog_sources=sources,
        hdl_toplevel="tcp_validator",
        build_args=["-O3", "-Wno-fatal", "-CFLAGS", "-O3"],
        build_dir=folder,
    )
    runner.test(
        hdl_toplevel="tcp_validator",
        test_module="cocotb_peer",
        build_dir=folder,
        test_dir=folder,
        extra_env={
            "PYTHONPATH": str(HERE),
            "PEER_DESCRIPTORS": descriptors,
            "PEER_VERDICTS": verdicts,
            "PEER_OPTIONS": options,
            "COCOTB_LOG_LEVEL": "WARNING",
        },
    )


main()
