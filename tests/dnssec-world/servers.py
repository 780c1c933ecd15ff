#!/usr/bin/python3
"""The servers that no real software would be: authoritative ones that misbehave (127.53.3.x), a forwarder that strips
DNSSEC (127.53.8.5), and the attackers (127.53.7.x)."""

import asyncio

import dns.flags
import dns.message
import dns.rdatatype

from attackers import ATTACKERS, on_the_path
from messages import AUTHORITATIVE, SECURITY_TYPES, VALIDATING, addressed, empty, forward, listen, question
from messages import without_security


async def unaware(query, server):
    """What a server says to somebody who has never heard of DNSSEC."""
    plain = dns.message.make_query(*question(query))
    return addressed(without_security(await forward(plain.to_wire(), server)), query)


async def strips(query, wire):
    reply = await unaware(query, AUTHORITATIVE)
    reply.flags |= dns.flags.AA
    return reply


async def fails(query, wire):
    return empty(query, 2)


async def is_silent(query, wire):
    return None


async def refuses(query, wire):
    return empty(query, 5)


async def knows_no_edns(query, wire):
    if query.edns < 0:
        return await forward(wire, AUTHORITATIVE)
    reply = dns.message.make_response(query)
    reply.use_edns(-1)
    reply.set_rcode(1)
    return reply


async def leaves_out_wildcard_proofs(query, wire):
    reply = await forward(wire, AUTHORITATIVE)
    if reply.answer:
        reply.authority[:] = [rrset for rrset in reply.authority if rrset.rdtype not in SECURITY_TYPES]
    return reply


async def truncates(query, wire):
    reply = empty(query, authoritative=True)
    reply.flags |= dns.flags.TC
    return reply


async def is_slow(query, wire):
    await asyncio.sleep(2)  # what it is there for: longer than another server is waited for
    return await forward(wire, AUTHORITATIVE)


async def forwards_stripped(query, wire):
    reply = await unaware(query, VALIDATING)
    reply.flags &= ~dns.flags.AD
    reply.use_edns(-1)
    return reply


async def signs_wrongly(query, wire):
    reply = await forward(wire, AUTHORITATIVE)
    for rrset in reply.answer:
        if rrset.rdtype == dns.rdatatype.RRSIG and rrset.covers != dns.rdatatype.DNSKEY:
            spoilt = [rdata.replace(signature=bytes(octet ^ 1 for octet in rdata.signature)) for rdata in rrset]
            ttl = rrset.ttl
            rrset.clear()
            for rdata in spoilt:
                rrset.add(rdata, ttl)
    return reply


async def main():
    await listen("127.53.3.1", strips)
    await listen("127.53.3.2", fails)
    await listen("127.53.3.3", is_silent)
    await listen("127.53.3.4", refuses)
    await listen("127.53.3.5", knows_no_edns)
    await listen("127.53.3.6", leaves_out_wildcard_proofs)
    await listen("127.53.3.7", truncates, closes_tcp=True)
    await listen("127.53.3.8", is_slow)
    await listen("127.53.3.9", signs_wrongly)
    await listen("127.53.8.5", forwards_stripped)
    for place, attacker in enumerate(ATTACKERS.values(), 1):
        await listen(f"127.53.7.{place}", on_the_path(attacker))
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
