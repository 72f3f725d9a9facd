#!/usr/bin/env python3
"""check_schema.py SCHEMA DOCUMENT: exit 0 when the document follows the schema, 1 with the first faults when it does not,
77 when the module jsonschema is not installed."""
import json
import sys

try:
    from jsonschema import Draft7Validator
except ImportError:
    print("the Python module jsonschema is not installed (Debian: python3-jsonschema)")
    sys.exit(77)


def spelled(value):
    """The schema with classes of Unicode written as Python writes them."""
    if isinstance(value, dict):
        return {
            name: text.replace(r"\p{L}", r"[^\W\d_]").replace(r"\p{N}", r"\d")
            if name == "pattern" and isinstance(text, str)
            else spelled(text)
            for name, text in value.items()
        }
    return [spelled(v) for v in value] if isinstance(value, list) else value


def main(schema_path, document_path):
    with open(schema_path, encoding="utf-8") as file:
        schema = spelled(json.load(file))
    with open(document_path, encoding="utf-8") as file:
        document = json.load(file)
    faults = sorted(Draft7Validator(schema).iter_errors(document), key=lambda e: list(map(str, e.absolute_path)))
    for fault in faults[:10]:
        print("/".join(map(str, fault.absolute_path)), fault.message[:300])
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
