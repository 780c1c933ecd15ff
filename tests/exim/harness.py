"""Cases and what they claim: each prints one line, in words."""

import re
import sys
import traceback

CASES = []


class Ledger:
    """Runs cases and counts; `by` is the way in which Exim asks, `build` how it was built where that matters."""

    def __init__(self, only, by, build=None, left_out=()):
        self.only, self.by, self.build, self.left_out = only, by, build, left_out
        self.passed, self.failed = 0, 0

    def wants(self, words, by=None, dane=None):
        """Whether a case of that description is to be run: for the ways `by` if it is not for all, and for builds with DANE
        or without if it is not for both."""
        return (
            (self.only is None or self.only in words)
            and not any(part in words for part in self.left_out)
            and (by is None or self.by in by)
            and (dane is None or self.build.dane == dane)
        )

    def wants_case(self, function):
        """The same of a registered case."""
        return self.wants(function.words, function.by, function.dane)

    def run(self, words, function, *arguments):
        """Runs one case and prints how it went."""
        if not self.wants(words, getattr(function, "by", None), getattr(function, "dane", None)):
            return
        try:
            function(*arguments)
        except AssertionError as error:
            self.failed += 1
            print(f"FAIL {words}\n     " + str(error).strip().replace("\n", "\n     "))
        except Exception:
            self.failed += 1
            print(f"FAIL {words}")
            traceback.print_exc(file=sys.stdout)
        else:
            self.passed += 1
            print(f"ok   {words}")
        sys.stdout.flush()

    def close(self):
        """The closing line; the exit status."""
        print(f"by {self.by}: {self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0


def case(words, by=None, dane=None):
    """Registers a case of the group that the module is: a function of the laboratory. One that is about a single way of
    asking names it, `by`; one that is about an Exim with DANE, or without, says so, `dane`."""

    def register(function):
        function.words, function.by, function.dane = words, by, dane
        function.__globals__.setdefault("CASES", []).append(function)
        return function

    return register


def delivered(lab, delivery, recipient, host, *log):
    """The host took the one message there was, nobody else took any; the log says "=>" and each of `log`."""
    line = delivery.line(recipient)
    assert " => " in line, f"not delivered: {line}\n{delivery.log}"
    for pattern in log:
        pattern = lab.exim.in_its_words(pattern)
        assert re.search(pattern, line), f"the log does not say {pattern}: {line}"
    took = lab.world.messages()
    assert [label for label, _ in took] == [host], f"taken by {[label for label, _ in took]}, not by {host} alone"
    return took[0][1]


def waits(lab, delivery, recipient, *log, envelope=False):
    """Nobody took a message (nor, without `envelope`, saw an envelope); the log says "==" and each of `log`."""
    line = delivery.line(recipient)
    assert " == " in line, f"does not wait: {line}\n{delivery.log}"
    for pattern in map(lab.exim.in_its_words, log):
        if getattr(lab, "build", None) and lab.build.numbers >= (4, 100):
            pattern = without_number(pattern)
        assert re.search(pattern, line), f"the log does not say {pattern}: {line}"
    assert not lab.world.messages(), f"taken by {[label for label, _ in lab.world.messages()]}"
    if not envelope:
        saw = {label: host.envelopes for label, host in lab.world.hosts.items() if host.envelopes}
        assert not saw, f"envelopes seen: {saw}"


def without_number(pattern):
    """What is sought in the log of an Exim that leaves out its own numbers of errors, as 4.100 does: what it says instead."""
    failure, no_tls = ".*: TLS session: ", ".*: a TLS session is required, but "
    for number, words in [(r"\(-37\)", failure), (r"\(-38\)", no_tls), (r"\(-3[78]\)", f"({failure}|{no_tls})")]:
        pattern = pattern.replace("defer " + number, "defer " + words)
    return pattern


def never_in_clear(lab):
    """No host saw an envelope outside TLS."""
    saw = [(label, e) for label, host in lab.world.hosts.items() for e in host.envelopes if not e[2]]
    assert not saw, f"in clear text: {saw}"
