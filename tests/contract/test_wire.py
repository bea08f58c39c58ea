"""Messages over a socket: whole, authenticated, bounded, on time."""

import json
import socket
import struct
import threading
import time

import numpy as np
import pytest

from blender_addon.contract.wire import (
    MAGIC,
    AuthenticationError,
    Connection,
    Message,
    WireError,
    address_text,
    connect,
    listen,
)


def connected(server_token="secret", client_token="secret", timeout=2.0, **server_options):
    """Both ends of an authenticated connection, or the error each end got."""
    left, right = socket.socketpair()
    ends = {}

    def serve():
        try:
            ends["server"] = Connection(
                left, server_token, server=True, timeout=timeout, **server_options
            )
        except WireError as error:
            ends["server"] = error

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        ends["client"] = Connection(right, client_token, server=False, timeout=timeout)
    except WireError as error:
        ends["client"] = error
    thread.join()
    return ends["server"], ends["client"]


def raw_after_handshake(**options):
    """A server's connection, and the bare socket of a client that has authenticated."""
    server, client = connected(**options)
    return server, client._socket


def test_messages_arrive_as_they_were_sent():
    server, client = connected()
    arrays = {
        "image": np.arange(24, dtype=np.uint8).reshape(2, 4, 3),
        "light": np.array([[0.5, 65504.0]], dtype=np.float16),
        "depth": np.array([[1.5, np.inf]], dtype=np.float32),
        "nothing": np.zeros((0, 3), dtype=np.float32),
    }
    client.send(Message("frame", {"job": 3, "text": "Straße"}, arrays))
    got = server.receive(wait=2)
    assert got.kind == "frame" and got.body == {"job": 3, "text": "Straße"}
    for name, array in arrays.items():
        assert got.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(got.arrays[name], array)


def test_wrong_token_is_refused_on_both_sides():
    server, client = connected(client_token="guess")
    assert isinstance(server, AuthenticationError)
    assert isinstance(client, AuthenticationError)


def test_a_server_that_does_not_know_the_token_is_refused():
    """A client must not work for a stranger who merely answers on the port."""
    left, right = socket.socketpair()

    def impostor():
        left.sendall(MAGIC + bytes(32))
        left.recv(4096)
        left.sendall(bytes(32))

    threading.Thread(target=impostor, daemon=True).start()
    with pytest.raises(AuthenticationError):
        Connection(right, "secret", server=False, timeout=2)


def test_the_clients_own_proof_cannot_be_reflected_at_it():
    left, right = socket.socketpair()

    def mirror():
        while data := left.recv(4096):
            left.sendall(data)

    threading.Thread(target=mirror, daemon=True).start()
    with pytest.raises(AuthenticationError):
        Connection(right, "secret", server=False, timeout=2)


def test_another_protocol_is_refused():
    left, right = socket.socketpair()
    right.sendall(b"GET / HTTP/1.1\r\nHost: somewhere.example.org\r\n\r\n")
    with pytest.raises(WireError, match="protocol"):
        Connection(left, "secret", server=True, timeout=2)


def test_an_oversized_message_is_refused_before_it_is_read():
    server, client = raw_after_handshake(max_message=1000)
    client.sendall(struct.pack("<IQ", 10, 10**15))
    with pytest.raises(WireError, match="limit is 1000"):
        server.receive(wait=2)


def test_an_oversized_message_is_not_sent():
    server, _ = connected(max_message=1000)
    with pytest.raises(WireError, match="over the limit"):
        server.send(Message("big", {}, {"a": np.zeros(1000)}))


def test_a_truncated_message_is_refused():
    server, client = raw_after_handshake()
    client.sendall(struct.pack("<IQ", 100, 0) + b'{"kind"')
    client.close()
    with pytest.raises(WireError, match="within a message"):
        server.receive(wait=2)


def test_a_message_that_stalls_misses_its_deadline():
    server, client = raw_after_handshake(timeout=0.3)
    client.sendall(struct.pack("<IQ", 100, 0))
    started = time.monotonic()
    with pytest.raises(WireError, match="deadline"):
        server.receive(wait=5)
    assert time.monotonic() - started < 3


def test_no_message_in_time_leaves_the_connection_usable():
    server, client = connected()
    with pytest.raises(TimeoutError):
        server.receive(wait=0.05)
    client.send(Message("ping"))
    assert server.receive(wait=2).kind == "ping"


@pytest.mark.parametrize(
    "header",
    [
        b"not json",
        json.dumps([1]).encode(),
        json.dumps({"kind": "x", "body": {}}).encode(),
        json.dumps({"kind": "x", "body": {}, "arrays": [["a", "object", [1]]]}).encode(),
        json.dumps({"kind": "x", "body": {}, "arrays": [["a", "uint8", [-1]]]}).encode(),
        json.dumps({"kind": "x", "body": {}, "arrays": [["a", "uint8", [True]]]}).encode(),
        json.dumps({"kind": "x", "body": {}, "arrays": [["a", "float64", [4]]]}).encode(),
        b"[" * 100_000,
    ],
)
def test_malformed_headers_are_refused(header):
    server, client = raw_after_handshake()
    client.sendall(struct.pack("<IQ", len(header), 8) + header + bytes(8))
    with pytest.raises(WireError):
        server.receive(wait=2)


def test_nobody_there_is_said_in_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = free.getsockname()
    with pytest.raises(WireError, match=f"cannot reach 127.0.0.1:{address[1]}"):
        connect(address, "secret", timeout=1)


def test_it_waits_for_a_server_that_comes_later():
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = free.getsockname()
    threads = []

    def serve(server):
        with server:
            Connection(server.accept()[0], "secret", server=True).close()

    def waiting():  # only now it comes
        threads.append(threading.Thread(target=serve, args=(listen(*address),)))
        threads[0].start()

    connect(address, "secret", timeout=5, wait=30, waiting=waiting).close()
    threads[0].join()


def test_an_ipv6_host_can_be_listened_at():
    try:
        server = listen("::1", 0)
    except OSError:
        pytest.skip("no IPv6 here")
    with server:
        address = server.getsockname()[:2]
        assert address_text(address) == f"[::1]:{address[1]}"
        socket.create_connection(address, 5).close()
    assert address_text(("127.0.0.1", 80)) == "127.0.0.1:80"
