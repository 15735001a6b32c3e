"""Selects the command and translates its end into an exit code. Each command is a file of its own, imported on demand.

Exit codes: 0 done; 1 the sources are wrong (`cache verify`: damage was found); 2 wrong usage or configuration; 3
Wasmill or the system failed; 130 Ctrl-C; 143 SIGTERM. `run` passes the program's own exit code through.

A command module has `SUMMARY` (one line), `DETAILS` (the end of its help), `configure(parser)` and `execute(arguments,
output) -> int`.
"""

from __future__ import annotations

import sys
from importlib import import_module

from orchestrator.cli import SIGINT, SIGTERM, Terminated, events_wanted, signal_of
from orchestrator.cli.output import Output
from orchestrator.errors import ProjectBroken, UsageError, WasmillError

COMMANDS = ("build", "run", "graph", "clean", "cache", "explain", "trace", "server", "watch", "trust")

HELP = """\
wasmill: build WebAssembly programs out of modules, and rebuild only what an edit asks for

usage: wasmill COMMAND [ARGUMENTS]
       wasmill COMMAND --help

  build [PATH]             compile what changed, link the program
  run [PATH] [-- ARGS]     build, then run the program; PATH may be a single source
  watch [PATH]             build again whenever something changed; --run runs it too
  graph [PATH]             show which module depends on which
  clean [PATH]             remove the programs that builds of this project wrote
  cache ACTION [PATH]      stats, verify, gc or clear: look after the cache
  explain CODE             what an error code means, with a wrong and a right example
  server ACTION [PATH]     start, stop, status or run: keep the project open between builds
  trust [PATH]             let a folder choose programs that its builds run
  trace replay FILE        give a recorded build to the planner and the cache again

PATH is the project, by default the current folder. It needs no configuration: a folder of
sources, with a file called `main` in it or in its src/, is a project. A wasmill.toml in the
folder or above it sets the rest. The program goes to build/, the cache to .ruchy-cache/.

Text for people goes to standard error; standard output is for --json, and for what the
program itself prints.

exit codes: 0 done
            1 the sources are wrong (cache verify: damage was found; trace replay:
              something is decided otherwise)
            2 wrong usage or configuration
            3 wasmill itself failed, or could not write or remove something
            130 interrupted (Ctrl-C), 143 terminated
            run: the exit code of the program (1 where it could not write its output),
            134 where it trapped
"""


def main(argv: list[str] | None = None) -> int:
    """Runs one command and returns the exit code. Raises nothing."""
    output = Output()
    asked = sys.argv[1:] if argv is None else argv
    output.events = events_wanted(asked)
    try:
        return _dispatch(asked, output)
    except WasmillError as wrong:
        if isinstance(wrong, ProjectBroken):
            output.trace(wrong.__cause__ or wrong)
        output.error(wrong)
        return wrong.exit_code
    except KeyboardInterrupt as stop:  # before or after `session` handles signals
        return output.interrupted(signal_of(stop))
    except BaseExceptionGroup as wrong:
        stops = wrong.subgroup(KeyboardInterrupt)
        if stops is None:
            return _our_own(wrong, output)
        return output.interrupted(SIGTERM if stops.subgroup(Terminated) else SIGINT)
    except Exception as wrong:
        return _our_own(wrong, output)
    finally:
        output.close()


def _our_own(wrong: BaseException, output: Output) -> int:
    output.trace(wrong)
    output.insist("wasmill: this is a failure of wasmill itself, not of your sources")
    return 3


def _dispatch(argv: list[str], output: Output) -> int:
    if not argv:
        output.out(help_text())
        return 2
    command, *rest = argv
    if command in ("-h", "--help", "help"):
        return _dispatch([rest[0], "--help"], output) if rest else _help(output)
    if command in ("-V", "--version", "version"):
        return _version(output)
    if command not in COMMANDS:
        raise _unknown(command)
    from orchestrator.cli.arguments import plain

    module = import_module(f"orchestrator.cli.{command}")
    arguments = plain(argv)
    if arguments is None:
        from orchestrator.cli.parser import parse

        arguments = parse(command, module, rest, output)
    if arguments is None:  # it printed the help
        return 0
    output.quiet = getattr(arguments, "quiet", False)
    return int(module.execute(arguments, output))


def help_text() -> str:
    """Returns the text of `wasmill --help`. It names no language, because asking the toolchains would import more than
    help needs."""
    return HELP.rstrip()


def _help(output: Output) -> int:
    output.out(help_text())
    return 0


def _version(output: Output) -> int:
    import orchestrator

    output.out(f"wasmill {orchestrator.__version__}")
    return 0


def _unknown(command: str) -> UsageError:
    from orchestrator.report.terminal import shown
    from orchestrator.settings import near_miss

    kind = "flag" if command.startswith("-") else "command"
    hint = near_miss(command, COMMANDS) or "see `wasmill --help`"
    return UsageError(f"there is no {kind} `{shown(command)}`", hint=hint)
