"""Bytes that no honest side sends: mutated handshakes, lengths, headers, bodies and payloads."""

from __future__ import annotations

import json
import random
import socket
import struct
from collections.abc import Callable
from typing import Any

from blender_addon.contract.wire import MAGIC, Connection

LENGTHS = struct.Struct("<IQ")
ODD_NUMBERS = (0, -1, 1, 2, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63, 2**64, 10**400, -(10**400),
               0.0, -0.0, 1e-320, 1e308, -1e308)  # fmt: skip
ODD_VALUES = (None, True, False, "", [], {}, "\0", "\ud800", "x" * 5000, "../../etc/passwd",
              [[]], [None], {"": {}}, [1, "a", None], "NaN", "1e9999")  # fmt: skip
ODD_TEXTS = ("NaN", "Infinity", "-Infinity", "1" * 5000, "[" * 20_000, '{"a":' * 5_000, "1e999",
             '"\\ud800"', "0x10", "'a'", "{,}", '{"kind":1,"kind":2}')  # fmt: skip


def mutated(value: Any, source: random.Random) -> Any:
    """A JSON value with one of its parts changed, moved, doubled or gone."""
    if isinstance(value, dict) and value and source.random() < 0.85:
        changed = dict(value)
        key = source.choice(sorted(changed))
        choice = source.random()
        if choice < 0.15:
            del changed[key]
        elif choice < 0.25:
            changed[key + source.choice(("x", "\0", " ", ""))] = changed[key]
        else:
            changed[key] = mutated(changed[key], source)
        return changed
    if isinstance(value, list) and value and source.random() < 0.85:
        changed_list = list(value)
        at = source.randrange(len(changed_list))
        choice = source.random()
        if choice < 0.15:
            del changed_list[at]
        elif choice < 0.3:
            changed_list.insert(at, changed_list[at])
        elif choice < 0.4:
            source.shuffle(changed_list)
        else:
            changed_list[at] = mutated(changed_list[at], source)
        return changed_list
    if isinstance(value, int | float) and not isinstance(value, bool) and source.random() < 0.7:
        return source.choice((*ODD_NUMBERS, -value, value * 2, value + 1))
    if isinstance(value, str) and value and source.random() < 0.5:
        return source.choice((value[:-1], value * 2, value.upper(), value + "\0", value[::-1]))
    return source.choice((*ODD_NUMBERS, *ODD_VALUES))


def text_of(value: Any) -> str:
    """JSON of a value that may hold what JSON cannot."""
    try:
        return json.dumps(value)
    except (ValueError, RecursionError):
        return "{}"


def flipped(data: bytes, source: random.Random) -> bytes:
    """Bytes of which some are changed, doubled or gone."""
    changed = bytearray(data)
    for _ in range(source.choice((1, 1, 2, 5))):
        if not changed:
            break
        at = source.randrange(len(changed))
        choice = source.random()
        if choice < 0.6:
            changed[at] = source.randrange(256)
        elif choice < 0.75:
            del changed[at : at + source.randrange(1, 20)]
        elif choice < 0.9:
            changed[at:at] = changed[at : at + source.randrange(1, 20)]
        else:
            changed = changed[:at]
    return bytes(changed)


def framed(header: bytes, payload: bytes = b"") -> bytes:
    return LENGTHS.pack(len(header), len(payload)) + header + payload


def hostile_message(
    kind: str, body: dict, arrays: list, payload: bytes, source: random.Random
) -> bytes:
    """An honest message's bytes, mutated in one of its layers."""
    header = {"kind": kind, "body": body, "arrays": arrays}
    plain = json.dumps(header).encode()
    layer = source.randrange(8)
    if layer == 0:  # lengths that are not the message's
        lengths = (source.choice((0, 1, len(plain), 2**16, 2**24, 2**31, 2**32 - 1)),
                   source.choice((0, 1, len(payload), 2**20, 2**30, 2**40, 2**63)))  # fmt: skip
        return LENGTHS.pack(*lengths) + plain + payload
    if layer == 1:  # bytes
        return flipped(framed(plain, payload), source)
    if layer == 2:  # text that is no JSON, or JSON that Python cannot hold
        text = plain.decode()
        at = source.randrange(len(text))
        odd = source.choice(ODD_TEXTS)
        return framed((text[:at] + odd + text[at:]).encode(errors="replace"), payload)
    if layer == 3:  # what stands for arrays
        odd_arrays = [mutated(one, source) for one in arrays or [["a", "uint8", [2, 0, 2**30]]]]
        odd_arrays *= source.choice((1, 1, 2, 500))
        return framed(text_of(header | {"arrays": odd_arrays}).encode(), payload)
    if layer == 4:  # a payload of another length
        longer = payload + bytes(source.randrange(1, 5000))
        return framed(plain, source.choice((payload[:-1], longer)))
    if layer == 5:  # the wrong message at the wrong time
        other = source.choice(("stop", "ping", "hello", "welcome", "refused", "frame", "error", ""))
        return framed(text_of(header | {"kind": other}).encode(), payload)
    changed = mutated(header if layer == 6 else body, source)
    changed = changed if layer == 6 else header | {"body": changed}
    return framed(text_of(changed).encode(), payload)


def hostile_greeting(source: random.Random) -> bytes:
    """What comes in place of a handshake."""
    nonce = source.randbytes(32)
    return source.choice(
        (
            b"",
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + nonce,
            b"SSH-2.0-OpenSSH_9.6\r\n",
            MAGIC,
            MAGIC + nonce[:31],
            MAGIC + bytes(32) + bytes(32),
            MAGIC + nonce + nonce,
            MAGIC + nonce + source.randbytes(4096),
            MAGIC[:-1] + b"1" + nonce + bytes(32),
            MAGIC[:-1] + bytes([source.randrange(256)]) + nonce,
            LENGTHS.pack(2**32 - 1, 2**63) * 4,
            source.randbytes(source.randrange(1, 300)),
            flipped(MAGIC + nonce + bytes(32), source),
        )
    )


def hang_up_hard(sock: socket.socket) -> None:
    """End a connection with a reset, as a machine does that has lost its power."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def throw(sock: socket.socket, data: bytes, source: random.Random) -> None:
    """Send bytes at once, in pieces or in part, then leave in one of the ways there are."""
    try:
        sock.settimeout(5)
        if source.random() < 0.2 and data:
            at = source.randrange(len(data))
            sock.sendall(data[:at])
            if source.random() < 0.5:
                sock.sendall(data[at:])
        else:
            sock.sendall(data)
        if source.random() < 0.3:
            sock.shutdown(socket.SHUT_WR)
            sock.recv(4096)
    except OSError:
        pass  # the other side was faster to leave
    if source.random() < 0.3:
        hang_up_hard(sock)
    else:
        sock.close()


def authenticated(address: tuple[str, int], token: str) -> Connection:
    return Connection(socket.create_connection(address, 20), token, server=False, timeout=20)


Honest = Callable[[random.Random], tuple[str, dict, list, bytes]]
"""Makes an honest message: kind, body, arrays, payload."""
