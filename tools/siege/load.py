#!/usr/bin/env python3
"""Many connections at once, and those that hold on to what they opened: the server stays usable by others. Loopback only.

    tools/siege/load.py [--clients 200]

Prints what was held and how the others fared; exits 1 when somebody else was not served, or memory ran away."""

import argparse
import socket
import ssl
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from vault import Home, Person, Server

MOST = 512  # the server's own limit on connections
PATIENT = 45  # seconds in which everything that holds on for nothing must have lost its place
MAX_RSS_MB = 300


def opened(server, tls=True):
    """One connection, or none when the server does not take it now."""
    try:
        line = socket.create_connection(server.address, timeout=PATIENT)
        return server.tls.wrap_socket(line, server_hostname="localhost") if tls else line
    except (OSError, ssl.SSLError):
        return None


def asked(server):
    """Seconds until a stranger got the sign-in page."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENT:
        try:
            answer = Person(server).ask("GET", "/sign-in", timeout=PATIENT)
            if answer.status == 200 and "Sign in" in answer.text():
                return time.monotonic() - began
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"nobody was served for {PATIENT} s")


def crowd(server, clients):
    """So many people at once, ten pages each on one connection."""
    def visit(_):
        person = Person(server)
        return all(person.ask("GET", path, timeout=PATIENT).status == 200 for path in ["/sign-in", "/health"] * 5)

    with ThreadPoolExecutor(clients) as pool:
        served = sum(pool.map(visit, range(clients)))
    if served != clients:
        raise AssertionError(f"{clients - served} of {clients} were not served")
    print(f"{clients} connections at once, 10 pages each: all served; {server.rss_mb():.0f} MB", flush=True)


def held(server, name, count, hold, drip=None):
    """Opens `count` connections that hold on; meanwhile somebody else wants a page."""
    with ThreadPoolExecutor(64) as pool:
        def tried(_):
            try:
                return hold(server)
            except OSError:
                # Cut already, as it should be.
                return None

        opening = [pool.submit(tried, n) for n in range(count)]
        stop = threading.Event()
        lines = []

        def dripping():
            while not stop.wait(1):
                for line in list(lines):
                    try:
                        line.sendall(drip)
                    except OSError:
                        pass

        first = [o.result() for o in opening[:MOST - 100]]
        lines += [line for line in first if line]
        thread = threading.Thread(target=dripping)
        if drip:
            thread.start()
        # The rest waits for a place as everybody does; so does who asks now.
        waited = asked(server)
        lines += [line for line in (o.result() for o in opening) if line]
        again = asked(server)
        stop.set()
        if drip:
            thread.join()
    for line in lines:
        line.close()
    print(f"{name}: {len(lines)} connections held; somebody else was served after {waited:.1f} s, then after {again:.1f} s; {server.rss_mb():.0f} MB", flush=True)


def slow_head(server):
    line = opened(server)
    if line:
        line.sendall(b"GET /sign-in HTTP/1.1\r\nhost: localhost\r\nx-slow: ")
    return line


def slow_body(server):
    line = opened(server)
    if line:
        line.sendall(b"POST /sign-in HTTP/1.1\r\nhost: localhost\r\norigin: https://localhost:8443\r\n"
                     b"content-type: application/x-www-form-urlencoded\r\ncontent-length: 60000\r\n\r\nlogin=")
    return line


def idle(server):
    line = opened(server)
    if line:
        line.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        line.recv(100)
    return line


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    args = parser.parse_args()
    home = Home()
    server = Server(home)
    crowd(server, args.clients)
    many = MOST + 50
    held(server, "heads that drip (slowloris)", many, slow_head, b"a")
    held(server, "bodies that drip", many, slow_body, b"a")
    held(server, "handshakes that never come", many, lambda s: opened(s, tls=False))
    held(server, "connections kept open for nothing", many, idle)
    crowd(server, args.clients)
    if server.rss_mb() > MAX_RSS_MB:
        raise AssertionError(f"{server.rss_mb():.0f} MB of memory after all this")
    if not server.alive():
        raise AssertionError("the server ended")
    server.stop()
    home.close()
    print("the server stayed usable")


if __name__ == "__main__":
    try:
        main()
    except AssertionError as error:
        sys.exit(f"WRONG: {error}")
