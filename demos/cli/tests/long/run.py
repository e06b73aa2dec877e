#!/usr/bin/env python3
"""Shows that each command of `jsonframe` takes constant memory, and time that is linear, for streams of any length.

    run.py JSONFRAME [--mebibytes N] [--times] [--folder DIR] [CASE...]

Every case is run with 2 MiB and with N MiB, which pass through pipes and sockets, and must not take 16 MiB of memory more for
the one than for the other. With --times it is run with a fourth of N too, and what the processor takes for a byte is shown
for both. The cases `listen long` and `transfer` keep a file of N MiB in the folder for as long as they run.
"""

import argparse
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time

import cases

LEAST = 2
MORE = 16 * 1024
MEBI = 1 << 20


class Bench:
    """Starts the programs of a case, and adds up what they take: the most memory of one in KiB, the processor's time of all in
    seconds."""

    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.memory = 0
        self.seconds = 0.0
        self.processes = []

    def start(self, *arguments, **streams):
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **streams}
        environment = {**os.environ, "TMPDIR": self.folder}
        process = subprocess.Popen([self.program, *arguments], env=environment, **streams)
        self.processes.append(process)
        threading.Thread(target=self.watch, args=[process.pid], daemon=True).start()
        return process

    def watch(self, pid):
        """Looks at the peak of a program's memory until it ends: `wait4` says no less than what Python took to start it."""
        try:
            while peak := re.search(r"VmHWM:\s*(\d+)", open(f"/proc/{pid}/status").read()):
                self.memory = max(self.memory, int(peak[1]))
                time.sleep(0.002)
        except OSError:
            pass

    def server(self, *arguments, says_on="stdout"):
        """A server, and the port on which it listens; what else it says there is read and forgotten."""
        process = self.start(*arguments, **{"stderr": subprocess.DEVNULL, says_on: subprocess.PIPE})
        output = getattr(process, says_on)
        line = output.readline()
        threading.Thread(target=drain, args=[output], daemon=True).start()
        return process, re.search(rb"127\.0\.0\.1:(\d+)", line)[1].decode()

    def sparse(self, length):
        """A file of this length that takes no space, and disappears with the folder."""
        path = os.path.join(self.folder, "sparse")
        with open(path, "wb") as file:
            file.truncate(length)
        return path

    def end(self, server, expected=(0,)):
        # `terminate` would take the status of one that has ended, and its memory with it.
        os.kill(server.pid, signal.SIGTERM)
        self.wait(server, expected)

    def wait(self, process, expected=(0,)):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in expected:
            raise SystemExit(f"{' '.join(process.args)} has ended with {process.returncode}")
        self.seconds += usage.ru_utime + usage.ru_stime
        if usage.ru_maxrss > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
            self.memory = max(self.memory, usage.ru_maxrss)


def drain(stream):
    while os.read(stream.fileno(), MEBI):
        pass


def give_up(*_):
    raise TimeoutError("a program does not end")


def run(case, program, total, folder):
    with tempfile.TemporaryDirectory(dir=folder) as folder:
        bench = Bench(program, folder)
        signal.alarm(60 + total // MEBI)
        try:
            case(bench, total)
        finally:
            signal.alarm(0)
            for process in bench.processes:
                if process.returncode is None:
                    process.kill()
        return bench


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--mebibytes", type=int, default=24)
    parser.add_argument("--times", action="store_true")
    parser.add_argument("--folder")
    parser.add_argument("cases", nargs="*", help="how their names begin")
    arguments = parser.parse_intermixed_args()
    signal.signal(signal.SIGALRM, give_up)
    program = os.path.abspath(arguments.program)
    total = arguments.mebibytes * MEBI
    is_bad = False
    for name, case in cases.ALL.items():
        if arguments.cases and not any(name.startswith(wanted) for wanted in arguments.cases):
            continue
        start = time.monotonic()
        least = run(case, program, LEAST * MEBI, arguments.folder)
        quarter = run(case, program, total // 4, arguments.folder) if arguments.times else None
        usage = run(case, program, total, arguments.folder)
        line = f"{name:30} {least.memory / 1024:6.1f} MiB {usage.memory / 1024:6.1f} MiB"
        if quarter:
            line += "".join(f" {of.seconds / size * 1e9:7.2f} ns/byte" for of, size in [(quarter, total // 4), (usage, total)])
        too_much = usage.memory > least.memory + MORE
        is_bad |= too_much
        print(line + ("  too much memory" if too_much else ""), f"  ({time.monotonic() - start:.0f} s)", flush=True)
    sys.exit(is_bad)


if __name__ == "__main__":
    main()
