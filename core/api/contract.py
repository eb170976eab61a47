"""Whether an API still keeps what an earlier description of it promised.

A released version only ever gains: endpoints, optional parameters and fields of bodies, fields and statuses of answers.
`breaks` names everything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
_SENT_LIMITS = ("maxLength", "maximum", "maxItems", "exclusiveMaximum", "maxProperties")
_SENT_FLOORS = ("minLength", "minimum", "minItems", "exclusiveMinimum", "minProperties")


def breaks(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What a program written against the OpenAPI document `before` would miss or be refused in `now`, in words."""
    return list(_paths(before, now))


def _paths(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for path, item in before["paths"].items():
        for method in (each for each in METHODS if each in item):
            name = f"{method.upper()} {path}"
            is_now = now["paths"].get(path, {}).get(method)
            if is_now is None:
                yield f"{name} is gone"
                continue
            yield from _parameters(name, item[method], is_now)
            yield from _bodies(name, item[method], is_now)
            yield from _answers(name, item[method], is_now)


def _parameters(name: str, before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    old, new = _by_name(before), _by_name(now)
    for key in old.keys() - new.keys():
        yield f"{name}: parameter {key[1]} is gone"
    for key, given in new.items():
        if given.get("required") and not old.get(key, {}).get("required"):
            yield f"{name}: parameter {key[1]} has become required"
        if key in old:
            yield from _sent(f"{name}: parameter {key[1]}", old[key].get("schema", {}), given.get("schema", {}))


def _bodies(name: str, before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    old, new = before.get("requestBody"), now.get("requestBody")
    if new and new.get("required") and not (old or {}).get("required"):
        yield f"{name}: a body has become required"
    for kind, body in (old or {}).get("content", {}).items():
        taken = (new or {}).get("content", {}).get(kind)
        if taken is None:
            yield f"{name}: {kind} is no longer taken"
        else:
            yield from _sent(f"{name}: body", body.get("schema", {}), taken.get("schema", {}))


def _answers(name: str, before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for status, answer in before["responses"].items():
        given = now["responses"].get(status)
        if given is None:
            yield f"{name}: it no longer answers {status}"
            continue
        for kind, body in answer.get("content", {}).items():
            if kind not in given.get("content", {}):
                yield f"{name}: {status} is no longer {kind}"
            else:
                is_now = given["content"][kind].get("schema", {})
                yield from _told(f"{name}: {status}", body.get("schema", {}), is_now)


def _sent(place: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """What was taken once has to be taken still."""
    if missing := _kinds(old) - _kinds(new):
        yield f"{place}: {', '.join(sorted(missing))} is no longer taken"
        return
    yield from _narrowed(place, old, new)
    for field in sorted(set(new.get("required", [])) - set(old.get("required", []))):
        yield f"{place}.{field} has become required"
    for field, schema in old.get("properties", {}).items():
        if field in new.get("properties", {}):
            yield from _sent(f"{place}.{field}", schema, new["properties"][field])
        elif new.get("additionalProperties") is False:
            yield f"{place}.{field} is no longer taken"
    if "items" in old and "items" in new:
        yield from _sent(f"{place}[]", old["items"], new["items"])
    yield from _choices(place, old, new, _sent)


def _narrowed(place: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    for word in _SENT_LIMITS:
        if word in new and new[word] < old.get(word, float("inf")):
            yield f"{place}: {word} has become {new[word]}"
    for word in _SENT_FLOORS:
        if word in new and new[word] > old.get(word, float("-inf")):
            yield f"{place}: {word} has become {new[word]}"
    if "pattern" in new and new["pattern"] != old.get("pattern"):
        yield f"{place}: it has to look like {new['pattern']}"
    if "enum" in new and (lost := [each for each in old.get("enum", ["anything"]) if each not in new["enum"]]):
        yield f"{place}: {', '.join(map(str, lost))} is no longer taken"


def _told(place: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """What was told once has to be told still, and in the words that were promised."""
    if more := _kinds(new) - _kinds(old):
        yield f"{place} may now be {', '.join(sorted(more))}"
        return
    if "enum" in old and (added := [each for each in new.get("enum", ["anything"]) if each not in old["enum"]]):
        yield f"{place} may now be {', '.join(map(str, added))}"
    for field in sorted(set(old.get("required", [])) - set(new.get("required", []))):
        yield f"{place}.{field} may now be absent"
    for field, schema in old.get("properties", {}).items():
        if field not in new.get("properties", {}):
            yield f"{place}.{field} is gone"
        else:
            yield from _told(f"{place}.{field}", schema, new["properties"][field])
    if "items" in old and "items" in new:
        yield from _told(f"{place}[]", old["items"], new["items"])
    yield from _choices(place, old, new, _told)


def _choices(place: str, old: dict[str, Any], new: dict[str, Any], compare: Any) -> Iterator[str]:
    """Alternatives by their place: a version adds its new ones at the end."""
    for word in ("anyOf", "oneOf"):
        pairs = zip(old.get(word, []), new.get(word, []), strict=False)
        for n, (each, is_now) in enumerate(pairs):
            yield from compare(f"{place}({n})", each, is_now)
        if len(new.get(word, [])) < len(old.get(word, [])) and compare is _sent:
            yield f"{place}: an alternative is gone"


def _kinds(schema: dict[str, Any]) -> set[str]:
    kind = schema.get("type")
    found = {kind} if isinstance(kind, str) else set(kind or ())
    return found | ({"null"} if schema.get("nullable") else set())


def _by_name(operation: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(each["in"], each["name"]): each for each in operation.get("parameters", [])}
