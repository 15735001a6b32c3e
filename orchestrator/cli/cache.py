"""`wasmill cache`: look after the cache."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

import msgspec

import orchestrator
from actors.messages import RemoteCounts
from orchestrator.cli import session
from orchestrator.cli.arguments import add_json, add_quiet, folder
from orchestrator.cli.output import Output
from orchestrator.errors import FileError, UsageError
from orchestrator.report.progress import plural
from orchestrator.report.terminal import shown

if TYPE_CHECKING:
    from actors.messages import Collected
    from orchestrator.api import Project

ACTIONS = ("stats", "verify", "gc", "clear", "export", "import")

SUMMARY = "Look after the cache of a project."

DETAILS = """\
  stats     what is in it, and how often it helped
  verify    read everything, compare it with its digest; what is wrong is put aside, and
            compiled again by the next build
  gc        remove leftovers older than an hour, and entries over the size limit
  clear     remove everything: the next build compiles every module
  export    `wasmill cache export FILE [PATH]`: write what the last builds use into one file
  import    `wasmill cache import FILE [PATH]`: take over what such a file has, after checking it

exit codes: 0 done, 1 verify found damage, 2 wrong usage or configuration, 3 wasmill failed,
gc or clear could not remove something, or the file of export or import is not usable
"""


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("action", metavar="ACTION", choices=ACTIONS, help=", ".join(ACTIONS))
    parser.add_argument("places", metavar="[FILE] [PATH]", nargs="*", help="FILE: of export and import")
    parser.add_argument("--force", action="store_true", help="gc: young leftovers too")
    add_quiet(parser)
    add_json(parser, "the answer as one JSON object, on standard output")


def execute(arguments: Namespace, output: Output) -> int:
    filed = arguments.action in ("export", "import")
    places: list[str] = arguments.places
    if filed and not places:
        command = f"wasmill cache {arguments.action}"
        raise UsageError(f"`{command}` takes a file", hint=f"as in `{command} cache.bin`")
    if len(places) > filed + 1:
        raise UsageError(f"`{places[-1]}` is one argument too many")
    arguments.file = places.pop(0) if filed else ""
    arguments.path = places[0] if places else "."
    path = folder(arguments)
    if arguments.force and arguments.action != "gc":
        raise UsageError("`--force` is for `wasmill cache gc`")

    async def body() -> int:
        async with orchestrator.open(path) as project:
            return await _ACTIONS[arguments.action](project, arguments, output)

    return session.in_loop(body, output)


async def _stats(project: Project, arguments: Namespace, output: Output) -> int:
    statistics = await project.cache.statistics()
    if arguments.json:
        output.out(_json(statistics))
        return 0
    limit = f" of at most {amount(statistics.limit_bytes)}" if statistics.limit_bytes else ""
    twice = f" ({statistics.compiled_twice} of them made by two processes at once)" if statistics.compiled_twice else ""
    rows = [
        ("entries", f"{statistics.entries} ({amount(statistics.size_bytes)}{limit})"),
        ("hits", f"{statistics.hits} of {statistics.hits + statistics.misses} look-ups ({statistics.hit_rate:.1%})"),
        ("compilations", f"{statistics.compilations}{twice}"),
        ("time saved", f"{statistics.saved_ms / 1000:.2f} s"),
        ("read, written", f"{amount(statistics.bytes_read)}, {amount(statistics.bytes_written)}"),
        ("evictions", f"{statistics.evictions}"),
        ("corruptions", f"{statistics.corruptions}"),
        ("degradations", f"{statistics.degradations}"),
    ]
    if statistics.remote != RemoteCounts():
        rows += _remote_rows(statistics.remote)
    output.out("\n".join(f"{name:<14} {value}" for name, value in rows))
    return 0


def _remote_rows(remote: RemoteCounts) -> list[tuple[str, str]]:
    asked = remote.hits + remote.misses
    return [
        ("remote hits", f"{remote.hits} of {asked} look-ups, {plural(remote.objects, 'object')} fetched"),
        ("remote faults", f"{remote.errors} calls failed, {remote.refused} answers were wrong"),
        ("remote uploads", f"{remote.uploads} entries, {remote.dropped} dropped"),
        ("remote bytes", f"{amount(remote.bytes_read)} read, {amount(remote.bytes_written)} written"),
    ]


async def _verify(project: Project, arguments: Namespace, output: Output) -> int:
    verified = await project.cache.verify()
    if arguments.json:
        output.out(_json(verified))
    else:
        for each in verified.damage:
            output.insist(f"{shown(each.file)}: {shown(each.problem)}: {shown(each.action)}")
        output.say(f"checked {verified.checked}, damaged {len(verified.damage)}")
    return 1 if verified.damage else 0


async def _gc(project: Project, arguments: Namespace, output: Output) -> int:
    return _collected(await project.cache.gc(force=arguments.force), arguments, output)


async def _clear(project: Project, arguments: Namespace, output: Output) -> int:
    return _collected(await project.cache.clear(), arguments, output)


async def _export(project: Project, arguments: Namespace, output: Output) -> int:
    done = await project.cache.export_to(arguments.file)
    if arguments.json:
        output.out(_json(done))
    else:
        gone = f"; {done.missing} more could not be read" if done.missing else ""
        output.say(f"exported {_entries(done.entries)}, {amount(done.size_bytes)}{gone}")
    return 0


async def _import(project: Project, arguments: Namespace, output: Output) -> int:
    done = await project.cache.import_from(arguments.file)
    if arguments.json:
        output.out(_json(done))
    else:
        other = f"; {done.refused} differ from what is here, which stays" if done.refused else ""
        output.say(f"imported {done.stored} of {_entries(done.entries)}{other}")
    return 0


def _entries(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"


def _collected(collected: Collected, arguments: Namespace, output: Output) -> int:
    if arguments.json:
        output.out(_json(collected))
    elif collected.busy:
        output.insist("another process looks after this cache right now: nothing was done")
    else:
        removed = f"removed {collected.removed_files} files, {amount(collected.freed_bytes)}"
        output.say(f"{removed}; evicted {collected.evicted} entries")
    if collected.degraded is None:
        return 0
    left = (
        f"{plural(collected.left_files, 'file')} could not be removed"
        if collected.left_files
        else "not all could be done"
    )
    raise FileError(f"{left}: {collected.degraded}")


_ACTIONS = {"stats": _stats, "verify": _verify, "gc": _gc, "clear": _clear, "export": _export, "import": _import}


def _json(value: object) -> str:
    """Returns all fields, including those with their default values."""
    return json.dumps(_plain(value))


def _plain(value: object) -> object:
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def amount(size: float) -> str:
    """Returns a number of bytes in a readable form: "999 B", "12.3 kB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.95 or unit == "GB":
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError
