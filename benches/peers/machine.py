"""What a contender, the broker and the rest of the machine use while it runs, as /proc says."""

import os
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")
EVERY_S = 0.1


def tree(pid):
    """The process and all that descend from it."""
    found, todo = [], [pid]
    while todo:
        parent = todo.pop()
        found.append(parent)
        try:
            for thread in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{thread}/children") as children:
                    todo += map(int, children.read().split())
        except OSError:
            pass  # it has ended
    return found


def cpu_seconds(pid):
    """User and system time, of children that have ended too."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / TICK
    except OSError:
        return 0.0


def peak_rss_mib(pids):
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/status") as status:
                total += sum(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        except OSError:
            pass
    return total / 1024


def machine_cpu_seconds():
    """All but idling and waiting for disks."""
    with open("/proc/stat") as stat:
        fields = list(map(int, stat.readline().split()[1:9]))
    return (sum(fields) - fields[3] - fields[4]) / TICK


class Samples:
    """Samples of the use of a process tree, taken ten times a second until `stop`."""

    COLUMNS = ("time", "cpu", "broker_cpu", "machine_cpu", "peak_rss_mib")

    def __init__(self, pid, broker):
        self.pid, self.broker, self.taken, self.stopped = pid, broker, [], threading.Event()
        self.thread = threading.Thread(target=self.take)
        self.thread.start()

    def take(self):
        while not self.stopped.is_set():
            pids = tree(self.pid)
            self.taken.append((time.time(), sum(map(cpu_seconds, pids)), cpu_seconds(self.broker), machine_cpu_seconds(), peak_rss_mib(pids)))
            self.stopped.wait(EVERY_S)

    def stop(self):
        self.stopped.set()
        self.thread.join()

    def at(self, moment, name):
        """A column at a moment, interpolated."""
        column, before = self.COLUMNS.index(name), self.taken[0]
        for after in self.taken:
            if after[0] >= moment:
                if after[0] == before[0]:
                    return after[column]
                share = (moment - before[0]) / (after[0] - before[0])
                return before[column] + share * (after[column] - before[column])
            before = after
        return before[column]

    def since_start(self, moment, name):
        return self.at(moment, name) - self.taken[0][self.COLUMNS.index(name)]

    def peak_rss(self):
        return max(sample[-1] for sample in self.taken)
