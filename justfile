# `just` lists what can be done here.
default:
    @just --list

# What CI runs.
check:
    bash .ci/run

# Every test, as in the README.
test:
    ./tools/test

# The main job on the bundled synthetic calls.
demo:
    cargo run --release -- demo

# A second, unseen set of generated calls, scored against its ground truth.
second seed="7" count="24":
    tools/second_set {{seed}} {{count}}

# Long runs: kills of commands and of the server under load, every role against the API's document, an hour-long call, memory.
# Evidence goes to docs/evidence.
deep:
    tools/deep

# Licences, bans and sources with cargo-deny itself (the test command runs the same rules offline).
deny:
    cargo deny check bans licenses sources
