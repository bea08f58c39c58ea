"""Authenticated, framed, bounded messages over a socket. Standard library and numpy only.

A message on the wire is ``header length (u32) | payload length (u64) | header | payload``, little
endian. The header is JSON: ``{"kind", "body", "arrays": [[name, dtype, shape], ...]}``; the
payload is the arrays' bytes in that order. Nothing is pickled, evaluated or opened.

Before the first message both sides prove that they know the token, without sending it: each
sends a 32-byte nonce and answers the other's with
``HMAC-SHA256(token, version | role | own nonce | peer nonce)``. The role keeps an answer from
being reflected back at its sender, the nonces from being used again, and the version from serving
for another version of this protocol.
"""

from __future__ import annotations

import contextlib
import errno
import hmac
import json
import math
import os
import socket
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

PROTOCOL = 1
NAME = b"metasim"
MAGIC = NAME + b"2"
"""What both sides begin with: the protocol's name and the version of its handshake."""
MAX_HEADER = 16 * 2**20
MAX_MESSAGE = 1 * 2**30
DTYPES = ("uint8", "uint16", "int32", "float16", "float32", "float64")
_LENGTHS = struct.Struct("<IQ")
HANDSHAKE_WITHIN = 10.0
"""Seconds that a listening side gives a stranger."""
_NONCE = 32
_ROOM = 64 * 2**10


class WireError(ConnectionError):
    """The other side broke the protocol, closed the connection or took too long."""


class AuthenticationError(WireError):
    """The other side does not know the token."""


@dataclass(frozen=True, eq=False)
class Message:
    """One message: a kind, a JSON-ready body and named arrays."""

    kind: str
    body: Mapping[str, object] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class EncodedMessage:
    """A message as the bytes that go over the wire.

    Attributes:
        chunks: the bytes, in parts.
        size: of all of them.
    """

    chunks: tuple[bytes | memoryview, ...]
    size: int


def encode(message: Message) -> EncodedMessage:
    """The bytes of a message; arrays are not copied and must not change before they are sent.

    Raises:
        WireError: when an array's type, or the size of the header, is not allowed.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in message.arrays.items()}
    for name, array in arrays.items():
        if array.dtype.name not in DTYPES:
            raise WireError(f"array {name!r} has dtype {array.dtype}, not one of {DTYPES}")
    header = json.dumps(
        {
            "kind": message.kind,
            "body": dict(message.body),
            "arrays": [[n, a.dtype.name, list(a.shape)] for n, a in arrays.items()],
        },
        allow_nan=False,
    ).encode()
    if len(header) > MAX_HEADER:
        raise WireError(f"a header of {len(header)} bytes is over the limit of {MAX_HEADER}")
    payload = sum(array.nbytes for array in arrays.values())
    first = _LENGTHS.pack(len(header), payload) + header
    parts = (array.reshape(-1).view(np.uint8).data for array in arrays.values())
    return EncodedMessage((first, *parts), len(first) + payload)


class Connection:
    """One authenticated end of a socket; send and receive whole messages.

    Args:
        sock: a connected stream socket, owned by this object from now on.
        token: the shared secret.
        server: True on the listening side.
        timeout: seconds for each message, by default, once it has begun.
        handshake: seconds for the handshake; None: as for a message.
        max_message: the largest message accepted, in bytes.

    Raises:
        AuthenticationError: when the other side does not know the token.
        WireError: when it does not speak this protocol.
    """

    def __init__(
        self,
        sock: socket.socket,
        token: str,
        *,
        server: bool,
        timeout: float = 30.0,
        handshake: float | None = None,
        max_message: int = MAX_MESSAGE,
    ) -> None:
        self._socket = sock
        self._timeout = timeout
        self._max_message = max_message
        with contextlib.suppress(OSError):  # Unix sockets have no such option
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            within = timeout if handshake is None else handshake
            self._authenticate(token.encode(), server, time.monotonic() + within)
        except BaseException:
            self.close()
            raise

    def _authenticate(self, token: bytes, server: bool, deadline: float) -> None:
        own_role, peer_role = (b"server", b"client") if server else (b"client", b"server")
        own = os.urandom(_NONCE)
        self._send_bytes([MAGIC + own], deadline)
        hello = self._receive_bytes(len(MAGIC) + _NONCE, deadline)
        if hello[: len(NAME)] != NAME:
            raise WireError("the other side does not speak Meta-Sim's protocol")
        if hello[: len(MAGIC)] != MAGIC:
            raise WireError(
                "the other side speaks another version of Meta-Sim's protocol; install the same "
                "release on both sides"
            )
        peer = bytes(hello[len(MAGIC) :])
        proof = hmac.digest(token, MAGIC + own_role + own + peer, "sha256")
        expected = hmac.digest(token, MAGIC + peer_role + peer + own, "sha256")
        if server:
            # The client proves itself first: a stranger learns nothing about the token.
            answer = self._receive_bytes(len(expected), deadline)
            if not hmac.compare_digest(answer, expected):
                raise AuthenticationError("the client's token is wrong")
            self._send_bytes([proof], deadline)
        else:
            self._send_bytes([proof], deadline)
            try:
                answer = self._receive_bytes(len(expected), deadline)
            except WireError:
                raise AuthenticationError("the server refused the token") from None
            if not hmac.compare_digest(answer, expected):
                raise AuthenticationError("the server's token is wrong")

    def send(self, message: Message, timeout: float | None = None) -> None:
        """Send one message whole.

        Raises:
            WireError: when it is too large, or the connection is gone or too slow.
        """
        self.send_encoded(encode(message), timeout)

    def send_encoded(self, message: EncodedMessage, timeout: float | None = None) -> None:
        """Send what :func:`encode` made, whole.

        Raises:
            WireError: when it is too large, or the connection is gone or too slow.
        """
        if message.size > self._max_message:
            raise WireError(
                f"a message of {message.size} bytes is over the limit of {self._max_message}"
            )
        deadline = time.monotonic() + (self._timeout if timeout is None else timeout)
        self._send_bytes(message.chunks, deadline)

    def buffer_sending(self, size: int) -> None:
        """Have the system keep up to that many bytes that the other side has not read yet."""
        with contextlib.suppress(OSError):  # a closed socket shows when it is used
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)

    def receive(self, wait: float | None = None) -> Message:
        """Receive one message whole.

        Args:
            wait: seconds to wait for the message to begin; None waits for ever. Once begun it
                has to arrive within the connection's timeout.

        Raises:
            TimeoutError: when none began in time; the connection stays usable.
            WireError: when the message is malformed, too large, truncated or too slow.
        """
        try:
            self._socket.settimeout(wait)
            first = self._socket.recv(1)
        except TimeoutError:
            raise TimeoutError(f"no message within {wait} s") from None
        except OSError as error:
            raise WireError(f"the connection is gone: {error}") from None
        if not first:
            raise WireError("the other side closed the connection")
        deadline = time.monotonic() + self._timeout
        lengths = first + self._receive_bytes(_LENGTHS.size - 1, deadline)
        header_length, payload_length = _LENGTHS.unpack(lengths)
        if header_length > MAX_HEADER or header_length + payload_length > self._max_message:
            raise WireError(
                f"the other side announced a message of {header_length + payload_length} bytes; "
                f"the limit is {self._max_message}"
            )
        header = _parse_header(self._receive_bytes(header_length, deadline), payload_length)
        payload = self._receive_bytes(payload_length, deadline)
        return Message(header["kind"], header["body"], _split(payload, header["arrays"]))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def _send_bytes(self, chunks: Sequence[bytes | memoryview], deadline: float) -> None:
        try:
            for chunk in chunks:
                self._socket.settimeout(max(deadline - time.monotonic(), 1e-3))
                self._socket.sendall(chunk)
        except TimeoutError:
            raise WireError("the other side does not read: deadline passed") from None
        except OSError as error:
            raise WireError(f"the connection is gone: {error}") from None

    def _receive_bytes(self, count: int, deadline: float) -> bytearray:
        # Room is made as bytes arrive: whoever only announces many costs nothing.
        data = bytearray(min(count, _ROOM))
        got = 0
        try:
            while got < count:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise TimeoutError
                self._socket.settimeout(remaining)
                if got == len(data):
                    data.extend(bytes(min(got, count - got)))
                with memoryview(data) as view, view[got:] as free:
                    received = self._socket.recv_into(free)
                if received == 0:
                    raise WireError("the other side closed the connection within a message")
                got += received
        except TimeoutError:
            raise WireError("a message did not arrive whole before its deadline") from None
        except WireError:
            raise
        except OSError as error:
            raise WireError(f"the connection is gone: {error}") from None
        return data


def _parse_header(raw: bytearray, payload_length: int) -> dict:
    """Check a header whole; the sizes it gives must add up to the payload's length."""
    try:
        header = json.loads(raw.decode())
    except (ValueError, RecursionError) as error:  # ValueError also for numbers of too many digits
        raise WireError(f"a message header is not JSON: {error}") from None
    if (
        not isinstance(header, dict)
        or not isinstance(header.get("kind"), str)
        or not isinstance(header.get("body"), dict)
        or not isinstance(header.get("arrays"), list)
    ):
        raise WireError("a message header lacks kind, body or arrays")
    total = 0
    for item in header["arrays"]:
        if not (
            isinstance(item, list)
            and len(item) == 3
            and isinstance(item[0], str)
            and item[1] in DTYPES
            and isinstance(item[2], list)
            and len(item[2]) <= 8
            and all(type(n) is int and 0 <= n <= MAX_MESSAGE for n in item[2])
            # Also of an array without numbers numpy takes no larger sides than this.
            and math.prod(max(n, 1) for n in item[2]) <= MAX_MESSAGE
        ):
            raise WireError("a message header describes an array wrongly")
        total += np.dtype(item[1]).itemsize * math.prod(item[2])
    if total != payload_length:
        raise WireError(f"arrays of {total} bytes were announced in {payload_length} bytes")
    return header


def _split(payload: bytearray, described: list) -> dict[str, np.ndarray]:
    arrays = {}
    offset = 0
    for name, dtype, shape in described:
        count = math.prod(shape)
        arrays[name] = np.frombuffer(payload, dtype, count, offset).reshape(shape)
        offset += count * np.dtype(dtype).itemsize
    return arrays


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at a host, which may be an IPv6 address; port 0 takes a free one.

    Raises:
        OSError: when that cannot be.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (TypeError, UnicodeError):  # Python's own words for names that no machine can have
        raise OSError(errno.EINVAL, "No machine can have that name") from None


def address_text(address: tuple[str, int]) -> str:
    """``HOST:PORT``; an IPv6 host in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def connect(
    address: tuple[str, int],
    token: str,
    timeout: float = 30.0,
    wait: float = 0.0,
    waiting: Callable[[], object] | None = None,
) -> Connection:
    """Dial a server and authenticate.

    Args:
        timeout: of the connection, seconds.
        wait: dial again for so many seconds while nobody listens.
        waiting: called once when that begins.

    Raises:
        WireError: when nobody answers there, or the token is refused.
    """
    until = time.monotonic() + wait
    while True:
        try:
            sock = socket.create_connection(address, timeout)
            break
        except UnicodeError:
            raise WireError(
                f"cannot reach {address_text(address)}: no machine can have that name"
            ) from None
        except OSError as error:
            if time.monotonic() >= until:
                raise WireError(f"cannot reach {address_text(address)}: {error}") from None
        if waiting is not None:
            waiting()
            waiting = None
        time.sleep(min(1.0, max(until - time.monotonic(), 0.0)))
    return Connection(sock, token, server=False, timeout=timeout)
