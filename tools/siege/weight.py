#!/usr/bin/env python3
"""What the server weighs and how fast it is there: cold start to the first answered page, and resident memory when nothing happens.

    tools/siege/weight.py [--starts 5]

Over a vault with the demo's conversations, no speech model loaded. Exits 1 past 150 MB or one second."""

import argparse
import statistics
import sys
import time

from vault import Home, Person, Server

MAX_RSS_MB, MAX_START_S = 150, 1.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=5)
    args = parser.parse_args()
    home = Home(demo=True)
    starts, weights = [], []
    for _ in range(args.starts):
        server = Server(home)
        answer = Person(server).ask("GET", "/sign-in")
        starts.append(time.monotonic() - server.started)
        assert answer.status == 200
        time.sleep(5)
        weights.append(server.rss_mb())
        server.stop()
    home.close()
    print(f"cold start to the first page: median {statistics.median(starts):.2f} s, slowest {max(starts):.2f} s of {len(starts)}")
    print(f"resident memory five seconds after the start: {max(weights):.0f} MB at most")
    return 1 if max(weights) > MAX_RSS_MB or statistics.median(starts) > MAX_START_S else 0


if __name__ == "__main__":
    sys.exit(main())
