"""The performance of the machine without floe (floors), and process data from /proc."""

import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

TICKS_S = os.sysconf("SC_CLK_TCK")
PSS_S = 0.05
"""Seconds between two reads of memory."""

QUIET = 5.0
"""Per cent of waiting below which the machine counts as quiet."""

STAMP_C = r"""
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
/* stamp FILE [N MS]: append the wall clock in ns, as 19 digits and a newline, with one write;
   N times, MS milliseconds apart. */
int main(int argc, char **argv) {
  long n = argc > 2 ? atol(argv[2]) : 1;
  int fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0644);
  while (n-- > 0) {
    struct timespec now;
    char line[32];
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(line, sizeof line, "%010lld%09ld\n", (long long)now.tv_sec, now.tv_nsec);
    if (fd < 0 || write(fd, line, 20) != 20) return 1;
    if (n) usleep(1000 * atol(argv[3]));
  }
  return 0;
}
"""

STAMP_SH = """#!/bin/sh
# The same in shell, where there is no compiler: a `date` for each stamp.
n=${2:-1}
while [ "$n" -gt 0 ]; do
  date +%s%N >>"$1"
  n=$((n - 1))
  [ "$n" -eq 0 ] || sleep "$(printf '0.%03d' "$3")"
done
"""

STAMP_BYTES = 20


def make_stamp(folder: Path) -> tuple[Path, str]:
    """The program that records its start time, and how it was built."""
    program = folder / "stamp"
    if compiler := shutil.which("cc") or shutil.which("gcc"):
        source = folder / "stamp.c"
        source.write_text(STAMP_C)
        subprocess.run([compiler, "-O2", "-o", program, source], check=True)
        return program, "C"
    program.write_text(STAMP_SH)
    program.chmod(0o755)
    return program, "shell, without a compiler: its stamps are some ms late"


def stamps(path: Path) -> list[int]:
    """The timestamps in a file, in ns."""
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def count_stamps(path: Path) -> int:
    """The number of timestamps in a file."""
    return path.stat().st_size // STAMP_BYTES if path.exists() else 0


# --- floors ---


def timed_ms(argv: Sequence[str | Path]) -> float:
    """Wall-clock time of a command."""
    begun = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - begun) * 1e3


def sh_loop_ms(steps: int) -> float:
    """One /bin/true after the other in sh, each a process: milliseconds per step."""
    loop = f"i=0; while [ $i -lt {steps} ]; do /bin/true; i=$((i+1)); done"
    return timed_ms(["sh", "-c", loop]) / steps


def make_chain_ms(folder: Path, steps: int) -> float:
    """A chain of targets of make, each of one /bin/true: milliseconds per step."""
    rules = [f"t{n}: t{n - 1}\n\t@/bin/true\n" for n in range(1, steps + 1)]
    return _make_ms(folder, f"t{steps}", ["t0:\n", *rules], 1) / steps


def make_fan_ms(folder: Path, width: int, jobs: int) -> float:
    """This many targets of make, under one that waits for all: milliseconds."""
    names = [f"t{n}" for n in range(width)]
    rules = [f"{name}:\n\t@/bin/true\n" for name in names]
    return _make_ms(folder, "all", [f"all: {' '.join(names)}\n", *rules], jobs)


def _make_ms(folder: Path, goal: str, rules: Sequence[str], jobs: int) -> float:
    path = folder / "Makefile"
    path.write_text("MAKEFLAGS += -rR\n" + "".join(rules))
    return timed_ms(["make", "-s", f"-j{jobs}", "-f", path, goal])


def import_ms() -> float:
    """An interpreter that imports the libraries that a host needs."""
    return timed_ms([sys.executable, "-c", "import aiohttp.web, sqlite3, yaml"])


def python_ms() -> float:
    """An interpreter that does nothing."""
    return timed_ms([sys.executable, "-c", ""])


# --- process data ---


def cpu_s(pids: Sequence[int]) -> float:
    """CPU time of processes, without their children."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_S


def process_cpu_s(pid: int) -> float:
    """CPU time of one process, in nanoseconds instead of ticks."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e9  # as clock_getcpuclockid(3) makes it


def pss_mb(pid: int) -> float:
    """Memory of a process; shared memory counts proportionally."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"no Pss for {pid}")


class Peak:
    """The maximum seen."""

    mb = 0.0


@contextmanager
def peak_of(pid: int) -> Iterator[Peak]:
    """Read a process's memory repeatedly while the body runs."""
    peak, over = Peak(), threading.Event()

    def look() -> None:
        while not over.wait(PSS_S):
            peak.mb = max(peak.mb, pss_mb(pid))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def pressure() -> float | None:
    """Per cent of the last ten seconds in which a task waited for a core; None if unknown."""
    try:
        words = Path("/proc/pressure/cpu").read_text().split()
    except FileNotFoundError:  # a kernel without CONFIG_PSI
        return None
    return float(words[1].removeprefix("avg10="))


def wait_quiet(patience_s: float) -> str:
    """Wait for a quiet machine, up to a limit; returns its state in words."""
    until = time.monotonic() + patience_s
    while (waited := pressure()) is not None and waited > QUIET and time.monotonic() < until:
        time.sleep(1)
    if waited is None:
        return "the load of the machine is unknown"
    return f"a task waited for a core in {waited:.0f} % of the time"


def machine(folder: Path) -> str:
    """The machine in one line, with the cost of a new file and a sync in a folder."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, load {load}, "
        f"a new file {_new_file_us(folder):.0f} µs, a sync {_sync_us(folder):.0f} µs"
    )


def _new_file_us(folder: Path, count: int = 500) -> float:
    place = folder / "new-files"
    place.mkdir()
    begun = time.perf_counter()
    for number in range(count):
        os.close(os.open(place / str(number), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    return (time.perf_counter() - begun) / count * 1e6


def _sync_us(folder: Path, count: int = 100) -> float:
    fd = os.open(folder / "synced", os.O_CREAT | os.O_WRONLY)
    begun = time.perf_counter()
    for _ in range(count):
        os.write(fd, bytes(4096))
        os.fdatasync(fd)
    taken = time.perf_counter() - begun
    os.close(fd)
    return taken / count * 1e6
