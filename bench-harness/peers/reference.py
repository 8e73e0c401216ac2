"""The process protocol of thalweg-bench (PROTOCOL.md) in as few lines as it takes: `hop`, on one core, closed and open loop.

It is made to be read, not to be fast. It needs nothing but Python's own library.
"""

import base64
import json
import platform
import struct
import sys
import time
import zlib

ALL = (1 << 64) - 1


def mix(value):
    """SplitMix64's output function."""
    z = (value + 0x9E3779B97F4A7C15) & ALL
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & ALL
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & ALL
    return z ^ (z >> 31)


def records(run):
    """The numbers of `hop`: a block of drawn numbers, replayed in laps, each lap moved on by the block's length."""
    drawn = mix(mix(run["seed"]))
    length = max(1, min(run["block_bytes"] // 8, run["events"]))
    block = [mix((drawn + mix(i)) & ALL) for i in range(length)]
    return [(block[i % length] + i // length * length) & ALL for i in range(run["events"])]


class Histogram:
    """Counts of nanoseconds to three significant digits, in HdrHistogram's format V2."""

    def __init__(self):
        self.counts = {}

    def record(self, value):
        value = max(int(value), 1)
        bucket = (value | 2047).bit_length() - 11
        index = ((bucket + 1) << 10) + (value >> bucket) - 1024
        self.counts[index] = self.counts.get(index, 0) + 1

    def text(self):
        numbers, at = bytearray(), 0
        for index in sorted(self.counts):
            if index > at:
                numbers += zigzag(at - index)  # a run of zeroes, as its length below zero
            numbers += zigzag(self.counts[index])
            at = index + 1
        plain = struct.pack(">IIIIQQd", 0x1C849313, len(numbers), 0, 3, 1, 100_000_000_000, 1.0) + numbers
        packed = zlib.compress(plain)
        return base64.b64encode(struct.pack(">II", 0x1C849314, len(packed)) + packed).decode()


def zigzag(number):
    """A signed number of 64 bits, zigzag and LEB128."""
    left, out = (number << 1) ^ (number >> 63), bytearray()
    while left > 127:
        out.append(left & 127 | 128)
        left >>= 7
    return out + bytes([left])


def closed(numbers):
    start = time.perf_counter_ns()
    total = sum(numbers) & ALL
    return {"elapsed_ns": time.perf_counter_ns() - start, "answer": [[total, len(numbers)]]}


def opened(numbers, rate_per_s):
    """Records are due at times fixed before the run; each is charged from then, whatever held it up."""
    latency, uncorrected, lateness = Histogram(), Histogram(), Histogram()
    gap_ns, warm = 1e9 / rate_per_s, len(numbers) // 10
    total, in_flight, samples, next_sample = 0, 0, 0, warm * gap_ns
    now = time.perf_counter_ns
    start = now() + 1_000_000
    for i, number in enumerate(numbers):
        due = start + i * gap_ns
        while (sent := now()) < due:
            pass
        total = total + number & ALL
        left = now()
        if i >= warm:
            latency.record(left - due)
            uncorrected.record(left - sent)
            lateness.record(sent - due)
            while next_sample <= left - start:  # how many were due by a moment that was fixed before, less those that had left
                in_flight += min(int(next_sample / gap_ns) + 1, len(numbers)) - i
                samples, next_sample = samples + 1, next_sample + 100_003
    return {
        "elapsed_ns": left - start,
        "answer": [[total, len(numbers)]],
        "latency_ns": latency.text(),
        "uncorrected_ns": uncorrected.text(),
        "lateness_ns": lateness.text(),
        "in_flight_mean": in_flight / samples if samples else None,
        "v_per_s": len(numbers) * 1e9 / (sent - start),
    }


def prepare(run):
    if run["workload"] != "hop" or run["cores"] != 1:
        return None, {"is": "refused", "reason": "the reference process runs hop, on one core"}
    if run["schedule"] and run["schedule"]["shape"] != "constant":
        return None, {"is": "refused", "reason": "the reference process keeps a constant rate"}
    return (records(run), run["schedule"]), {"is": "ready"}


def main():
    def say(reply):
        print(json.dumps(reply), flush=True)

    say({"is": "hello", "protocol": 1, "name": "reference", "version": "1", "language": "Python " + platform.python_version()})
    prepared = None
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "quit":
            return
        if order["do"] == "prepare":
            prepared, reply = prepare(order)
        elif prepared is None:
            reply = {"is": "failed", "reason": "nothing was prepared"}
        else:
            numbers, schedule = prepared
            result = opened(numbers, schedule["rate_per_s"]) if schedule else closed(numbers)
            reply = {"is": "done", "n": len(numbers), **result}
        say(reply)


main()
