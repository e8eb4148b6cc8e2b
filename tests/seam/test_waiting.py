"""Waiting for an API that is still starting: whoever else answers at its port is not it."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from flows import api
from portfolio.errors import Outage


def echoing(server: socket.socket) -> None:
    """Answer each caller with his own words, as a socket that is connected to itself does."""
    with server:
        while True:
            try:
                caller, _ = server.accept()
            except OSError:
                return
            with caller:
                caller.sendall(caller.recv(4096))


def test_an_echo_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(monotonic=iter([0.0, 1.0, 2.0, 99.0]).__next__, sleep=lambda _: None)
    monkeypatch.setattr(api, "time", clock)
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    threading.Thread(target=echoing, args=(server,), daemon=True).start()
    try:
        with pytest.raises(Outage, match="No answer from http://127"):
            api.Waiting(f"http://127.0.0.1:{port}/api", None).ready()
    finally:
        server.close()


def test_nobody_who_knocks_can_be_given_the_port() -> None:
    file = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(file.read_text().split()[0]) if file.exists() else 32_768
    ports = {api.free_ports(3) for _ in range(3)}
    assert all(port > 1024 and port + 3 <= first for port in ports)
