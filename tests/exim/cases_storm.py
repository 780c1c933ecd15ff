"""Deliveries to domains whose name servers are silent, and what others feel of them: by real deliveries of a real Exim."""

import contextlib
import re
import select
import socket
import subprocess
import threading
import time

import names
import ways
from cases_events import fresh
from cases_policy import ENFORCED, PLAIN
from harness import case, delivered

CASES = []

RELAY, SILENT = "127.0.0.8", "silent.signed.example"
STORM = 64
# Nobody has asked about these before.
HONEST = [("met", "good", ENFORCED), ("nopolicy", "plain", PLAIN), ("sts-met", "good", ENFORCED), ("nopolicy3", "good", PLAIN)]


@contextlib.contextmanager
def silent_below(zone):
    """Between the program and its name server somebody sits who takes questions about names below that zone, and answers none."""
    ended = threading.Event()
    front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    front.bind((RELAY, 53))
    label = b"".join(bytes([len(part)]) + part.encode() for part in zone.split("."))

    def relay():
        asked = {}
        while not ended.is_set():
            ready, _, _ = select.select([front, *asked], [], [], 0.1)
            for one in ready:
                if one is front:
                    question, sender = front.recvfrom(4096)
                    if label in question.lower():
                        continue
                    behind = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    behind.connect((names.PLAIN, 53))
                    behind.send(question)
                    asked[behind] = sender
                else:
                    front.sendto(one.recv(65_535), asked.pop(one))
                    one.close()

    thread = threading.Thread(target=relay)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        front.close()


@contextlib.contextmanager
def deliveries_to_silence(number):
    """One sender has so many deliveries under way, each to a domain of its own below one silent zone, one after the other; how
    many have begun, in a list."""
    ended, lock, count = threading.Event(), threading.Lock(), [0]

    def sender():
        while not ended.is_set():
            with lock:
                count[0] += 1
                recipient = f"u@n{count[0]}.{SILENT}"
            subprocess.run(["exim4", "-odi", "-f", "storm@origin.example", recipient], input=b"Subject: test\n\nHello.\n",
                           capture_output=True, timeout=120)

    threads = [threading.Thread(target=sender) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield count
    finally:
        ended.set()
        for thread in threads:
            thread.join()


@contextlib.contextmanager
def few_seats(lab):
    """A daemon that is started meanwhile has descriptors for 24 look-ups at a time, fewer than the storm wants."""
    lab.serve.descriptors = 2_048
    try:
        yield
    finally:
        lab.serve.descriptors = None


def longest_of_honest_ones(lab):
    """Delivers honest mail, one message after the other; the longest time that one took, in seconds."""
    took = []
    for domain, host, log in HONEST:
        lab.world.forget()
        began = time.monotonic()
        mail = lab.exim.deliver(f"u@{domain}.signed.example", fresh=False)
        took.append(time.monotonic() - began)
        delivered(lab, mail, f"u@{domain}.signed.example", host, log)
    return max(took)


@case("64 deliveries of one sender to domains whose name servers are silent keep no honest mail waiting, and wait themselves", by=ways.DAEMON)
def storm(lab):
    with silent_below(SILENT), few_seats(lab), lab.program_asks(RELAY):
        fresh(lab)
        # A case before this one may have had hosts fail.
        lab.exim.forget_hints()
        calm = longest_of_honest_ones(lab)
        fresh(lab)
        start = lab.exim.log_size()
        with deliveries_to_silence(STORM) as begun:
            # Those of the first ones that were given up are still looked up.
            end = time.monotonic() + 120
            while begun[0] < 3 * STORM:
                assert time.monotonic() < end, f"only {begun[0]} deliveries have begun"
                time.sleep(0.05)
            beside = longest_of_honest_ones(lab)
        # Whoever has to wait for the storm waits for some of its four and a half seconds.
        assert beside <= 4 * calm + 1, f"honest mail took {beside:.2f} s at most beside the storm, {calm:.2f} s without"
        log = lab.exim.log_since(start)
        waiting = re.findall(rf" == u@n\d+[.]{re.escape(SILENT)} .*R=smtp_sts_ask defer.*\((?:deadline|dns-unreachable)\)", log)
        assert len(waiting) >= STORM, f"{len(waiting)} of the storm wait: {log[-2000:]}"
        assert f" => u@n1.{SILENT}" not in log
        lab.exim.empty_queue()
        lab.exim.forget_hints()
