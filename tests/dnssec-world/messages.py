"""What servers and attackers share: asking a real server, making replies, listening on UDP and TCP."""

import asyncio
import os
import socket
import struct
import sys

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone

ZONES = f"{os.path.dirname(os.path.abspath(__file__))}/run/zones"

# The real servers: authoritative for the second level, recursive without and with a validator, and authoritative for a
# copy of p256.nsec that holds other data, signed by other keys.
AUTHORITATIVE, RECURSIVE, VALIDATING, COUNTERFEIT = "127.53.2.1", "127.53.8.2", "127.53.8.1", "127.53.6.1"

SECURITY_TYPES = (dns.rdatatype.RRSIG, dns.rdatatype.NSEC, dns.rdatatype.NSEC3, dns.rdatatype.NSEC3PARAM)

name = dns.name.from_text


async def forward(wire, server):
    """Sends octets to a server over UDP, over TCP if the reply is truncated; the reply as a message."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.setblocking(False)
        udp.connect((server, 53))
        await loop.sock_sendall(udp, wire)
        reply = await asyncio.wait_for(loop.sock_recv(udp, 65535), 4)
    if reply[2] & 2:
        reply = await forward_over_tcp(wire, server)
    return dns.message.from_wire(reply, ignore_trailing=True)


async def forward_over_tcp(wire, server):
    reader, writer = await asyncio.open_connection(server, 53)
    writer.write(struct.pack("!H", len(wire)) + wire)
    length = struct.unpack("!H", await reader.readexactly(2))[0]
    reply = await reader.readexactly(length)
    writer.close()
    return reply


async def ask(owner, rtype, server=RECURSIVE):
    """A question of our own, with DNSSEC records and without checking."""
    query = dns.message.make_query(owner, rtype, want_dnssec=True)
    query.flags |= dns.flags.RD | dns.flags.CD
    return await forward(query.to_wire(), server)


def question(query):
    """Owner and type of what is asked."""
    return query.question[0].name, query.question[0].rdtype


def empty(query, rcode=0, authoritative=False):
    """A reply without records."""
    reply = dns.message.make_response(query, recursion_available=True)
    reply.set_rcode(rcode)
    if query.edns >= 0:
        reply.use_edns(0, ednsflags=query.ednsflags & dns.flags.DO, payload=1232)
    if authoritative:
        reply.flags |= dns.flags.AA
    return reply


def addressed(reply, query):
    """Somebody else's reply, made one to this query."""
    reply.id = query.id
    reply.question = query.question
    reply.flags = reply.flags & ~dns.flags.CD | query.flags & dns.flags.CD
    return reply


def without_security(reply):
    """The reply without its DNSSEC records."""
    for section in (reply.answer, reply.authority, reply.additional):
        section[:] = [rrset for rrset in section if rrset.rdtype not in SECURITY_TYPES]
    return reply


def rrset(text):
    """One RRset from "OWNER TTL TYPE RDATA"."""
    owner, ttl, rtype, rdata = text.split(None, 3)
    return dns.rrset.from_text(owner, int(ttl), "IN", rtype, rdata)


def covering_nsec3(zone, owner):
    """The NSEC3 of a zone whose span holds the hash of `owner`, with its signature."""
    content = dns.zone.from_file(f"{ZONES}/{zone}", origin=f"{zone}.", relativize=False, check_origin=False)
    for node_name, node in content.items():
        nsec3 = node.get_rdataset(dns.rdataclass.IN, dns.rdatatype.NSEC3)
        if not nsec3:
            continue
        wanted = dns.dnssec.nsec3_hash(owner, nsec3[0].salt, nsec3[0].iterations, 1).lower()
        first, following = node_name.labels[0].decode().lower(), nsec3[0].to_text().split()[4].lower()
        is_last = first > following
        if first < wanted < following or is_last and (wanted > first or wanted < following):
            signature = node.get_rdataset(dns.rdataclass.IN, dns.rdatatype.RRSIG, dns.rdatatype.NSEC3)
            return [dns.rrset.from_rdata_list(node_name, rdata.ttl, rdata) for rdata in (nsec3, signature)]
    raise LookupError(f"no NSEC3 of {zone} covers {owner}")


class Udp(asyncio.DatagramProtocol):
    """Answers each datagram with what the handler says; says nothing if that is None."""

    def __init__(self, handler):
        self.handler = handler

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, wire, address):
        asyncio.ensure_future(self.answer(wire, address))

    async def answer(self, wire, address):
        try:
            query = dns.message.from_wire(wire)
            reply = await self.handler(query, wire)
            if reply is None:
                return
            octets = reply.to_wire(max_size=65535)
            if len(octets) > max(512, query.payload if query.edns >= 0 else 512):
                truncated = empty(query)
                truncated.flags |= dns.flags.TC | (reply.flags & dns.flags.AA)
                octets = truncated.to_wire()
            self.transport.sendto(octets, address)
        except Exception as error:
            print("udp", self.handler, repr(error), file=sys.stderr, flush=True)


def tcp(handler, closes):
    """Answers each message of a connection; `closes` hangs up instead."""

    async def serve(reader, writer):
        try:
            while not closes:
                length = struct.unpack("!H", await reader.readexactly(2))[0]
                wire = await reader.readexactly(length)
                reply = await handler(dns.message.from_wire(wire), wire)
                if reply is None:
                    await asyncio.sleep(60)
                    return
                octets = reply.to_wire(max_size=65535)
                writer.write(struct.pack("!H", len(octets)) + octets)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except Exception as error:
            print("tcp", handler, repr(error), file=sys.stderr, flush=True)
        finally:
            writer.close()

    return serve


async def listen(address, handler, closes_tcp=False):
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: Udp(handler), local_addr=(address, 53))
    await asyncio.start_server(tcp(handler, closes_tcp), address, 53)
