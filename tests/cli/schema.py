"""The part of JSON Schema that searchgen/schema/ uses, checked without a package for it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import searchgen

FOLDER = Path(searchgen.__file__).parent / "schema"

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "number": (int, float),
    "integer": int,
}

KNOWN = {
    "$schema",
    "title",
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "minimum",
    "minItems",
    "maxItems",
    "$ref",
}


@cache
def schema(name: str) -> dict[str, Any]:
    """Return a schema by the name of its file."""
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def faults(value: Any, rule: dict[str, Any], at: str = "$") -> list[str]:
    """Return where a value breaks a schema, and how."""
    assert set(rule) <= KNOWN, set(rule) - KNOWN
    if "$ref" in rule:
        return faults(value, schema(rule["$ref"]), at)
    found = []
    names = rule.get("type", [])
    allowed = [names] if isinstance(names, str) else names
    if allowed and not any(_is(value, name) for name in allowed):
        return [f"{at}: {value!r} is no {'/'.join(allowed)}"]
    if "enum" in rule and value not in rule["enum"]:
        found.append(f"{at}: {value!r} is none of {rule['enum']}")
    if "const" in rule and value != rule["const"]:
        found.append(f"{at}: {value!r} is not {rule['const']!r}")
    if "minimum" in rule and value is not None and value < rule["minimum"]:
        found.append(f"{at}: {value} < {rule['minimum']}")
    if isinstance(value, list):
        if not rule.get("minItems", 0) <= len(value) <= rule.get("maxItems", len(value)):
            found.append(f"{at}: {len(value)} items")
        for i, one in enumerate(value):
            found += faults(one, rule.get("items", {}), f"{at}[{i}]")
    if isinstance(value, dict):
        properties, more = rule.get("properties", {}), rule.get("additionalProperties", True)
        found += [f"{at}: no {name}" for name in rule.get("required", []) if name not in value]
        for name, one in value.items():
            if name in properties:
                found += faults(one, properties[name], f"{at}.{name}")
            elif more is False:
                found.append(f"{at}: unknown {name}")
            elif isinstance(more, dict):
                found += faults(one, more, f"{at}.{name}")
    return found


def _is(value: Any, name: str) -> bool:
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
