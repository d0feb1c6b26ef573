"""CPU time and memory of a process, as Linux tells them (proc_pid_stat(5), proc_pid_status(5))."""

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """What a process and its threads have used by now: CPU time in seconds, resident memory in bytes."""

    cpu_seconds: float
    resident_bytes: int


def usage_of(pid: int) -> Usage:
    """Return what the process uses. Raises FileNotFoundError where there is none."""
    directory = Path(f"/proc/{pid}")
    stat = (directory / "stat").read_text(encoding="utf-8", errors="replace")
    status = (directory / "status").read_text(encoding="utf-8", errors="replace")
    return Usage(cpu_ticks(stat) / os.sysconf("SC_CLK_TCK"), resident_kibibytes(status) * 1024)


def cpu_ticks(stat: str) -> int:
    """User and system time in clock ticks; the name before them may hold spaces and parentheses."""
    fields = stat.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def resident_kibibytes(status: str) -> int:
    """VmRSS. Raises ValueError where it is missing."""
    found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise ValueError("no VmRSS: the process has ended")
    return int(found[1])


@dataclass(frozen=True)
class Machine:
    """What figures depend on."""

    cores: int
    processor: str
    memory_gibibytes: int
    load: float
    """Load average of the last minute when the measurement began."""
    python: str
    """Version of the Python that the operator and the model server run in."""


def this_machine() -> Machine:
    """Return the machine that this process runs on."""
    information = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    cores, version = len(os.sched_getaffinity(0)), platform.python_version()
    return Machine(cores, processor_of(information), round(memory), os.getloadavg()[0], version)


def processor_of(information: str) -> str:
    """Return the model name of the first processor in /proc/cpuinfo."""
    found = re.search(r"^model name\s*:\s*(.+)$", information, re.MULTILINE)
    return found[1].strip() if found else "unknown"
