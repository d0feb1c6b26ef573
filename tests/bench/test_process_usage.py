"""What /proc says of a process."""

from __future__ import annotations

import os

import pytest

from bench.process_usage import cpu_ticks, processor_of, resident_kibibytes, usage_of


def test_cpu_time_is_user_and_system_time_whatever_the_process_is_called() -> None:
    stat = "42 (a) b) S 1 42 42 0 -1 4194560 1 2 3 4 70 30 5 6 20 0 1 0 100 1000 10"

    assert cpu_ticks(stat) == 100


def test_resident_memory_is_that_of_the_status() -> None:
    assert resident_kibibytes("Name:\tx\nVmHWM:\t   900 kB\nVmRSS:\t   512 kB\n") == 512


def test_a_process_that_has_ended_has_no_memory() -> None:
    with pytest.raises(ValueError, match="ended"):
        resident_kibibytes("Name:\tx\nState:\tZ (zombie)\n")


def test_the_processor_is_the_first_one() -> None:
    assert processor_of("processor\t: 0\nmodel name\t: Fast One\n\nmodel name\t: Other\n") == "Fast One"
    assert processor_of("") == "unknown"


def test_this_process_uses_something() -> None:
    used = usage_of(os.getpid())

    assert used.cpu_seconds > 0
    assert used.resident_bytes > 1_000_000
