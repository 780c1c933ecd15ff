#!/usr/bin/python3
"""habits.py CONFIGURATION: name servers with the habits of those that real domains have.

CONFIGURATION is JSON: the habits of each zone, one for each of the two addresses. What is not spoilt comes from a real server that
has the zone. Says "ready"; some have another habit from the first SIGUSR1 on.
"""

import asyncio
import json
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "dnssec-world"))

import dns.flags  # noqa: E402
import dns.message  # noqa: E402
import dns.name  # noqa: E402
import dns.rdatatype as T  # noqa: E402
import dns.rrset  # noqa: E402
from messages import Udp, addressed, empty, forward, question, tcp, without_security  # noqa: E402

ODD = ("192.0.2.60", "192.0.2.61")
# Real servers with the zones: as they should be, and the second version that there is of some.
TRUE, SECOND = "192.0.2.55", "192.0.2.56"
SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, FORMERR = 2, 3, 4, 5, 1


# Which questions: functions of the owner and the type.


def everything(_owner, _rtype):
    return True


def underscores(owner, _rtype):
    return any(label.startswith(b"_") for label in owner.labels)


def at(first):
    """Names with this first label."""
    return lambda owner, _rtype: owner.labels[0].lower() == first.encode()


def types(*wanted):
    return lambda _owner, rtype: rtype in wanted


# What becomes of them: functions of the query, its octets, and whether it came over TCP. None is silence.


async def honest(_query, wire, _over_tcp):
    return await forward(wire, TRUE)


async def second(_query, wire, _over_tcp):
    return await forward(wire, SECOND)


async def silence(_query, _wire, _over_tcp):
    return None


def code(rcode):
    async def answer(query, _wire, _over_tcp):
        return empty(query, rcode, authoritative=rcode not in (SERVFAIL, REFUSED))

    return answer


async def truncates(query, wire, over_tcp):
    if over_tcp:
        return await honest(query, wire, over_tcp)
    reply = empty(query, authoritative=True)
    reply.flags |= dns.flags.TC
    return reply


async def truncates_and_has_no_tcp(query, wire, over_tcp):
    if over_tcp:
        raise ConnectionError  # it hangs up
    return await truncates(query, wire, over_tcp)


async def knows_no_edns(query, wire, over_tcp):
    if query.edns < 0:
        return await honest(query, wire, over_tcp)
    reply = dns.message.make_response(query)
    reply.use_edns(-1)
    reply.set_rcode(FORMERR)
    return reply


async def drops_edns(query, wire, over_tcp):
    return await honest(query, wire, over_tcp) if query.edns < 0 else None


async def refers_to_the_root(query, _wire, _over_tcp):
    reply = empty(query)
    reply.authority = [dns.rrset.from_text(".", 60, "IN", "NS", "ns.nic.example.")]
    return reply


async def denies_without_soa(query, wire, over_tcp):
    reply = await honest(query, wire, over_tcp)
    if not reply.answer:
        zone = [rrset.name for rrset in reply.authority if rrset.rdtype == T.SOA]
        reply.set_rcode(0)
        reply.authority = [dns.rrset.from_text(name, 60, "IN", "NS", "odd1.nic.example.") for name in zone]
    return reply


async def denies_with_nothing(query, wire, over_tcp):
    reply = await honest(query, wire, over_tcp)
    if not reply.answer:
        reply.set_rcode(0)
        reply.authority = []
    return reply


async def denies_the_name(query, wire, over_tcp):
    reply = await honest(query, wire, over_tcp)
    if not reply.answer:
        reply.set_rcode(NXDOMAIN)
    return reply


def in_letters(change):
    """All owners in other letters, the question's included."""

    async def answer(query, wire, over_tcp):
        reply = await honest(query, wire, over_tcp)
        for section in (reply.question, reply.answer, reply.authority):
            for rrset in section:
                rrset.name = dns.name.Name([change(label) for label in rrset.name.labels])
        return reply

    return answer


def mixed(label):
    return bytes(letter ^ 0x20 if number % 2 and chr(letter).isalpha() else letter for number, letter in enumerate(label))


async def knows_nothing_of_dnssec(query, _wire, _over_tcp):
    plain = dns.message.make_query(*question(query))
    reply = addressed(without_security(await forward(plain.to_wire(), TRUE)), query)
    if question(query)[1] in (T.DNSKEY, T.DS):
        reply.answer = []
    return reply


def without_signatures(reply, covered):
    for section in (reply.answer, reply.authority):
        section[:] = [rrset for rrset in section if not (rrset.rdtype == T.RRSIG and rrset.covers in covered)]
    return reply


def leaves_out_signatures(*covered):
    async def answer(query, wire, over_tcp):
        return without_signatures(await honest(query, wire, over_tcp), covered)

    return answer


async def has_no_keys(query, wire, over_tcp):
    reply = await honest(query, wire, over_tcp)
    reply.answer = []
    return reply


async def says_an_address(query, wire, over_tcp):
    """Load balancers answer whatever is asked with the address that they have."""
    reply = empty(query, authoritative=True)
    reply.answer = [dns.rrset.from_text(question(query)[0], 60, "IN", "A", "192.0.2.11")]
    return reply


is_later = False


def later(then):
    """Honest at first, then another habit."""

    async def answer(query, wire, over_tcp):
        return await (then if is_later else honest)(query, wire, over_tcp)

    return answer


def where(condition, then):
    """Some questions are answered like that, the others honestly."""

    async def answer(query, wire, over_tcp):
        habit = then if condition(*question(query)) else honest
        return await habit(query, wire, over_tcp)

    return answer


HABITS = {
    "honest": honest,
    "drops all": silence,
    "drops underscores": where(underscores, silence),
    "drops TXT": where(types(T.TXT), silence),
    "drops TLSA": where(types(T.TLSA), silence),
    "drops MX": where(types(T.MX), silence),
    "SERVFAIL for MX": where(types(T.MX), code(SERVFAIL)),
    "drops AAAA": where(types(T.AAAA), silence),
    "refuses all": code(REFUSED),
    "refuses underscores": where(underscores, code(REFUSED)),
    "NOTIMP for all": code(NOTIMP),
    "NOTIMP for TXT": where(types(T.TXT), code(NOTIMP)),
    "NOTIMP for TLSA": where(types(T.TLSA), code(NOTIMP)),
    "SERVFAIL for underscores": where(underscores, code(SERVFAIL)),
    "SERVFAIL for TLSA": where(types(T.TLSA), code(SERVFAIL)),
    "SERVFAIL for AAAA": where(types(T.AAAA), code(SERVFAIL)),
    "truncates": truncates,
    "truncates and has no TCP": truncates_and_has_no_tcp,
    "truncates TXT and has no TCP": where(types(T.TXT), truncates_and_has_no_tcp),
    "FORMERR to EDNS": knows_no_edns,
    "drops EDNS": drops_edns,
    "FORMERR for TXT": where(types(T.TXT), code(FORMERR)),
    "refers to the root": refers_to_the_root,
    "no SOA": denies_without_soa,
    "nothing": denies_with_nothing,
    "shouts": in_letters(bytes.upper),
    "mixes letters": in_letters(mixed),
    "no DNSSEC": knows_nothing_of_dnssec,
    "past": second,
    "a cut that is none": where(types(T.DS), second),
    "no DNSKEY": where(types(T.DNSKEY), has_no_keys),
    "MX unsigned": leaves_out_signatures(T.MX),
    "TXT unsigned": leaves_out_signatures(T.TXT),
    "TLSA unsigned": leaves_out_signatures(T.TLSA),
    "no NSEC": leaves_out_signatures(T.NSEC),
    "NXDOMAIN for _tcp": where(at("_tcp"), denies_the_name),
    "drops underscores later": where(underscores, later(silence)),
    "no record later": where(at("_mta-sts"), later(code(NXDOMAIN))),
    "an address for underscores": where(underscores, says_an_address),
}


def it_is_later():
    global is_later
    is_later = True


async def main(zones):
    by_zone = [(dns.name.from_text(zone), habits) for zone, habits in zones.items()]
    by_zone.sort(key=lambda pair: -len(pair[0].labels))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, it_is_later)
    for number, address in enumerate(ODD):

        def handler(over_tcp, number=number):
            async def handle(query, wire):
                owner = question(query)[0]
                for zone, habits in by_zone:
                    if owner.is_subdomain(zone):
                        reply = await HABITS[habits[min(number, len(habits) - 1)]](query, wire, over_tcp)
                        if reply is not None:
                            reply.id = query.id
                        return reply
                return empty(query, REFUSED)

            return handle

        await loop.create_datagram_endpoint(lambda handle=handler(False): Udp(handle), local_addr=(address, 53))
        await asyncio.start_server(tcp(handler(True), False), address, 53, backlog=256)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        asyncio.run(main(json.load(file)))
